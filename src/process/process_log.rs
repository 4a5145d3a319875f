//! Messages of the process itself: to the error log and, during start and from `warn` on, to standard error too.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::console::Console;
use crate::base::{Errno, Level, OneLine};
use crate::config::Diagnostic;
use crate::log::ErrorLog;

/// The log of the process in one phase of its life.
#[derive(Clone, Debug)]
pub struct ProcessLog {
    log: Arc<ErrorLog>,
    /// Where lines are printed as well; `None` once the process has started.
    console: Option<Console>,
    /// The errors so far, for a caller that asks why something failed.
    errors: Arc<Mutex<Vec<String>>>,
}

impl ProcessLog {
    /// Writes to the log and, from `warn` on, to the console.
    pub fn starting(log: Arc<ErrorLog>, console: Console) -> Self {
        Self {
            log,
            console: Some(console),
            errors: Arc::default(),
        }
    }

    /// Writes to the log alone.
    pub fn running(log: Arc<ErrorLog>) -> Self {
        Self {
            log,
            console: None,
            errors: Arc::default(),
        }
    }

    /// Replaces the log: with the configured one, once it is open.
    pub fn with_log(self, log: Arc<ErrorLog>) -> Self {
        Self { log, ..self }
    }

    /// The errors that were written by this log and its clones, one a line.
    pub fn errors(&self) -> String {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.join("\n")
    }

    /// Writes one line.
    pub fn line(&self, level: Level, text: fmt::Arguments<'_>) {
        self.log.line(level, None, text);
        self.note(level, || text.to_string());
        if let Some(console) = self.console(level) {
            match self.log.reaches_stderr(level) {
                true => console.details(&Diagnostic::bare(level, text.to_string())),
                false => console.line(level, text),
            }
        }
    }

    /// Adds to an error its cause or what can be done about it: to the log, and to a terminal. Standard error is nginx's elsewhere.
    pub fn explain(&self, level: Level, text: fmt::Arguments<'_>) {
        self.log.line(level, None, text);
        self.note(level, || text.to_string());
        if let Some(console) = &self.console {
            console.explain(text);
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

    /// Writes a diagnostic about the configuration.
    pub fn diagnose(&self, diagnostic: &Diagnostic) {
        let level = diagnostic.level;
        let text = diagnostic.text();
        self.log
            .line(level, None, format_args!("{}", OneLine(&text)));
        self.note(level, || String::from_utf8_lossy(&text).into_owned());
        if let Some(console) = self.console(level) {
            match self.log.reaches_stderr(level) {
                true => console.details(diagnostic),
                false => console.diagnose(diagnostic),
            }
        }
    }

    fn note(&self, level: Level, text: impl FnOnce() -> String) {
        if level <= Level::Crit {
            let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
            errors.push(text());
        }
    }

    /// The console, for lines of this level.
    fn console(&self, level: Level) -> Option<&Console> {
        self.console.as_ref().filter(|_| level <= Level::Warn)
    }
}
