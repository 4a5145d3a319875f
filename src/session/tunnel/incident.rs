//! What the follower of an SMTP session objects to, in the error log. The client's bytes are not shown: they may be a password.

use std::fmt;

use crate::base::{Escaped, Level};
use crate::config::{BareNewlines, Deciding};
use crate::proto::smtp::follower::{Ambiguity, Fault, Irregularity, Refusal};
use crate::proto::{Note, shown};
use crate::session::log::SessionLog;
use crate::session::phase::Phase;
use crate::session::verdict::Verdict;

const LONE_DOT: &str = "a dot alone on a line that does not end the message";

/// An event that the log shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Incident {
    /// The gateway has answered a command in the backend's place.
    Refused(Refusal),
    /// It has done so `max_errors` times, and closes.
    TooMany,
    /// Backends may disagree about which bytes are commands.
    Ambiguous(Ambiguity),
    /// A message was repaired.
    Repaired(Irregularity),
    /// The session cannot go on.
    Broken(Fault),
}

impl Incident {
    /// The last reply to the client, where the incident ends the session.
    pub fn last_reply(self) -> &'static [u8] {
        match self {
            Incident::Broken(fault) => fault.reply(),
            Incident::TooMany
            | Incident::Refused(_)
            | Incident::Ambiguous(_)
            | Incident::Repaired(_) => b"",
        }
    }

    /// The reason and the directive of an incident that ends the session.
    pub fn verdict(self) -> Verdict {
        let by = match self {
            Incident::TooMany => Some(Deciding::MaxErrors.into()),
            Incident::Broken(Fault::Irregular(..)) => Some(Deciding::SmtpBareNewline.into()),
            _ => None,
        };
        let reason = Some(self.to_string().into());
        Verdict { reason, by }
    }

    /// Writes the event to the log.
    pub fn log(self, log: &SessionLog) {
        let (phase, level) = match self {
            Incident::Broken(Fault::UnexpectedReply) => (Phase::ProxyingFromBackend, Level::Error),
            Incident::Broken(Fault::EarlyReply)
            | Incident::Ambiguous(Ambiguity::UnsolicitedReply) => {
                (Phase::ProxyingFromBackend, Level::Info)
            }
            _ => (Phase::ProxyingFromClient, Level::Info),
        };
        log.line(phase, level, format_args!("{self}"));
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Incident::Refused(refusal) => {
                let reply = Escaped(shown(refusal.reply()));
                return write!(f, "client command was not passed on: \"{reply}\"");
            }
            Incident::TooMany => return Note::TooManyInvalid.fmt(f),
            Incident::Ambiguous(ambiguity) => match ambiguity {
                Ambiguity::EndOfData => {
                    "client sent a dot alone on a line that does not end in CRLF"
                }
                Ambiguity::LongLine => "client sent a command line that upstream may split",
                Ambiguity::ExtraCr => "client sent a command line with more than one CR at its end",
                Ambiguity::UnsolicitedReply => "upstream sent a reply without a command",
            },
            Incident::Repaired(what) => {
                let (sent, passed) = match what {
                    Irregularity::BareCr => ("bare CR", "a space"),
                    Irregularity::BareLf => ("bare LF", "CRLF"),
                    Irregularity::LoneDot => (LONE_DOT, "two dots"),
                };
                return write!(f, "client sent {sent} in a message, passed on as {passed}");
            }
            Incident::Broken(fault) => match fault {
                Fault::InvalidBdat => "client sent invalid BDAT command",
                Fault::InvalidResponse => "client sent invalid line in an AUTH exchange",
                Fault::SmuggledCommand => "client sent a forbidden command inside other data",
                Fault::UnexpectedReply => "upstream sent a reply that its command cannot have",
                Fault::Irregular(what, policy) => return refused(*what, *policy, f),
                Fault::EarlyReply => "upstream refused a message that the client is still sending",
            },
        };
        f.write_str(text)
    }
}

/// A message that `smtp_bare_newline` refuses, and what would let it pass.
fn refused(what: Irregularity, policy: BareNewlines, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let what = match what {
        Irregularity::BareCr => "bare CR",
        Irregularity::BareLf => "bare LF",
        Irregularity::LoneDot => LONE_DOT,
    };
    write!(f, "client sent {what} in ")?;
    f.write_str(match policy {
        BareNewlines::Normalize => {
            "a BDAT chunk, which \"smtp_bare_newline normalize\" cannot repair: \"smtp_bare_newline pass\" would allow it"
        }
        BareNewlines::Reject | BareNewlines::Pass => {
            "a message: \"smtp_bare_newline normalize\" would repair it, \"smtp_bare_newline pass\" would allow it"
        }
    })
}
