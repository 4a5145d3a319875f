//! A blocking socket over an in-memory connection. The tasks of the gateway run while it waits.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::End;

/// One end of a connection as a blocking socket.
#[derive(Debug)]
pub struct MemorySocket {
    end: End,
    runtime: Arc<Runtime>,
    /// How long a read waits, in virtual time.
    pub read_timeout: Duration,
}

impl MemorySocket {
    pub(super) fn new(end: End, runtime: Arc<Runtime>) -> Self {
        Self {
            end,
            runtime,
            read_timeout: Duration::from_secs(10),
        }
    }

    /// The end itself, for operations that do not block.
    #[must_use]
    pub fn end(&self) -> &End {
        &self.end
    }
}

impl Read for MemorySocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let reading = async { timeout(self.read_timeout, self.end.read(buffer)).await };
        self.runtime
            .block_on(reading)
            .unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into()))
    }
}

impl Write for MemorySocket {
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
