//! `error_log`: a destination and a level.

use std::num::NonZeroU32;
use std::path::PathBuf;

use crate::base::{Address, Level};

/// One `error_log` line. A server has the list that holds for it after inheritance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogTarget {
    /// The destination.
    pub destination: LogDestination,
    /// The least severe level that is written.
    pub level: Level,
    /// The form of the lines.
    pub format: LineFormat,
    /// The most lines of level error and less severe ones in a second; `None`: no limit.
    pub rate: Option<NonZeroU32>,
}

impl LogTarget {
    /// A target of nginx's lines, without a limit.
    #[must_use]
    pub fn new(destination: LogDestination, level: Level) -> Self {
        Self {
            destination,
            level,
            format: LineFormat::Text,
            rate: None,
        }
    }
}

/// The form of the lines of an `error_log`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LineFormat {
    /// nginx's.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// A destination of log lines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogDestination {
    /// `stderr`
    Stderr,
    /// A file, by its absolute path.
    File(PathBuf),
    /// `syslog:…`
    Syslog(SyslogTarget),
}

/// The parameters of `syslog:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SyslogTarget {
    /// `server=`; the port is 514 unless given.
    pub server: Address,
    /// `facility=` as its number (RFC 3164, 4.1.1); local7 (23) unless given.
    pub facility: u8,
    /// `severity=` as its number; info (6) unless given. Error logs use the level of each line instead.
    pub severity: u8,
    /// `tag=`, at most 32 letters, digits and `_`; `nginx` unless given.
    pub tag: Box<str>,
    /// `nohostname`
    pub no_host_name: bool,
}
