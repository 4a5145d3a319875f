//! Every fixed reply to an SMTP client.

use std::borrow::Cow;

use crate::proto::sasl::Frame;
use crate::proto::{Excess, HELD, LastReply};

/// A reply with the codes of RFC 5321 and RFC 4954 and the enhanced codes of RFC 3463.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Ok,
    LoggedIn,
    Bye,
    StartTls,
    InvalidCommand,
    InvalidArgument,
    /// A BDAT from which the number of octets cannot be read.
    InvalidChunkSize,
    BadSequence,
    AuthRequired,
    TlsRequired,
    UnknownMechanism,
    /// The backend cannot be reached.
    Unavailable,
    /// The backend refused the login with this code, and its own reply is not shown.
    Refused(u16),
    /// A limit keeps the client from logging in.
    Limited(Excess),
    /// The user's mail is being moved.
    Held,
    Last(LastReply),
}

/// The form of a challenge.
pub const CHALLENGE: Frame = Frame::Line(b"334 ");

// The replies in a backend's place, after the login.
pub const NOT_PERMITTED: &[u8] = b"550 5.7.0 Command not permitted\r\n";
pub const NOT_IMPLEMENTED: &[u8] = b"502 5.5.1 Command not implemented\r\n";
pub const NO_CHUNKING: &[u8] = b"502 5.5.1 CHUNKING is not offered\r\n";
pub const INVALID_COMMAND: &[u8] = b"500 5.5.1 Invalid command\r\n";
pub const LINE_TOO_LONG: &[u8] = b"500 5.5.2 Line too long\r\n";
pub const INVALID_CHUNK_SIZE: &[u8] = b"501 5.5.4 Syntax: BDAT size [LAST]\r\n";
pub const INVALID_EXCHANGE_LINE: &[u8] = b"500 5.5.6 Invalid authentication exchange line\r\n";
pub const BARE_CR: &[u8] = b"550 5.5.2 Bare CR in the message\r\n";
pub const BARE_LF: &[u8] = b"550 5.5.2 Bare LF in the message\r\n";
pub const INVALID_END_OF_DATA: &[u8] = b"550 5.5.2 Invalid end of data\r\n";
pub const UNEXPECTED_REPLY: &[u8] = b"421 4.5.0 Unexpected reply from the mail server\r\n";

impl Reply {
    /// The reply of the server `name`, with its line end.
    pub fn text(self, name: &[u8]) -> Cow<'static, [u8]> {
        let text = match self {
            Self::InvalidCommand => return INVALID_COMMAND.into(),
            Self::InvalidChunkSize => return INVALID_CHUNK_SIZE.into(),
            Self::Ok => "250 2.0.0 OK\r\n",
            Self::LoggedIn => "235 2.0.0 OK\r\n",
            Self::Bye => "221 2.0.0 Bye\r\n",
            Self::StartTls => "220 2.0.0 Start TLS\r\n",
            Self::InvalidArgument => "501 5.5.4 Invalid argument\r\n",
            Self::BadSequence => "503 5.5.1 Bad sequence of commands\r\n",
            Self::AuthRequired => "530 5.7.1 Authentication required\r\n",
            Self::TlsRequired => "530 5.7.0 Must issue a STARTTLS command first\r\n",
            Self::UnknownMechanism => "504 5.5.4 Unrecognized authentication type\r\n",
            Self::Unavailable => {
                "451 4.4.1 Mail server temporarily unavailable, try again later\r\n"
            }
            Self::Refused(535) => "535 5.7.8 Authentication failed\r\n",
            Self::Refused(code) => {
                let text = match code {
                    400..=499 => "4.7.0 Temporary authentication failure",
                    _ => "5.7.0 Authentication failed",
                };
                return format!("{code} {text}\r\n").into_bytes().into();
            }
            Self::Last(LastReply::TooManyConnections) => "421 4.3.2 Too many connections\r\n",
            Self::Limited(excess) => {
                return format!("454 4.7.0 {}\r\n", excess.text())
                    .into_bytes()
                    .into();
            }
            Self::Held => return format!("454 4.7.0 {HELD}\r\n").into_bytes().into(),
            Self::Last(LastReply::Limited(excess)) => {
                return format!("421 4.7.0 {}\r\n", excess.text())
                    .into_bytes()
                    .into();
            }
            Self::Last(LastReply::Forbidden) => "554 5.7.1 Access denied\r\n",
            Self::Last(LastReply::EarlyTalker) => {
                "503 5.5.0 Improper use of SMTP command pipelining\r\n"
            }
            Self::Last(LastReply::InvalidCertificate) => "421 4.7.1 SSL certificate error\r\n",
            Self::Last(LastReply::MissingCertificate) => {
                "421 4.7.1 No required SSL certificate\r\n"
            }
            Self::Last(LastReply::Timeout) => {
                return [b"421 4.4.2 ", name, b" timeout exceeded\r\n"]
                    .concat()
                    .into();
            }
            Self::Last(LastReply::ShuttingDown) => "421 4.3.2 Service shutting down\r\n",
            Self::Last(LastReply::InternalError) => "451 4.3.2 Internal server error\r\n",
        };
        text.as_bytes().into()
    }
}
