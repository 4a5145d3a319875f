//! A connection of a scripted peer, for cases: it waits for data up to a time limit.

use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::clock::Clock;
use crate::socket::Socket;
use crate::stream::{ClientCertificate, Stream};

/// The result of one attempt to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    Data,
    /// The time limit passed.
    Nothing,
    /// The gateway has closed or reset the connection.
    Eof,
}

/// A connection to or from the gateway.
#[derive(Debug)]
pub struct Connection {
    /// `None` after a failed handshake.
    stream: Option<Stream<Socket>>,
    clock: Clock,
    /// Data that was read and that no event of the case has consumed.
    pub pending: Vec<u8>,
    /// The gateway has closed or reset the connection.
    pub eof: bool,
}

impl Connection {
    /// Uses a connected socket.
    ///
    /// # Errors
    /// When the socket has failed.
    pub fn new(socket: Socket, clock: Clock) -> io::Result<Self> {
        socket.prepare()?;
        Ok(Self {
            stream: Some(Stream::Plain(socket)),
            clock,
            pending: Vec::new(),
            eof: false,
        })
    }

    /// Reads once; waits at most `wait`.
    ///
    /// # Errors
    /// Other than a time-out and the end of the connection.
    pub fn read(&mut self, wait: Duration) -> io::Result<Received> {
        let mut bytes = [0; 16 * 1024];
        let read = match &mut self.stream {
            Some(stream) if !self.eof => {
                let wait = wait.max(Duration::from_millis(1));
                stream.socket().set_read_timeout(wait)?;
                stream.read(&mut bytes)
            }
            _ => Ok(0),
        };
        match read {
            Ok(0) => {}
            Ok(count) => {
                self.pending.extend_from_slice(&bytes[..count]);
                return Ok(Received::Data);
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                    return Ok(Received::Nothing);
                }
                ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => {}
                _ => return Err(error),
            },
        }
        self.eof = true;
        Ok(Received::Eof)
    }

    /// Reads until nothing arrives for `quiet`; waits at most `first` for the first byte.
    ///
    /// # Errors
    /// As [`Connection::read`].
    pub fn read_until_quiet(&mut self, first: Duration, quiet: Duration) -> io::Result<()> {
        let mut wait = if self.pending.is_empty() {
            first
        } else {
            quiet
        };
        let deadline = self.clock.now() + Duration::from_secs(20);
        while self.clock.now() < deadline && self.read(wait)? == Received::Data {
            wait = quiet;
        }
        Ok(())
    }

    fn stream(&mut self) -> io::Result<&mut Stream<Socket>> {
        let stream = self.stream.as_mut();
        stream.ok_or_else(|| ErrorKind::NotConnected.into())
    }

    /// Sends bytes in one write.
    ///
    /// # Errors
    /// When the gateway has closed.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream()?.send(bytes)
    }

    /// Sends one byte per packet.
    ///
    /// # Errors
    /// When the gateway has closed.
    pub fn send_bytewise(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes.chunks(1) {
            self.send(byte)?;
            // Long enough for the gateway to read the byte alone.
            self.clock.sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Closes the sending direction.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn shutdown_write(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Some(stream) => stream.shutdown_write(),
            None => Ok(()),
        }
    }

    /// Makes the close of this connection a reset.
    ///
    /// # Errors
    /// When the system refuses the option.
    pub fn reset_on_close(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Some(stream) => stream.socket().reset_on_close(),
            None => Ok(()),
        }
    }

    /// Does the TLS handshake as a client.
    ///
    /// # Errors
    /// When it fails; the connection is unusable then.
    pub fn start_tls(&mut self, certificate: Option<&ClientCertificate>) -> io::Result<()> {
        let mut stream = self.stream.take().ok_or(ErrorKind::NotConnected)?;
        stream.socket().set_read_timeout(Duration::from_secs(10))?;
        self.stream = Some(stream.start_tls(certificate)?);
        Ok(())
    }
}
