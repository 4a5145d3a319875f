//! A destination under control of the test.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A destination that waits for permission before each write, and reports what it wrote.
struct Stub {
    permits: Mutex<Receiver<Result<(), usize>>>,
    written: Mutex<Sender<Vec<u8>>>,
    buffer: (usize, Option<Duration>),
}

impl Destination for Stub {
    fn write(&self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        let permit = self.permits.lock().map(|permits| permits.recv());
        match permit {
            Ok(Ok(Err(count))) => {
                let full = io::Error::from_raw_os_error(nix::libc::ENOSPC);
                let count = count.min(lines.len());
                let _ = self
                    .written
                    .lock()
                    .map(|sender| sender.send(lines[..count].to_vec()));
                Err((count, full))
            }
            _ => {
                let _ = self
                    .written
                    .lock()
                    .map(|sender| sender.send(lines.to_vec()));
                Ok(())
            }
        }
    }

    fn buffer(&self) -> (usize, Option<Duration>) {
        self.buffer
    }

    fn loss(&self, count: u64, cause: &str) -> Vec<u8> {
        format!("{count} lost: {cause}\n").into_bytes()
    }
}

struct Peer {
    output: Output,
    writer: Writer,
    /// Without a sender, every write is permitted.
    permits: Option<Sender<Result<(), usize>>>,
    written: Receiver<Vec<u8>>,
}

fn start(buffer: (usize, Option<Duration>)) -> Peer {
    let (permits, permitted) = channel();
    let (sender, written) = channel();
    let writer = Writer::start("log").expect("a thread starts");
    let output = writer.add(Box::new(Stub {
        permits: Mutex::new(permitted),
        written: Mutex::new(sender),
        buffer,
    }));
    Peer {
        output,
        writer,
        permits: Some(permits),
        written,
    }
}

impl Peer {
    fn permit(&self, result: Result<(), usize>) {
        let permits = self.permits.as_ref().expect("permits are needed");
        permits.send(result).expect("the thread runs");
    }

    fn next(&self) -> String {
        let bytes = self.written.recv_timeout(Duration::from_secs(20));
        String::from_utf8(bytes.expect("is written")).expect("is UTF-8")
    }
}

#[test]
fn a_stuck_destination_costs_lines_but_no_time() {
    let mut peer = start((0, None));
    let line = [&*vec![b'x'; 1023], b"\n"].concat();
    peer.output.push(b"first\n");
    // The thread is now in its first write or about to start it, and nothing is permitted.
    let capacity = CAPACITY / line.len();
    for _ in 0..2 * capacity {
        peer.output.push(&line);
    }
    peer.permits = None;
    let mut all = String::new();
    while !all.contains("lost") {
        all.push_str(&peer.next());
    }
    let lost: u64 = all
        .lines()
        .find_map(|line| line.strip_suffix(" lost: the log takes lines too slowly"))
        .and_then(|count| count.parse().ok())
        .expect("is reported");
    assert!(lost > 0 && lost <= 1 + capacity as u64, "{lost}");
}

#[test]
fn a_full_disk_is_reported_when_it_has_room_again() {
    let peer = start((0, None));
    peer.permit(Err(2));
    peer.output.push(b"one\n");
    assert_eq!(peer.next(), "on");
    peer.permit(Err(0));
    peer.output.push(b"two\n");
    assert_eq!(peer.next(), "");
    peer.permit(Ok(()));
    peer.output.push(b"three\n");
    let cause = "write() failed (28: No space left on device)";
    assert_eq!(peer.next(), format!("\n2 lost: {cause}\nthree\n"));
    peer.permit(Ok(()));
    peer.output.push(b"four\n");
    assert_eq!(peer.next(), "four\n");
}

#[test]
fn a_buffer_is_written_when_full_or_flushed_or_unused() {
    let peer = start((12, None));
    for _ in 0..3 {
        peer.permit(Ok(()));
    }
    peer.output.push(b"one\n");
    peer.writer.flush(Duration::from_secs(20));
    assert_eq!(peer.next(), "one\n");
    peer.output.push(b"1234567\n");
    peer.output.push(b"890\n");
    assert_eq!(peer.next(), "1234567\n890\n");
    peer.output.push(b"last\n");
    let Peer {
        output,
        writer,
        permits: _permits,
        written,
    } = peer;
    drop((output, writer));
    let last = written.recv_timeout(Duration::from_secs(20));
    assert_eq!(last.as_deref(), Ok(&b"last\n"[..]));
}

#[test]
fn a_buffer_is_written_in_time() {
    let peer = start((1000, Some(Duration::from_millis(30))));
    peer.permit(Ok(()));
    peer.output.push(b"one\n");
    assert_eq!(peer.next(), "one\n");
}
