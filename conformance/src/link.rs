//! One connection of a peer: what was read and not yet looked at, and whether the gateway has closed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use socket2::SockRef;

use crate::clock::Clock;
use crate::memory::Memory;
use crate::tls::{self, TlsStream};

/// What one attempt to read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Bytes,
    Silence,
    End,
}

/// A connection of the system or one in memory.
#[derive(Debug)]
pub enum Socket {
    System(TcpStream),
    Memory(Memory),
}

impl Socket {
    /// How long a read waits at most.
    fn set_patience(&mut self, wait: Duration) -> io::Result<()> {
        match self {
            Self::System(socket) => socket.set_read_timeout(Some(wait)),
            Self::Memory(socket) => {
                socket.patience = wait;
                Ok(())
            }
        }
    }

    fn half_close(&self) -> io::Result<()> {
        match self {
            Self::System(socket) => socket.shutdown(Shutdown::Write),
            Self::Memory(socket) => {
                socket.end().shut_down();
                Ok(())
            }
        }
    }

    /// Makes the end of the connection a reset.
    fn break_off(&self) -> io::Result<()> {
        match self {
            Self::System(socket) => SockRef::from(socket).set_linger(Some(Duration::ZERO)),
            Self::Memory(socket) => {
                socket.end().break_off();
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

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
    /// A handshake failed; nothing can be said any more.
    Lost,
}

/// A connection with the gateway at its other end.
#[derive(Debug)]
pub struct Link {
    stream: Stream,
    clock: Clock,
    /// Read, but not yet expected by any step.
    pub pending: Vec<u8>,
    /// The gateway has closed or reset.
    pub ended: bool,
}

impl Link {
    /// Takes over a connected socket.
    ///
    /// # Errors
    /// When the socket is no longer usable.
    pub fn new(socket: Socket, clock: Clock) -> io::Result<Self> {
        if let Socket::System(socket) = &socket {
            socket.set_nonblocking(false)?;
            // A unix socket knows no delay.
            let _ = socket.set_nodelay(true);
            socket.set_write_timeout(Some(Duration::from_secs(10)))?;
        }
        Ok(Self {
            stream: Stream::Plain(socket),
            clock,
            pending: Vec::new(),
            ended: false,
        })
    }

    /// Reads once, for at most `wait`.
    ///
    /// # Errors
    /// Other than the end of the connection and silence.
    pub fn hear(&mut self, wait: Duration) -> io::Result<Heard> {
        if self.ended {
            return Ok(Heard::End);
        }
        let mut bytes = [0; 16 * 1024];
        let wait = wait.max(Duration::from_millis(1));
        let read = match &mut self.stream {
            Stream::Plain(socket) => {
                socket.set_patience(wait)?;
                socket.read(&mut bytes)
            }
            Stream::Tls(stream) => {
                stream.sock.set_patience(wait)?;
                stream.read(&mut bytes)
            }
            Stream::Lost => Ok(0),
        };
        match read {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.pending.extend_from_slice(&bytes[..count]);
                return Ok(Heard::Bytes);
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                    return Ok(Heard::Silence);
                }
                ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => {
                    self.ended = true
                }
                _ => return Err(error),
            },
        }
        Ok(Heard::End)
    }

    /// Reads until nothing came for `quiet`, waiting at most `first` for the first byte.
    ///
    /// # Errors
    /// As [`Link::hear`].
    pub fn hear_out(&mut self, first: Duration, quiet: Duration) -> io::Result<()> {
        let mut wait = if self.pending.is_empty() {
            first
        } else {
            quiet
        };
        let until = self.clock.now() + Duration::from_secs(20);
        while self.clock.now() < until && self.hear(wait)? == Heard::Bytes {
            wait = quiet;
        }
        Ok(())
    }

    /// Sends in one write.
    ///
    /// # Errors
    /// When the gateway has closed.
    pub fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Stream::Lost => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Sends byte by byte, with pauses so short that they only part the packets.
    ///
    /// # Errors
    /// When the gateway has closed.
    pub fn say_bytewise(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes.chunks(1) {
            self.say(byte)?;
            self.clock.sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Shuts the sending side.
    ///
    /// # Errors
    /// When there is no connection any more.
    pub fn half_close(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(socket) => socket.half_close(),
            Stream::Tls(stream) => {
                stream.conn.send_close_notify();
                stream.flush()?;
                stream.sock.half_close()
            }
            Stream::Lost => Ok(()),
        }
    }

    /// Makes the end of the connection a reset.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn break_off(&mut self) -> io::Result<()> {
        match &self.stream {
            Stream::Plain(socket) => socket.break_off(),
            Stream::Tls(stream) => stream.sock.break_off(),
            Stream::Lost => Ok(()),
        }
    }

    /// Begins TLS as its client, with a certificate and its key if asked for one.
    ///
    /// # Errors
    /// When the handshake fails.
    pub fn start_tls(&mut self, own: Option<(PathBuf, PathBuf)>) -> io::Result<()> {
        let Stream::Plain(mut socket) = std::mem::replace(&mut self.stream, Stream::Lost) else {
            return Err(io::Error::other("TLS inside TLS"));
        };
        socket.set_patience(Duration::from_secs(10))?;
        self.stream = Stream::Tls(Box::new(tls::handshake(socket, own)?));
        Ok(())
    }
}
