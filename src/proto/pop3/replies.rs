//! Every fixed reply to a POP3 client.

use super::reply::{self, Code};
use crate::proto::sasl::Frame;
use crate::proto::{Excess, LastReply};

/// A reply (RFC 1939, section 3) with the response codes of RFC 2449 and RFC 3206.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Ok,
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

/// The greeting, up to the challenge or its line end.
pub const GREETING: &[u8] = b"+OK POP3 ready";
/// The form of a challenge.
pub const CHALLENGE: Frame = Frame::Line(b"+ ");
/// The first line of the answer to CAPA.
pub const CAPABILITIES: &[u8] = b"+OK Capability list follows\r\n";
/// The first line of the answer to AUTH alone.
pub const METHODS: &[u8] = b"+OK methods supported:\r\n";
/// The last line of both.
pub const END: &[u8] = b".\r\n";
/// The capability that stands for USER and PASS.
pub const USER: &[u8] = b"USER";

impl Reply {
    /// The reply, with its line end.
    pub fn text(self) -> &'static [u8] {
        match self {
            Self::Ok => b"+OK\r\n",
            Self::InvalidCommand => b"-ERR invalid command\r\n",
            Self::UnknownMechanism => b"-ERR unsupported authentication mechanism\r\n",
            Self::Unavailable => {
                b"-ERR [SYS/TEMP] mail server temporarily unavailable, try again later\r\n"
            }
            Self::Refused(code) => match reply::of_smtp_code(code) {
                None => b"-ERR authentication failed\r\n",
                Some(Code::Auth) => b"-ERR [AUTH] authentication failed\r\n",
                Some(Code::InUse) => b"-ERR [IN-USE] mailbox in use\r\n",
                Some(Code::LoginDelay) => b"-ERR [LOGIN-DELAY] try again later\r\n",
                Some(Code::Temporary) => b"-ERR [SYS/TEMP] temporary authentication failure\r\n",
                Some(Code::Permanent) => b"-ERR [SYS/PERM] authentication not possible\r\n",
            },
            Self::Last(LastReply::TooManyConnections) => b"-ERR Too many connections\r\n",
            Self::Limited(excess) | Self::Last(LastReply::Limited(excess)) => match excess {
                Excess::Connections => b"-ERR [SYS/TEMP] Too many connections\r\n",
                Excess::Sessions => b"-ERR [SYS/TEMP] Too many sessions\r\n",
                Excess::Logins => b"-ERR [SYS/TEMP] Too many failed logins\r\n",
            },
            Self::Held => b"-ERR [SYS/TEMP] Account is being moved, try again later\r\n",
            Self::Last(LastReply::Forbidden) => b"-ERR Access denied\r\n",
            Self::Last(LastReply::EarlyTalker) => b"-ERR invalid command\r\n",
            Self::Last(LastReply::InvalidCertificate) => b"-ERR SSL certificate error\r\n",
            Self::Last(LastReply::MissingCertificate) => b"-ERR No required SSL certificate\r\n",
            // RFC 1939, section 3: the server closes the connection without a response.
            Self::Last(LastReply::Timeout | LastReply::ShuttingDown) => b"",
            Self::Last(LastReply::InternalError) => b"-ERR internal server error\r\n",
        }
    }
}
