//! Finds out when a gateway is idle.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A session that only sends NOOP.
///
/// A gateway processes events in their order: when it has replied to a NOOP, it has processed everything that arrived before. So
/// no fixed delay is needed.
#[derive(Debug)]
pub struct IdleProbe(TcpStream);

const NOOP: &[u8] = b"NOOP\r\n";
const OK: &[u8] = b"250 2.0.0 OK\r\n";

impl IdleProbe {
    /// Connects to an SMTP server and reads the greeting.
    ///
    /// # Errors
    /// When the gateway does not greet.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut byte = [0];
        while byte != *b"\n" {
            socket.read_exact(&mut byte)?;
        }
        Ok(Self(socket))
    }

    /// Returns when the gateway has processed everything that arrived before.
    ///
    /// # Errors
    /// When it does not reply.
    pub fn wait(&mut self) -> io::Result<()> {
        self.0.write_all(NOOP)?;
        let mut reply = [0; OK.len()];
        self.0.read_exact(&mut reply)?;
        if reply == *OK {
            Ok(())
        } else {
            Err(io::Error::other("the gateway does not reply to NOOP"))
        }
    }
}
