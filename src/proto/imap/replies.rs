//! Every fixed reply to an IMAP client.

use super::response_code;
use crate::proto::sasl::Frame;
use crate::proto::{Excess, HELD, LastReply};

/// A reply (RFC 3501, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Greeting,
    Ok,
    /// The answer to LOGOUT, before its tagged `OK`.
    Bye,
    /// The request for a literal.
    Continue,
    InvalidCommand,
    UnknownMechanism,
    /// The backend cannot be reached.
    Unavailable,
    /// The backend refused the login for the reason that this SMTP code names, and its own reply is not shown.
    Refused(u16),
    /// A limit keeps the client from logging in.
    Limited(Excess),
    /// The user's mail is being moved.
    Held,
    Last(LastReply),
}

/// The form of a challenge.
pub const CHALLENGE: Frame = Frame::Line(b"+ ");

impl Reply {
    /// Writes the reply, with the client's tag where it completes a command.
    pub fn write(self, tag: &[u8], out: &mut Vec<u8>) {
        let (tag, text): (&[u8], &str) = match self {
            Self::Greeting => (b"*", "OK IMAP4 ready"),
            Self::Ok => (tag, "OK completed"),
            Self::Bye => (b"*", "BYE"),
            Self::Continue => (b"+", "OK"),
            Self::InvalidCommand => (tag, "BAD invalid command"),
            Self::UnknownMechanism => (tag, "NO Unsupported authentication mechanism"),
            Self::Unavailable => (
                tag,
                "NO [UNAVAILABLE] Mail server temporarily unavailable, try again later",
            ),
            Self::Refused(code) => (tag, &response_code::refusal(code)),
            Self::Last(LastReply::TooManyConnections) => (b"*", "BYE Too many connections"),
            Self::Limited(excess) => (tag, &format!("NO [UNAVAILABLE] {}", excess.text())),
            Self::Held => (tag, &format!("NO [UNAVAILABLE] {HELD}")),
            Self::Last(LastReply::Limited(excess)) => {
                (b"*", &format!("BYE [UNAVAILABLE] {}", excess.text()))
            }
            Self::Last(LastReply::Forbidden) => (b"*", "BYE Access denied"),
            Self::Last(LastReply::EarlyTalker) => (b"*", "BAD invalid command"),
            Self::Last(LastReply::InvalidCertificate) => (b"*", "BYE SSL certificate error"),
            Self::Last(LastReply::MissingCertificate) => (b"*", "BYE No required SSL certificate"),
            Self::Last(LastReply::Timeout) => (b"*", "BYE timeout"),
            Self::Last(LastReply::ShuttingDown) => (b"*", "BYE Server shutting down"),
            Self::Last(LastReply::InternalError) => (b"*", "BAD internal server error"),
        };
        for piece in [tag, b" ", text.as_bytes(), b"\r\n"] {
            out.extend_from_slice(piece);
        }
    }
}
