//! A backend's replies: where they end, and what they mean to a dialogue that waits for one.

use std::fmt::Debug;

/// The reply that a dialogue waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The greeting.
    Greeting,
    /// The answer to the command that asks for capabilities.
    Capabilities,
    /// The agreement to begin TLS.
    StartTls,
    /// A challenge, or another request for the next line: 334 in SMTP, `+` in IMAP and POP3.
    Challenge,
    /// The completion of a login: 235 in SMTP.
    LoggedIn,
    /// The completion of XCLIENT.
    Xclient,
    /// The completion of another command: 250 in SMTP.
    Completion,
    /// The decision about MAIL (SMTP): a completion or a refusal, both of which are for the client.
    Decision,
    /// A refusal, and nothing else: the exchange was cancelled, or the backend has announced that it fails.
    Refusal,
    /// Any bytes that are framed as a reply.
    Anything,
}

/// The meaning of a reply to a dialogue that waits for an [`Expected`] one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class<'a> {
    /// The expected reply, unless that is a challenge.
    Ok,
    /// A challenge: its text, in base64.
    Challenge(&'a [u8]),
    /// A negative reply.
    Refused(Rejection),
    /// Any other reply.
    Other,
}

/// A backend's refusal of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The SMTP code, or the one with the same meaning: 400 to 499 when a later attempt may succeed, else 500 to 599.
    pub code: u16,
    /// The backend closes the connection.
    pub closing: bool,
}

impl Rejection {
    /// Whether a later attempt with the same password may succeed.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        (400..500).contains(&self.code)
    }
}

/// Framing and meaning of a backend's replies.
pub trait Replies: Debug + Send + Sync {
    /// Length of the first whole reply in `bytes`, in bytes, where `expected` is awaited.
    fn whole(&self, expected: Expected, bytes: &[u8]) -> Option<usize>;

    /// The meaning of a reply where `expected` is awaited. With [`Expected::Challenge`] and [`Expected::Refusal`] it is never
    /// [`Class::Ok`]; only with [`Expected::Challenge`] and [`Expected::LoggedIn`] it may be [`Class::Challenge`].
    fn class<'a>(&self, expected: Expected, reply: &'a [u8]) -> Class<'a>;

    /// Where the part of an unexpected reply begins that the log shows, in bytes.
    fn shown_from(&self, _expected: Expected, _reply: &[u8]) -> usize {
        0
    }
}
