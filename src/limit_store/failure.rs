//! Why a store cannot be used, for the log.

use std::fmt;
use std::io;
use std::time::Duration;

use redis::{ErrorKind, RedisError};

use crate::base::{Address, Errno, Escaped};

/// The longest part of an error of the store that is logged, in bytes.
const LONGEST: usize = 200;

/// Why a store cannot be used.
#[derive(Debug)]
pub(super) enum Failure {
    /// It cannot be connected to.
    Unreachable(Address, io::Error),
    /// TLS: the failed handshake.
    Handshake(String),
    /// No connection in this time.
    NotConnected(Duration),
    /// No answer in this time.
    Silent(Duration),
    /// It has closed the connection.
    Closed,
    /// It does not know this user or password.
    Login,
    /// It has answered with an error.
    Refused(RedisError),
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        match error.is_io_error() || error.is_connection_dropped() {
            true => Self::Closed,
            false if error.kind() == ErrorKind::AuthenticationFailed => Self::Login,
            false => Self::Refused(error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(address, error) => {
                write!(out, "connect() to {address} failed{}", Errno(error))
            }
            Self::Handshake(text) => out.write_str(text),
            Self::NotConnected(time) => write!(out, "no connection in {} ms", time.as_millis()),
            Self::Silent(time) => write!(out, "no answer in {} ms", time.as_millis()),
            Self::Closed => out.write_str("the connection was closed"),
            Self::Login => out.write_str("it refuses this user or password"),
            Self::Refused(error) => {
                let code = error.code().unwrap_or_default();
                let text = match error.detail() {
                    Some(detail) => format!("{code} {detail}"),
                    None => error.to_string(),
                };
                let shown = text.trim().as_bytes();
                let shown = &shown[..shown.len().min(LONGEST)];
                write!(out, "it answers \"{}\"", Escaped(shown))
            }
        }
    }
}
