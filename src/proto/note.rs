//! The log lines of the dialogues, all of level info.

use std::fmt;

use crate::base::Escaped;

/// A SASL mechanism's name in nginx's log lines.
pub type Mechanism = &'static str;

/// The message of one log line.
#[derive(Debug, PartialEq, Eq)]
pub enum Note {
    /// One incomplete command fills the buffer.
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
    /// A CRAM-MD5 response without 32 hex digits.
    Hash,
    /// A command with a CR, LF or NUL in the login or the password.
    Forbidden(&'static str),
    /// MAIL without a login.
    Rejected(Box<[u8]>),
    /// Data before the greeting.
    Early(Box<[u8]>),
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
            Note::Hash => f.write_str("client sent invalid CRAM-MD5 hash in AUTH CRAM-MD5 command"),
            Note::Forbidden(command) => {
                write!(f, "client sent invalid bytes in {command} command")
            }
            Note::Rejected(bytes) => write!(f, "client was rejected: \"{}\"", Underscored(bytes)),
            Note::Early(bytes) => {
                write!(
                    f,
                    "client was rejected before greeting: \"{}\"",
                    Underscored(bytes)
                )
            }
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
