//! The reports of a worker as the master reads them: without waiting, whatever the worker does, and without descriptors.

use rustix::net::RecvFlags;

use super::channel::{Channel, HEADER, parse};

/// The longest payload from a worker, in bytes: nothing that a worker reports is longer.
const LONGEST_REPORT: usize = 4096;

/// What has arrived of the next report.
#[derive(Debug, Default)]
pub struct Reports(Vec<u8>);

/// The end of a worker's reports.
#[derive(Debug)]
pub enum ReportsEnd {
    /// The worker has closed its end.
    Closed,
    /// A frame is longer than any report.
    Invalid,
}

impl Reports {
    /// Takes what has arrived and returns the payloads that are complete.
    ///
    /// # Errors
    /// Nothing more can come; complete payloads are returned first, by an earlier call.
    pub fn read(&mut self, channel: &Channel) -> Result<Vec<Vec<u8>>, ReportsEnd> {
        let mut chunk = [0; LONGEST_REPORT];
        let received = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&channel.0, &mut chunk, RecvFlags::DONTWAIT)
        });
        match received {
            Ok((0, _)) => return Err(ReportsEnd::Closed),
            Ok((length, _)) => self.0.extend_from_slice(&chunk[..length]),
            Err(rustix::io::Errno::AGAIN) => {}
            Err(_) => return Err(ReportsEnd::Closed),
        }
        let mut payloads = Vec::new();
        while let Some(header) = self.0.first_chunk::<HEADER>() {
            let (length, count) = parse(*header);
            if length > LONGEST_REPORT || count > 0 {
                return Err(ReportsEnd::Invalid);
            }
            let Some(payload) = self.0.get(HEADER..HEADER + length) else {
                break;
            };
            payloads.push(payload.to_vec());
            self.0.drain(..HEADER + length);
        }
        Ok(payloads)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::super::channel::header;
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn pair() -> (Channel, Channel) {
        let (one, two) = UnixStream::pair().unwrap();
        (Channel::new(one), Channel::new(two))
    }

    #[test]
    fn reports_are_read_in_any_pieces() {
        let (master, worker) = pair();
        let mut reports = Reports::default();
        assert!(reports.read(&master).unwrap().is_empty());
        let frame = [&header(3, 0).unwrap()[..], b"abc"].concat();
        for byte in &frame[..frame.len() - 1] {
            (&worker.0).write_all(&[*byte]).unwrap();
            assert!(reports.read(&master).unwrap().is_empty());
        }
        (&worker.0).write_all(b"c").unwrap();
        worker.send(b"de", &[], LIMIT).unwrap();
        assert_eq!(
            reports.read(&master).unwrap(),
            [b"abc".to_vec(), b"de".to_vec()]
        );
        worker.send(&[0; LONGEST_REPORT + 1], &[], LIMIT).unwrap();
        let end = std::iter::repeat_with(|| reports.read(&master)).find_map(Result::err);
        assert!(matches!(end, Some(ReportsEnd::Invalid)));
    }

    #[test]
    fn the_end_of_a_worker_is_seen() {
        let (master, worker) = pair();
        drop(worker);
        let end = Reports::default().read(&master);
        assert!(matches!(end, Err(ReportsEnd::Closed)));
    }
}
