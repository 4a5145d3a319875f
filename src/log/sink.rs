//! The kinds of log targets.

use std::io::{self, Write};
use std::sync::Arc;

use super::file::LogFile;
use super::journal;
use super::syslog::Syslog;
use super::writer::Output;
use crate::base::Level;
use crate::config::LineFormat;

#[derive(Debug)]
pub(super) enum Sink {
    Stderr(Stderr),
    File(Arc<LogFile>),
    Syslog(Syslog),
}

impl Sink {
    /// Writes a whole line, line feed included. Errors are ignored: there is no place to report them.
    pub(super) fn write(&self, level: Level, format: LineFormat, line: &[u8]) {
        match self {
            Self::Stderr(stderr) => match stderr.kind {
                StderrKind::Journal => stderr.write(&journal::line(level, format, line)),
                StderrKind::Other => stderr.write(line),
            },
            Self::File(file) => file.write(line),
            Self::Syslog(syslog) => syslog.write(level, line),
        }
    }
}

/// Standard error.
#[derive(Debug)]
pub(super) struct Stderr {
    pub(super) kind: StderrKind,
    /// Without it, lines are written at once.
    pub(super) output: Option<Output>,
}

/// What standard error is.
#[derive(Clone, Copy, Debug)]
pub(super) enum StderrKind {
    /// A stream of systemd's journal.
    Journal,
    Other,
}

impl StderrKind {
    /// Looks at standard error as it is now.
    pub(super) fn now() -> Self {
        match journal::is_stderr() {
            true => Self::Journal,
            false => Self::Other,
        }
    }
}

impl Stderr {
    fn write(&self, line: &[u8]) {
        match &self.output {
            Some(output) => output.push(line),
            None => {
                let _ = io::stderr().write_all(line);
            }
        }
    }
}
