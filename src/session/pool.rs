//! Connections to auth servers that wait for the next question.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::address::Address;
use crate::net::socket::Socket;

/// Idle connections kept per address.
const KEPT: usize = 32;
/// How long one may wait.
const AGE: Duration = Duration::from_secs(55);

/// Idle connections, by the address they lead to.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Address, Vec<(Instant, Socket)>>>,
}

impl Pool {
    /// Takes a connection that is still open, the one used last first.
    pub fn take(&self, address: &Address) -> Option<Socket> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let sockets = idle.get_mut(address)?;
        while let Some((since, socket)) = sockets.pop() {
            if since.elapsed() < AGE && is_quiet(&socket) {
                return Some(socket);
            }
        }
        idle.remove(address);
        None
    }

    /// Keeps a connection for the next question.
    pub fn put(&self, address: &Address, socket: Socket) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let sockets = idle.entry(address.clone()).or_default();
        if sockets.len() >= KEPT {
            sockets.remove(0);
        }
        sockets.push((Instant::now(), socket));
    }
}

/// Open, and nothing to read: neither an end nor bytes nobody asked for.
fn is_quiet(socket: &Socket) -> bool {
    matches!(socket.try_read(&mut [0]), Err(e) if e.kind() == io::ErrorKind::WouldBlock)
}
