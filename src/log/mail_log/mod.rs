//! `mail_log`: a line per session and per message, in a format of the configuration.
//!
//! A session fills in a `SessionRecord`; `MailLog` writes its lines to every log of the server. This module knows
//! neither the session nor the dialogues.

mod escape;
mod format;
mod record;
#[cfg(test)]
mod tests;
mod value;

pub use self::record::{
    EndedBy, Event, MessageRecord, RecordAddress, SessionOutcome, SessionRecord, SessionResult,
    TlsRecord,
};
