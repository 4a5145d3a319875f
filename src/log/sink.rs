//! Where lines go: the few kinds of targets behind one `write`.

use std::io::{self, Write};
use std::sync::Arc;

use super::file::LogFile;
use super::syslog::Syslog;
use crate::base::Level;

#[derive(Debug)]
pub(super) enum Sink {
    Stderr,
    File(Arc<LogFile>),
    Syslog(Syslog),
}

impl Sink {
    /// Hands over one whole line, line feed included. A log that cannot be written is not an error of anybody's.
    pub(super) fn write(&self, level: Level, line: &[u8]) {
        match self {
            Self::Stderr => {
                let _ = io::stderr().write_all(line);
            }
            Self::File(file) => file.write(line),
            Self::Syslog(syslog) => syslog.write(level, line),
        }
    }
}
