//! Messages of the process itself: to the error log and, during start and from `warn` on, to standard error too.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use crate::base::{Errno, Escaped, Level};
use crate::config::Diagnostic;
use crate::log::ErrorLog;

/// The log of the process in one phase of its life.
#[derive(Clone, Debug)]
pub struct ProcessLog {
    log: Arc<ErrorLog>,
    /// The name in front of lines on standard error; `None` once the process has started.
    program: Option<&'static str>,
}

impl ProcessLog {
    /// Writes to the log and, from `warn` on, `program: [level] text` to standard error (spec D.1).
    pub fn starting(log: Arc<ErrorLog>, program: &'static str) -> Self {
        Self {
            log,
            program: Some(program),
        }
    }

    /// Writes to the log alone.
    pub fn running(log: Arc<ErrorLog>) -> Self {
        Self { log, program: None }
    }

    /// Replaces the log: with the configured one, once it is open.
    pub fn with_log(self, log: Arc<ErrorLog>) -> Self {
        Self { log, ..self }
    }

    /// Writes one line.
    pub fn line(&self, level: Level, text: fmt::Arguments<'_>) {
        self.log.line(level, None, text);
        if let Some(program) = self.on_stderr(level) {
            let _ = io::stderr().write_all(format!("{program}: [{level}] {text}\n").as_bytes());
        }
    }

    /// The result of a system call. An error is logged as `call failed (2: …)`.
    pub fn check<T>(&self, call: fmt::Arguments<'_>, result: io::Result<T>) -> Option<T> {
        let log = |error| {
            let text = format_args!("{call} failed{}", Errno(&error));
            self.line(Level::Emerg, text);
        };
        result.map_err(log).ok()
    }

    /// A result whose error displays its whole line.
    pub fn accept<T, E: fmt::Display>(&self, result: Result<T, E>) -> Option<T> {
        result
            .map_err(|error| self.line(Level::Emerg, format_args!("{error}")))
            .ok()
    }

    /// Writes a diagnostic about the configuration. On a terminal the source line follows.
    pub fn diagnose(&self, diagnostic: &Diagnostic) {
        let level = diagnostic.level;
        let text = diagnostic.text();
        self.log
            .line(level, None, format_args!("{}", Escaped(&text)));
        let mut err = io::stderr().lock();
        if let Some(program) = self.on_stderr(level) {
            let _ = err.write_all(&diagnostic.line(program));
        }
        if self.program.is_some() && err.is_terminal() {
            let _ = err.write_all(diagnostic.block().as_bytes());
        }
    }

    /// The program's name where a line of this level goes to standard error as well, unless the log itself writes there.
    fn on_stderr(&self, level: Level) -> Option<&'static str> {
        self.program
            .filter(|_| level <= Level::Warn && !self.log.reaches_stderr(level))
    }
}
