//! Files as destinations of a writer's thread.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustix::event::{PollFd, PollFlags, poll};

use super::event::Event;
use super::forms::line_of;
use super::writer::Destination;
use crate::base::Level;
use crate::config::{LineFormat, LogBuffer};

/// Makes the line which says that lines were lost: their number and the cause.
pub(super) type LossLine = Box<dyn Fn(u64, &str) -> Vec<u8> + Send + Sync>;

/// The current file of a log. A reopen replaces it for all who write to it.
pub(super) type CurrentFile = Arc<ArcSwap<File>>;

/// A log file.
pub(super) struct FileDestination {
    pub(super) file: CurrentFile,
    pub(super) buffer: Option<LogBuffer>,
    pub(super) loss: LossLine,
}

impl Destination for FileDestination {
    fn write(&self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        write_all(&**self.file.load(), lines)
    }

    fn buffer(&self) -> (usize, Option<Duration>) {
        let buffer = self.buffer;
        buffer.map_or((0, None), |LogBuffer { size, flush }| (size, flush))
    }

    fn loss(&self, count: u64, cause: &str) -> Vec<u8> {
        (self.loss)(count, cause)
    }
}

/// Standard error.
pub(super) struct StderrDestination {
    pub(super) loss: LossLine,
}

impl Destination for StderrDestination {
    fn write(&self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        write_all(io::stderr(), lines)
    }

    fn loss(&self, count: u64, cause: &str) -> Vec<u8> {
        (self.loss)(count, cause)
    }
}

/// The level of the line in an error log which says that lines were lost.
pub(super) const LOSS_LEVEL: Level = Level::Alert;

/// The line in an error log.
pub(super) fn error_log_loss(format: LineFormat, count: u64, cause: &str) -> Vec<u8> {
    let message = format_args!("{count} lines of this log were lost: {cause}");
    line_of(&Event::new(LOSS_LEVEL, None, message), format)
}

/// Writes all bytes, and waits where the file is a pipe or a terminal that takes no more for now.
fn write_all(mut file: impl Write + AsFd, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let ready = PollFd::from_borrowed_fd(file.as_fd(), PollFlags::OUT);
                match poll(&mut [ready], None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err((written, error.into())),
                }
            }
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}
