//! A failed read or write of a session's connection, in nginx's words: `recv() failed` and `send() failed` in clear text, `SSL_read() failed` and
//! `SSL_write() failed` in TLS, with OpenSSL's reason where the records are broken.

use std::fmt;
use std::io;

use super::log::level_of;
use crate::base::{Errno, Level};
use crate::net::stream::Stream;
use crate::net::tunnel;
use crate::tls;

/// The error of a connection, with the call that reports it.
#[derive(Debug)]
pub(in crate::session) struct IoFailure {
    call: Call,
    error: io::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Receive,
    Send,
    ReadTls,
    WriteTls,
}

impl IoFailure {
    /// The error of a read from `stream`.
    pub fn reading(stream: &Stream, error: io::Error) -> Self {
        Self::of(tunnel::Call::Receive, stream.is_tls(), error)
    }

    /// The error of a write to `stream`.
    pub fn writing(stream: &Stream, error: io::Error) -> Self {
        Self::of(tunnel::Call::Send, stream.is_tls(), error)
    }

    /// The error of a call on a connection.
    pub fn of(call: tunnel::Call, is_tls: bool, error: io::Error) -> Self {
        let call = match (call, is_tls) {
            (tunnel::Call::Receive, false) => Call::Receive,
            (tunnel::Call::Receive, true) => Call::ReadTls,
            (tunnel::Call::Send, false) => Call::Send,
            (tunnel::Call::Send, true) => Call::WriteTls,
        };
        Self { call, error }
    }

    /// The level for the connection of a client; `None` where nginx writes no line. It takes a reset that it reads in TLS for an end.
    pub fn level_of_client(&self) -> Option<Level> {
        let is_socket = self.error.raw_os_error().is_some();
        match (self.call, level_of(&self.error)) {
            (Call::ReadTls, _) if is_socket => None,
            (Call::ReadTls | Call::WriteTls, _) if !is_socket => {
                tls::broken_record(&self.error).map(|_| Level::Info)
            }
            _ if !is_socket => None,
            (_, Level::Error) => Some(Level::Info),
            (Call::WriteTls, _) => Some(Level::Crit),
            _ => Some(Level::Alert),
        }
    }

    /// The level for the connection of a backend.
    pub fn level_of_backend(&self) -> Level {
        match (self.call, level_of(&self.error)) {
            _ if self.error.raw_os_error().is_none() => Level::Error,
            (_, Level::Error) => Level::Error,
            (Call::ReadTls | Call::WriteTls, _) => Level::Crit,
            (Call::Receive | Call::Send, _) => Level::Alert,
        }
    }
}

/// `recv() failed (104: Connection reset by peer)`, `SSL_read() failed (SSL: error:…)`
impl fmt::Display for IoFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.call {
            Call::Receive => "recv() failed",
            Call::Send => "send() failed",
            Call::ReadTls => "SSL_read() failed",
            Call::WriteTls => "SSL_write() failed",
        })?;
        match tls::broken_record(&self.error) {
            Some(failure) => write!(f, " (SSL: {failure})"),
            None => write!(f, "{}", Errno(&self.error)),
        }
    }
}
