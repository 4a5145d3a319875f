//! Every fixed reply to a ManageSieve client.

use super::response_code;
use crate::proto::sasl::Frame;
use crate::proto::strings::{Sender, string};
use crate::proto::{Excess, HELD, LastReply};

/// A reply (RFC 5804, sections 1.2 and 1.3). BYE ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// After the capabilities of the greeting.
    Greeting,
    /// After the capabilities that CAPABILITY asks for.
    Capabilities,
    /// After the capabilities inside TLS.
    Secured,
    StartTls,
    Noop,
    Logout,
    InvalidCommand,
    /// The same, and the session ends.
    InvalidCommandBye,
    /// The command needs a login.
    LoginRequired,
    /// STARTTLS must precede AUTHENTICATE.
    TlsRequired,
    /// STARTTLS is not offered, or TLS is established.
    NoStartTls,
    /// The client cancelled the SASL exchange.
    Cancelled,
    UnknownMechanism,
    /// The backend cannot be reached.
    Unavailable,
    /// The backend refused the login for the reason that this SMTP code names, and its own reply is not shown.
    Refused(u16),
    /// The same, and the backend closes.
    Closing(u16),
    /// A limit keeps the client from logging in.
    Limited(Excess),
    /// The user's mail is being moved.
    Held,
    Last(LastReply),
}

/// The form of a challenge.
pub const CHALLENGE: Frame = Frame::String;

impl Reply {
    /// Writes the reply.
    pub fn write(self, out: &mut Vec<u8>) {
        let text = match self {
            Self::Greeting => "OK \"ManageSieve ready\"",
            Self::Capabilities => "OK \"Capability completed\"",
            Self::Secured => "OK \"TLS negotiation successful\"",
            Self::StartTls => "OK \"Begin TLS negotiation now\"",
            Self::Noop => "OK \"NOOP completed\"",
            Self::Logout => "OK \"Logout completed\"",
            Self::InvalidCommand => "NO \"invalid command\"",
            Self::InvalidCommandBye | Self::Last(LastReply::EarlyTalker) => {
                "BYE \"invalid command\""
            }
            Self::LoginRequired => "NO \"Authentication required\"",
            Self::TlsRequired => "NO (ENCRYPT-NEEDED) \"Must issue a STARTTLS command first\"",
            Self::NoStartTls => "NO \"STARTTLS is not available\"",
            Self::Cancelled => "NO \"Authentication cancelled\"",
            Self::UnknownMechanism => "NO \"Unsupported authentication mechanism\"",
            Self::Unavailable => {
                "NO (TRYLATER) \"Mail server temporarily unavailable, try again later\""
            }
            Self::Refused(code) => &format!("NO {}", response_code::refusal(code)),
            Self::Closing(code) => &format!("BYE {}", response_code::refusal(code)),
            Self::Last(LastReply::TooManyConnections) => "BYE (TRYLATER) \"Too many connections\"",
            Self::Limited(excess) => &format!("NO (TRYLATER) \"{}\"", excess.text()),
            Self::Held => &format!("NO (TRYLATER) \"{HELD}\""),
            Self::Last(LastReply::Limited(excess)) => {
                &format!("BYE (TRYLATER) \"{}\"", excess.text())
            }
            Self::Last(LastReply::Forbidden) => "BYE \"Access denied\"",
            Self::Last(LastReply::InvalidCertificate) => "BYE \"SSL certificate error\"",
            Self::Last(LastReply::MissingCertificate) => "BYE \"No required SSL certificate\"",
            Self::Last(LastReply::Timeout) => "BYE \"timeout\"",
            Self::Last(LastReply::ShuttingDown) => "BYE (TRYLATER) \"Server shutting down\"",
            Self::Last(LastReply::InternalError) => "BYE (TRYLATER) \"internal server error\"",
        };
        for piece in [text, "\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
    }
}

/// The refusal of a login with this text. It cannot contain CR or LF.
pub fn refusal(text: &[u8]) -> Vec<u8> {
    [b"NO ", &*string(text, Sender::Server), b"\r\n"].concat()
}

/// The answer to NOOP with this tag.
pub fn tagged(tag: &[u8]) -> Vec<u8> {
    [
        b"OK (TAG ",
        &*string(tag, Sender::Server),
        b") \"Done\"\r\n",
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        assert_eq!(refusal(b"a \"b\""), b"NO \"a \\\"b\\\"\"\r\n");
        assert_eq!(tagged(b""), b"OK (TAG \"\") \"Done\"\r\n");
        assert_eq!(tagged(b"a\r\nb"), b"OK (TAG {4}\r\na\r\nb) \"Done\"\r\n");
        let long = "a".repeat(1025);
        let literal = format!("NO {{1025}}\r\n{long}\r\n");
        assert_eq!(refusal(long.as_bytes()), literal.as_bytes());
    }
}
