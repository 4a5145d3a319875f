//! `status`: the addresses of the status pages.

use super::listen::SocketOptions;
use crate::base::{Address, Secret};

/// One address of the status pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusListen {
    /// Where it listens.
    pub address: Address,
    /// `mode`: the permissions of a Unix socket.
    pub mode: u32,
    /// `token`: the content of its file, which clients send as `Authorization: Bearer`.
    pub token: Option<StatusToken>,
}

/// What a client has to know.
pub type StatusToken = Secret<Box<[u8]>>;

/// The permissions of a Unix socket without `mode`: its user and its group may connect.
pub const DEFAULT_MODE: u32 = 0o660;

impl StatusListen {
    /// How its socket is set up.
    pub fn options(&self) -> SocketOptions {
        SocketOptions {
            mode: Some(self.mode),
            ..SocketOptions::default()
        }
    }
}
