//! A failed read or write of a session's connection, in nginx's words: `recv() failed` and `send() failed` in clear text, `SSL_read() failed` and
//! `SSL_write() failed` in TLS, with OpenSSL's reason where the records are broken.

use std::fmt;
use std::io;

use super::log::level_of;
use crate::base::{Errno, Level};
use crate::net::stream::Stream;
use crate::net::tunnel::Call;
use crate::tls;

/// The error of a connection, with the call that reports it.
#[derive(Debug)]
pub(in crate::session) struct IoFailure {
    call: Call,
    is_tls: bool,
    error: io::Error,
}

impl IoFailure {
    /// The error of a read from `stream`.
    pub fn reading(stream: &Stream, error: io::Error) -> Self {
        Self::of(Call::Receive, stream.is_tls(), error)
    }

    /// The error of a write to `stream`.
    pub fn writing(stream: &Stream, error: io::Error) -> Self {
        Self::of(Call::Send, stream.is_tls(), error)
    }

    /// The error of a call on a connection.
    pub fn of(call: Call, is_tls: bool, error: io::Error) -> Self {
        Self {
            call,
            is_tls,
            error,
        }
    }

    /// The level for the connection of a client; `None` where nginx writes no line. It takes a reset that it reads in TLS for an end.
    pub fn level_of_client(&self) -> Option<Level> {
        if self.error.raw_os_error().is_none() {
            return tls::broken_record(&self.error).map(|_| Level::Info);
        }
        match level_of(&self.error) {
            _ if self.is_tls && self.call == Call::Receive => None,
            Level::Error => Some(Level::Info),
            _ => Some(self.level_of_unusual()),
        }
    }

    /// The level for the connection of a backend.
    pub fn level_of_backend(&self) -> Level {
        let is_socket = self.error.raw_os_error().is_some();
        match level_of(&self.error) {
            Level::Error => Level::Error,
            _ if is_socket => self.level_of_unusual(),
            _ => Level::Error,
        }
    }

    /// The level of an error that networks do not explain.
    fn level_of_unusual(&self) -> Level {
        match self.is_tls {
            true => Level::Crit,
            false => Level::Alert,
        }
    }
}

/// `recv() failed (104: Connection reset by peer)`, `SSL_read() failed (SSL: error:…)`
impl fmt::Display for IoFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.call, self.is_tls) {
            (Call::Receive, false) => "recv() failed",
            (Call::Send, false) => "send() failed",
            (Call::Receive, true) => "SSL_read() failed",
            (Call::Send, true) => "SSL_write() failed",
        })?;
        match tls::broken_record(&self.error) {
            Some(failure) => write!(f, " (SSL: {failure})"),
            None => write!(f, "{}", Errno(&self.error)),
        }
    }
}
