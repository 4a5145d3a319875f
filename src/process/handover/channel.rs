//! Frames over one end of a Unix socket pair: a header, a payload, then descriptors (SCM_RIGHTS).
//!
//! The header is two little-endian `u32`: the length of the payload in bytes and the number of descriptors. Descriptors follow
//! in groups, each with one byte of data of its own, because the kernel never joins data that carries different descriptors.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Descriptors in one group; the kernel takes at most 253 (SCM_MAX_FD).
const GROUP: usize = 250;
/// The longest payload from the master, in bytes.
const LONGEST: usize = 1 << 30;
/// The most descriptors in a frame.
const MOST: usize = 1 << 20;
pub(super) const HEADER: usize = 8;

/// One end of the connection between the master and a worker.
#[derive(Debug)]
pub struct Channel(pub(super) UnixStream);

/// One frame.
#[derive(Debug)]
pub struct Frame {
    /// What `send` was given.
    pub payload: Vec<u8>,
    /// Duplicates of the sender's descriptors, in the same order; closed on exec. `None`: this process may not open so many.
    pub descriptors: Option<Vec<OwnedFd>>,
}

impl Channel {
    /// Takes one end of a socket pair.
    pub fn new(socket: UnixStream) -> Self {
        Self(socket)
    }

    /// Ends the connection for both sides, and for all that wait for it.
    pub fn close(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }

    /// Sends a frame within `limit`.
    ///
    /// # Errors
    /// The other end is closed, or does not read in time. What was sent before is half a frame: the connection is of no use.
    pub fn send(
        &self,
        payload: &[u8],
        descriptors: &[BorrowedFd<'_>],
        limit: Duration,
    ) -> io::Result<()> {
        let deadline = Instant::now() + limit;
        let header = header(payload.len(), descriptors.len())?;
        self.write(&header, deadline)?;
        self.write(payload, deadline)?;
        for group in descriptors.chunks(GROUP) {
            self.set_write_timeout(deadline)?;
            self.send_group(group)?;
        }
        Ok(())
    }

    /// Waits for a frame of the master. `None` at the end of the stream, between frames or within one: half a frame counts
    /// for nothing.
    ///
    /// # Errors
    /// Reading fails, or the header is out of bounds.
    pub fn receive(&self) -> io::Result<Option<Frame>> {
        let mut header = [0; HEADER];
        if !self.fill(&mut header)? {
            return Ok(None);
        }
        let (length, count) = parse(header);
        if length > LONGEST || count > MOST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut payload = vec![0; length];
        if !self.fill(&mut payload)? {
            return Ok(None);
        }
        let mut descriptors = Vec::new();
        for _ in 0..count.div_ceil(GROUP) {
            if !self.receive_group(&mut descriptors)? {
                return Ok(None);
            }
        }
        let is_complete = descriptors.len() == count;
        Ok(Some(Frame {
            payload,
            descriptors: is_complete.then_some(descriptors),
        }))
    }

    fn write(&self, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            self.set_write_timeout(deadline)?;
            match (&self.0).write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn set_write_timeout(&self, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.0.set_write_timeout(Some(left))
    }

    fn send_group(&self, group: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(GROUP))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(group));
        let data = [IoSlice::new(&[0])];
        rustix::io::retry_on_intr(|| sendmsg(&self.0, &data, &mut control, SendFlags::NOSIGNAL))?;
        Ok(())
    }

    /// Whether there was one. The kernel drops the descriptors for which the limit of open files leaves no room.
    fn receive_group(&self, descriptors: &mut Vec<OwnedFd>) -> io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(GROUP))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let received = rustix::io::retry_on_intr(|| {
            let mut data = [IoSliceMut::new(&mut byte)];
            recvmsg(&self.0, &mut data, &mut control, RecvFlags::CMSG_CLOEXEC)
        })?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                descriptors.extend(received);
            }
        }
        Ok(received.bytes > 0)
    }

    /// Fills the buffer. Whether the stream had that much left.
    fn fill(&self, buffer: &mut [u8]) -> io::Result<bool> {
        match (&self.0).read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

pub(super) fn header(length: usize, count: usize) -> io::Result<[u8; HEADER]> {
    if length > LONGEST || count > MOST {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&(length as u32).to_le_bytes());
    header[4..].copy_from_slice(&(count as u32).to_le_bytes());
    Ok(header)
}

pub(super) fn parse(header: [u8; HEADER]) -> (usize, usize) {
    let [a, b, c, d, e, f, g, h] = header;
    let (length, count) = (
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    );
    (length as usize, count as usize)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::thread;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn pair() -> (Channel, Channel) {
        let (one, two) = UnixStream::pair().unwrap();
        (Channel::new(one), Channel::new(two))
    }

    #[test]
    fn frames_arrive_with_their_descriptors() {
        let (master, worker) = pair();
        let payload: Vec<u8> = (0..3_000_000).map(|n| n as u8).collect();
        let null = File::open("/dev/null").unwrap();
        let expected = payload.clone();
        let sender = thread::spawn(move || {
            let descriptors: Vec<_> = (0..GROUP + 7).map(|_| null.as_fd()).collect();
            master.send(&payload, &descriptors, LIMIT).unwrap();
            master.send(b"last", &[], LIMIT).unwrap();
        });
        let first = worker.receive().unwrap().unwrap();
        assert!(first.payload == expected);
        assert_eq!(first.descriptors.unwrap().len(), GROUP + 7);
        let last = worker.receive().unwrap().unwrap();
        assert_eq!(
            (&last.payload[..], last.descriptors.unwrap().len()),
            (&b"last"[..], 0)
        );
        sender.join().unwrap();
        assert!(worker.receive().unwrap().is_none());
    }

    #[test]
    fn half_a_frame_counts_for_nothing() {
        let null = File::open("/dev/null").unwrap();
        let (master, worker) = pair();
        master.send(b"payload", &[null.as_fd()], LIMIT).unwrap();
        let mut whole = vec![0; HEADER + 7 + 1];
        (&worker.0).read_exact(&mut whole).unwrap();
        for cut in 1..whole.len() - 1 {
            let (master, worker) = pair();
            (&master.0).write_all(&whole[..cut]).unwrap();
            drop(master);
            assert!(worker.receive().unwrap().is_none(), "{cut}");
        }
        // The data without its descriptors.
        let (master, worker) = pair();
        (&master.0).write_all(&whole).unwrap();
        let frame = worker.receive().unwrap().unwrap();
        assert!(frame.descriptors.is_none());
    }

    #[test]
    fn a_worker_that_does_not_read_holds_nothing_up() {
        let (master, _worker) = pair();
        let payload = vec![0; 4_000_000];
        let error = master.send(&payload, &[], Duration::from_millis(20));
        let kind = error.unwrap_err().kind();
        assert!(
            matches!(kind, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock),
            "{kind:?}"
        );
    }
}
