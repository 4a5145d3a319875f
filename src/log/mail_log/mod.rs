//! `mail_log`: a line per session and per message, in a format of the configuration.
//!
//! A session fills in a `SessionRecord`; `MailLogs` writes its lines to every log of the server. This module knows
//! neither the session nor the dialogues.

mod escape;
mod format;
mod record;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

pub(super) use self::format::loss_line;
use self::format::{holds, write_line};
pub use self::record::{
    EndedBy, Event, HeaderRecord, MessageRecord, RecordAddress, SessionOutcome, SessionRecord,
    SessionResult, TlsRecord,
};
use super::syslog::Syslog;
use super::writer::Output;
use crate::config::{LogEvents, LogFormat, MailLog, Template};

/// Bytes that hold most lines.
const USUAL_LINE: usize = 512;

/// The logs of `mail_log` in force for a server, opened.
#[derive(Debug, Default)]
pub struct MailLogs {
    targets: Vec<Target>,
}

/// One log.
#[derive(Debug)]
pub(super) struct Target {
    sink: Sink,
    format: Arc<LogFormat>,
    events: LogEvents,
    condition: Option<Template>,
}

/// The destination of one log.
#[derive(Debug)]
pub(super) enum Sink {
    /// A file or standard error.
    Queue(Output),
    Syslog(Syslog),
}

impl MailLogs {
    pub(super) fn new(targets: Vec<Target>) -> Self {
        Self { targets }
    }

    /// Whether no session needs a record.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Whether messages have lines: the dialogue in the tunnel must be followed.
    pub fn has_messages(&self) -> bool {
        self.targets
            .iter()
            .any(|target| target.events.has_messages())
    }

    /// Writes the lines of an event.
    pub fn write(&self, event: &Event<'_>) {
        let mut line = Vec::with_capacity(USUAL_LINE);
        for target in &self.targets {
            let has_line = match event.message {
                Some(_) => target.events.has_messages(),
                None => target.events.has_sessions(),
            };
            let condition = target.condition.as_ref();
            if has_line && condition.is_none_or(|condition| holds(condition, event)) {
                line.clear();
                write_line(&target.format, event, &mut line);
                match &target.sink {
                    Sink::Queue(output) => output.push(&line),
                    Sink::Syslog(syslog) => syslog.write_event(&line),
                }
            }
        }
    }
}

impl Target {
    pub(super) fn new(sink: Sink, log: &MailLog) -> Self {
        Self {
            sink,
            format: Arc::clone(&log.format),
            events: log.events,
            condition: log.condition.clone(),
        }
    }
}
