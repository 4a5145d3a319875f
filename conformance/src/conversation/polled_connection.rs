//! A connection of a peer that is polled and never blocks.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use crate::stream::Stream;

/// A connection to or from the gateway.
#[derive(Debug)]
pub struct PolledConnection(Stream<TcpStream>);

impl PolledConnection {
    /// Uses a connected socket.
    ///
    /// # Errors
    /// When the socket has failed.
    pub fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self(Stream::Plain(socket)))
    }

    pub fn is_tls(&self) -> bool {
        self.0.is_tls()
    }

    /// Does the TLS handshake as a client; `None` if it fails. This blocks.
    pub fn start_tls(mut self) -> Option<Self> {
        let socket = self.0.socket();
        socket.set_nonblocking(false).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut stream = self.0.start_tls(None).ok()?;
        stream.socket().set_nonblocking(true).ok()?;
        Some(Self(stream))
    }

    /// All bytes that have arrived, and whether the gateway has closed or reset the connection.
    ///
    /// # Errors
    /// Other than the end of the connection.
    pub fn read_available(&mut self) -> io::Result<(Vec<u8>, bool)> {
        // nginx's next small write is delayed until the one before is acknowledged.
        SockRef::from(&*self.0.socket()).set_tcp_quickack(true)?;
        let mut all = Vec::new();
        let mut bytes = [0; 16 * 1024];
        loop {
            match self.0.read(&mut bytes) {
                Ok(0) => return Ok((all, true)),
                Ok(count) => all.extend_from_slice(&bytes[..count]),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok((all, false)),
                    ErrorKind::Interrupted => {}
                    ErrorKind::ConnectionReset
                    | ErrorKind::UnexpectedEof
                    | ErrorKind::BrokenPipe => return Ok((all, true)),
                    _ => return Err(error),
                },
            }
        }
    }

    /// Sends one packet. A closed connection shows when it is read.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.send(bytes);
    }

    /// Closes the sending direction.
    pub fn shutdown_write(&mut self) {
        let _ = self.0.shutdown_write();
    }
}
