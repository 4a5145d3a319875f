//! A peer's connection as the player uses it: it hears what is there and never waits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use crate::tls::{self, TlsStream};

/// A connection that never makes one wait.
#[derive(Debug)]
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Wire {
    pub fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self::Plain(socket))
    }

    pub fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// After a handshake; nothing if it fails.
    pub fn secured(self) -> Option<Self> {
        let Self::Plain(socket) = self else {
            return Some(self);
        };
        socket.set_nonblocking(false).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let stream = tls::handshake(socket, None).ok()?;
        stream.sock.set_nonblocking(true).ok()?;
        Some(Self::Tls(Box::new(stream)))
    }

    /// All that has come, and whether that was the end.
    pub fn hear(&mut self) -> io::Result<(Vec<u8>, bool)> {
        // nginx's next small write stays in the kernel until the one before is acknowledged
        SockRef::from(self.socket()).set_tcp_quickack(true)?;
        let mut all = Vec::new();
        let mut bytes = [0; 16 * 1024];
        loop {
            let read = match self {
                Self::Plain(socket) => socket.read(&mut bytes),
                Self::Tls(stream) => stream.read(&mut bytes),
            };
            match read {
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

    /// In one packet. That the gateway has gone shows when it is listened to.
    pub fn say(&mut self, bytes: &[u8]) {
        let _ = match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
    }

    pub fn shut(&mut self) {
        let _ = match self {
            Self::Plain(socket) => socket.shutdown(Shutdown::Write),
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
                stream.sock.shutdown(Shutdown::Write)
            }
        };
    }
}
