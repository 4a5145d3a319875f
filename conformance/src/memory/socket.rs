//! A peer's end of an in-memory connection, read and written like a blocking socket. While it waits, the gateway's tasks run.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::End;

/// A blocking view of an end.
#[derive(Debug)]
pub struct Memory {
    end: End,
    runtime: Arc<Runtime>,
    /// How long a read waits, in virtual time.
    pub patience: Duration,
}

impl Memory {
    pub(super) fn new(end: End, runtime: Arc<Runtime>) -> Self {
        Self {
            end,
            runtime,
            patience: Duration::from_secs(10),
        }
    }

    /// The end itself, for what does not wait.
    #[must_use]
    pub fn end(&self) -> &End {
        &self.end
    }
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let reading = async { timeout(self.patience, self.end.read(buffer)).await };
        self.runtime
            .block_on(reading)
            .unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into()))
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let writing = async { timeout(Duration::from_secs(10), self.end.write(bytes)).await };
        self.runtime
            .block_on(writing)
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
