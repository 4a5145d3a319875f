//! Sending without waiting: what the socket does not take is kept.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{SendFlags, send};

/// Bytes that wait for a socket.
#[derive(Debug, Default)]
pub struct Outbox(Vec<u8>);

impl Outbox {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends bytes, after those that wait.
    pub fn send(&mut self, socket: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
        if !self.0.is_empty() {
            self.0.extend_from_slice(bytes);
            return self.flush(socket);
        }
        let sent = send_some(socket, bytes)?;
        self.0.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    /// Sends what waits.
    pub fn flush(&mut self, socket: &OwnedFd) -> Result<(), Errno> {
        if !self.0.is_empty() {
            let sent = send_some(socket, &self.0)?;
            self.0.drain(..sent);
        }
        Ok(())
    }
}

fn send_some(socket: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    let mut sent = 0;
    while sent < bytes.len() {
        match send(socket, &bytes[sent..], SendFlags::NOSIGNAL) {
            Ok(count) => sent += count,
            Err(Errno::AGAIN) => break,
            Err(e) => return Err(e),
        }
    }
    Ok(sent)
}
