//! The log lines of the dialogues, all of level info.

use std::fmt;

use super::redact;
use super::{Input, foreign};
use crate::base::Escaped;

/// A SASL mechanism's name in nginx's log lines.
pub type Mechanism = &'static str;

/// The message of one log line.
#[derive(Debug, PartialEq, Eq)]
pub enum Note {
    /// One incomplete command fills the buffer; this is what may be shown of it ([`redact::command`]).
    TooLong(Box<[u8]>),
    /// `max_errors` is reached.
    TooManyInvalid,
    /// `max_commands` is exceeded.
    TooMany,
    /// A SASL message that is not base64.
    Encoding(Mechanism),
    /// A SASL message without a login, or with a CR, LF or NUL in it.
    Login(Mechanism),
    /// The same for the password.
    Password(Mechanism),
    /// The same for the token of XOAUTH2 or OAUTHBEARER.
    Token(Mechanism),
    /// A message that claims channel binding, which was not offered.
    ChannelBinding(Mechanism),
    /// A CRAM-MD5 response without 32 hex digits.
    Hash,
    /// A command with a CR, LF or NUL in the login or the password.
    Forbidden(&'static str),
    /// MAIL without a login.
    Rejected(Box<[u8]>),
    /// Data before the greeting.
    Early(Early),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::TooLong(bytes) => {
                write!(f, "client sent too long command \"{}\"", Escaped(bytes))
            }
            Note::TooManyInvalid => f.write_str("client sent too many invalid commands"),
            Note::TooMany => f.write_str("client sent too many commands"),
            Note::Encoding(mechanism) => {
                write!(
                    f,
                    "client sent invalid base64 encoding in AUTH {mechanism} command"
                )
            }
            Note::Login(mechanism) => {
                write!(f, "client sent invalid login in AUTH {mechanism} command")
            }
            Note::Password(mechanism) => {
                write!(
                    f,
                    "client sent invalid password in AUTH {mechanism} command"
                )
            }
            Note::Token(mechanism) => {
                write!(f, "client sent invalid token in AUTH {mechanism} command")
            }
            Note::ChannelBinding(mechanism) => write!(
                f,
                "client sent invalid channel binding in AUTH {mechanism} command"
            ),
            Note::Hash => f.write_str("client sent invalid CRAM-MD5 hash in AUTH CRAM-MD5 command"),
            Note::Forbidden(command) => {
                write!(f, "client sent invalid bytes in {command} command")
            }
            Note::Rejected(bytes) => write!(f, "client was rejected: \"{}\"", Underscored(bytes)),
            Note::Early(data) => write!(f, "client was rejected before greeting: {data}"),
        }
    }
}

/// Data before the greeting, described: it may be a login.
#[derive(Debug, PartialEq, Eq)]
pub struct Early {
    length: usize,
    /// What it begins with, where that is known.
    start: Option<&'static str>,
}

impl Early {
    /// Describes `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let is_foreign = foreign::is_foreign(&Input::new(bytes, false));
        Early {
            length: bytes.len(),
            start: match redact::verb(bytes) {
                None if is_foreign => Some("another protocol"),
                verb => verb,
            },
        }
    }
}

impl fmt::Display for Early {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.length == 1 { "byte" } else { "bytes" };
        write!(f, "{} {unit}, ", self.length)?;
        match self.start {
            Some(start) => write!(f, "beginning with {start}"),
            None => f.write_str("no known command"),
        }
    }
}

/// Shows line ends as `_`, as nginx does for rejected commands.
struct Underscored<'a>(&'a [u8]);

impl fmt::Display for Underscored<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, piece) in self.0.split(|b| matches!(b, b'\r' | b'\n')).enumerate() {
            if i > 0 {
                f.write_str("_")?;
            }
            Escaped(piece).fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_before_the_greeting_is_described() {
        for (bytes, shown) in [
            (&b"X"[..], "1 byte, no known command"),
            (
                b"EHLO x\r\nAUTH PLAIN AGpvZQ==\r\n",
                "29 bytes, beginning with EHLO",
            ),
            (b"auth plain AGpvZQ==\r\n", "21 bytes, beginning with AUTH"),
            (b"\x16\x03\x01", "3 bytes, beginning with another protocol"),
            (
                b"GET / HTTP/1.1\r\n",
                "16 bytes, beginning with another protocol",
            ),
        ] {
            assert_eq!(Early::new(bytes).to_string(), shown);
        }
    }

    #[test]
    fn quotes_are_escaped() {
        let note = Note::Rejected(b"MAIL FROM:<\"a\"@b>\r\n".as_slice().into());
        let shown = "client was rejected: \"MAIL FROM:<\\x22a\\x22@b>__\"";
        assert_eq!(note.to_string(), shown);
    }
}
