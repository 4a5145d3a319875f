//! A started process and the state that its parts share. `serve` handles its signals, `reload` changes its configuration.

use std::fmt;
use std::sync::Arc;

use super::acceptors::Acceptors;
use super::daemon;
use super::instance::Instance;
use super::pid::PidFile;
use crate::base::Level;
use crate::log::DebugLines;

/// A process that serves. Its parts end in order: the acceptors first, the pid file last.
#[derive(Debug)]
pub struct Service {
    /// The state that all parts share.
    pub instance: Arc<Instance>,
    /// The listening sockets.
    pub acceptors: Acceptors,
    /// The pid file.
    pub pid: PidFile,
    /// The subscriber for debug events.
    pub debug: DebugLines,
}

impl Service {
    /// Opens all log files again by their paths, and redirects standard error to the new main log.
    pub(super) fn reopen_logs(&self) {
        for error in self.instance.registries.log_files.reopen() {
            self.line(Level::Emerg, format_args!("{error}"));
        }
        self.redirect_stderr();
    }

    /// Redirects standard error to the current main log.
    pub(super) fn redirect_stderr(&self) {
        if daemon::redirect_stderr(&self.instance.generation.load()).is_err() {
            self.line(Level::Alert, format_args!("dup2(STDERR) failed"));
        }
    }

    pub(super) fn notice(&self, text: fmt::Arguments<'_>) {
        self.line(Level::Notice, text);
    }

    pub(super) fn line(&self, level: Level, text: fmt::Arguments<'_>) {
        self.instance.log().line(level, None, text);
    }
}
