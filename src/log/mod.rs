//! nginx's `error_log`: one line per event, level by level, to files, standard error and syslog.
//!
//! An `ErrorLog` is one list of `error_log` lines that holds for a server. `LogFiles` opens each file once and shares it between the
//! lists, so that a reopen (SIGUSR1) reaches all sessions, those of earlier configurations included.
//! This layer does not depend on sessions or protocols: a session passes its part of a line as plain data in `Context`.

mod clock;
mod context;
mod debug;
mod destination;
mod event;
mod file;
mod forms;
mod journal;
mod json;
mod limiter;
mod line;
mod log_files;
mod losses;
pub mod mail_log;
mod recent;
mod sink;
mod syslog;
mod target;
mod writer;
mod writers;

use std::fmt;
use std::sync::Arc;

pub use self::context::Context;
pub use self::debug::DebugLines;
use self::event::Event;
use self::forms::Forms;
pub use self::log_files::{LogFiles, OpenError};
pub use self::losses::lost_lines;
pub use self::recent::{RecentError, RecentErrors, recent_errors};
use self::sink::{Sink, Stderr, StderrKind};
use self::target::Target;
use crate::base::Level;

/// One list of `error_log` targets, opened. An event goes to every target whose level takes it.
#[derive(Debug, Default)]
pub struct ErrorLog {
    targets: Vec<Arc<Target>>,
    /// The most verbose level of all targets; `None` for an empty list.
    most: Option<Level>,
}

impl ErrorLog {
    fn new(targets: Vec<Arc<Target>>) -> Self {
        let most = targets.iter().map(|target| target.level()).max();
        Self { targets, most }
    }

    /// A list of standard error alone, for the time before a configuration is read.
    pub fn stderr(level: Level) -> Self {
        let sink = Sink::Stderr(Stderr {
            kind: StderrKind::now(),
            output: None,
        });
        Self::new(vec![Arc::new(Target::plain(level, sink))])
    }

    /// Whether any target takes events of this level. Call it before computing text that only a log line needs.
    pub fn enabled(&self, level: Level) -> bool {
        self.most.is_some_and(|most| level <= most)
    }

    /// Whether the list writes to standard error.
    pub fn has_stderr(&self) -> bool {
        self.targets
            .iter()
            .any(|target| matches!(target.sink(), Sink::Stderr(_)))
    }

    /// Whether an event of this level goes to standard error.
    pub fn reaches_stderr(&self, level: Level) -> bool {
        self.targets
            .iter()
            .any(|target| level <= target.level() && matches!(target.sink(), Sink::Stderr(_)))
    }

    /// Writes `date [level] pid#tid: *connection message, session: id`, cut at 2048 bytes, with one write(2) per target. A line
    /// without a connection has no session.
    pub fn line(&self, level: Level, connection: Option<u64>, message: fmt::Arguments<'_>) {
        if self.enabled(level) {
            self.write(&Event::new(level, connection, message));
        }
    }

    /// Writes a line of a session: its context follows the message, and the session's identifier ends it.
    pub fn session(&self, level: Level, context: &Context<'_>, message: fmt::Arguments<'_>) {
        if self.enabled(level) {
            self.write(&Event::of_session(level, context, message));
        }
    }

    fn write(&self, event: &Event<'_>) {
        let mut forms = Forms::of(event);
        recent_errors().note(event, &mut forms);
        for target in &self.targets {
            if event.level <= target.level() {
                target.write(event, &mut forms);
            }
        }
    }
}

#[cfg(test)]
mod tests;
