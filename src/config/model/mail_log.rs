//! `mail_log` and `log_format`: a line per session and per message.

use std::sync::Arc;
use std::time::Duration;

use super::log_target::LogDestination;
use super::variable::Template;

/// One `mail_log` line, with the format that it names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MailLog {
    /// The destination.
    pub destination: LogDestination,
    /// The form of a line.
    pub format: Arc<LogFormat>,
    /// `buffer=` and `flush=`; `None` writes each line at once.
    pub buffer: Option<LogBuffer>,
    /// `events=`: the events that have a line.
    pub events: LogEvents,
    /// `if=`: no line if the value is empty or `0`.
    pub condition: Option<Template>,
}

/// `buffer=size flush=time`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogBuffer {
    /// The number of bytes after which the buffer is written.
    pub size: usize,
    /// The time after which it is written at the latest.
    pub flush: Option<Duration>,
}

/// The events that have a line in a `mail_log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogEvents {
    /// `events=session,message`
    All,
    /// `events=session`
    Sessions,
    /// `events=message`
    Messages,
}

/// The form of a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// `name=value` pairs, separated by spaces; values with spaces or quotes are quoted.
    KeyValue,
    /// One JSON object.
    Json,
    /// `log_format`
    Custom {
        /// How values are escaped.
        escape: LogEscape,
        /// The line.
        template: Template,
    },
}

/// `escape=`, as in nginx.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogEscape {
    /// `"`, `\`, control bytes and bytes above 126 are written as `\xNN`; a missing value is `-`.
    #[default]
    Default,
    /// As in JSON strings; a missing value is empty.
    Json,
    /// Nothing is escaped.
    None,
}

impl LogEvents {
    /// Whether sessions have a line.
    pub const fn has_sessions(self) -> bool {
        matches!(self, Self::All | Self::Sessions)
    }

    /// Whether messages have a line.
    pub const fn has_messages(self) -> bool {
        matches!(self, Self::All | Self::Messages)
    }
}
