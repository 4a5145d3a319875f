//! A socket of a peer: one of the system, or one in memory.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use crate::memory::MemorySocket;
use crate::stream::HalfClose;

/// A connected socket.
#[derive(Debug)]
pub enum Socket {
    System(TcpStream),
    Memory(MemorySocket),
}

impl Socket {
    /// Sets the options of a peer's socket.
    ///
    /// # Errors
    /// When the socket has failed.
    pub fn prepare(&self) -> io::Result<()> {
        let Self::System(socket) = self else {
            return Ok(());
        };
        socket.set_nonblocking(false)?;
        // Fails on Unix sockets, which do not delay.
        let _ = socket.set_nodelay(true);
        socket.set_write_timeout(Some(Duration::from_secs(10)))
    }

    /// Sets how long a read waits.
    ///
    /// # Errors
    /// When the system refuses the option.
    pub fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::System(socket) => socket.set_read_timeout(Some(timeout)),
            Self::Memory(socket) => {
                socket.read_timeout = timeout;
                Ok(())
            }
        }
    }

    /// Makes the close of this connection a reset.
    ///
    /// # Errors
    /// When the system refuses the option.
    pub fn reset_on_close(&self) -> io::Result<()> {
        match self {
            Self::System(socket) => SockRef::from(socket).set_linger(Some(Duration::ZERO)),
            Self::Memory(socket) => {
                socket.end().reset();
                Ok(())
            }
        }
    }
}

impl HalfClose for Socket {
    fn shutdown_write(&self) -> io::Result<()> {
        match self {
            Self::System(socket) => socket.shutdown_write(),
            Self::Memory(socket) => {
                socket.end().shutdown_write();
                Ok(())
            }
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::System(socket) => socket.read(buffer),
            Self::Memory(socket) => socket.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::System(socket) => socket.write(bytes),
            Self::Memory(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
