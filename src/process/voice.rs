//! What the process says about itself: into the error log, and while it starts, warnings and worse on standard error too.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use crate::base::Escaped;
use crate::base::{Errno, Level};
use crate::config::Diagnostic;
use crate::log::ErrorLog;

/// A speaker for one phase of the process.
#[derive(Clone, Debug)]
pub struct Voice {
    log: Arc<ErrorLog>,
    /// The name in front of lines on standard error; `None` once the process has started.
    program: Option<&'static str>,
}

impl Voice {
    /// Speaks to the log and, from `warn` up, as `program: [level] text` to standard error (spec D.1).
    pub fn starting(log: Arc<ErrorLog>, program: &'static str) -> Self {
        Self {
            log,
            program: Some(program),
        }
    }

    /// Speaks to the log alone.
    pub fn running(log: Arc<ErrorLog>) -> Self {
        Self { log, program: None }
    }

    /// The same speaker with another log: the configured one, once it is open. The old one is let go.
    pub fn with_log(self, log: Arc<ErrorLog>) -> Self {
        Self {
            log,
            program: self.program,
        }
    }

    /// Says one line.
    pub fn say(&self, level: Level, text: fmt::Arguments<'_>) {
        self.log.line(level, None, text);
        if let Some(program) = self.aloud(level) {
            let _ = io::stderr().write_all(format!("{program}: [{level}] {text}\n").as_bytes());
        }
    }

    /// The result of a system call; a failure is said as `call failed (2: …)`.
    pub fn check<T>(&self, call: fmt::Arguments<'_>, result: io::Result<T>) -> Option<T> {
        let say = |error| self.say(Level::Emerg, format_args!("{call} failed{}", Errno(&error)));
        result.map_err(say).ok()
    }

    /// A result whose failure has a sentence of its own.
    pub fn accept<T, E: fmt::Display>(&self, result: Result<T, E>) -> Option<T> {
        result
            .map_err(|fault| self.say(Level::Emerg, format_args!("{fault}")))
            .ok()
    }

    /// Says what the configuration is told. On a terminal the lines around it follow.
    pub fn diagnose(&self, diagnostic: &Diagnostic) {
        let level = diagnostic.level;
        self.log
            .line(level, None, format_args!("{}", Escaped(&diagnostic.text())));
        let mut err = io::stderr().lock();
        if let Some(program) = self.aloud(level) {
            let _ = err.write_all(&diagnostic.line(program));
        }
        if self.program.is_some() && err.is_terminal() {
            let _ = err.write_all(diagnostic.block().as_bytes());
        }
    }

    fn aloud(&self, level: Level) -> Option<&'static str> {
        self.program
            .filter(|_| level <= Level::Warn && !self.log.reaches_stderr(level))
    }
}
