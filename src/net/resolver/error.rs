//! Errors of look-ups: nginx's numbers and texts.

use std::fmt;

use hickory_resolver::net::{DnsError, NetError};

/// A failed look-up. Displays as in nginx's log: `3: Host not found`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolveError(u16);

impl ResolveError {
    /// NXDOMAIN, or a name without records of the kind asked for.
    pub const NOT_FOUND: Self = Self(3);
    /// No name server answered in time.
    pub const TIMED_OUT: Self = Self(110);

    /// The error of a name server, or a time-out if there was no usable answer.
    pub(super) fn of(error: &NetError) -> Self {
        match error {
            NetError::Dns(DnsError::ResponseCode(code)) => Self(u16::from(*code)),
            NetError::Dns(DnsError::NoRecordsFound(_)) => Self::NOT_FOUND,
            _ => Self::TIMED_OUT,
        }
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            1 => "Format error",
            2 => "Server failure",
            3 => "Host not found",
            4 => "Unimplemented",
            5 => "Operation refused",
            110 => "Operation timed out",
            _ => "Unknown error",
        };
        write!(out, "{}: {text}", self.0)
    }
}

impl std::error::Error for ResolveError {}
