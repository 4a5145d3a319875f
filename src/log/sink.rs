//! The kinds of log targets.

use std::io::{self, Write};
use std::sync::Arc;

use super::file::LogFile;
use super::syslog::Syslog;
use super::writer::Output;
use crate::base::Level;

#[derive(Debug)]
pub(super) enum Sink {
    /// Without an output, lines are written at once.
    Stderr(Option<Output>),
    File(Arc<LogFile>),
    Syslog(Syslog),
}

impl Sink {
    /// Writes a whole line, line feed included. Errors are ignored: there is no place to report them.
    pub(super) fn write(&self, level: Level, line: &[u8]) {
        match self {
            Self::Stderr(Some(output)) => output.push(line),
            Self::Stderr(None) => {
                let _ = io::stderr().write_all(line);
            }
            Self::File(file) => file.write(line),
            Self::Syslog(syslog) => syslog.write(level, line),
        }
    }
}
