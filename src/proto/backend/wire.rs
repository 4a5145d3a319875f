//! What differs between the protocols in a dialogue with a backend: framing, classes of replies, verbs.

use std::fmt::Debug;

use super::steps::Steps;
use crate::config::Methods;
use crate::proto::login::{Bytes, Credentials};

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
    /// Any reply that has the protocol's form.
    Reply,
    /// Any bytes that are framed as a reply.
    Anything,
}

/// What a reply means where another one was [`Expected`].
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

/// What a backend announces, as far as the gateway makes use of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The SASL mechanisms.
    pub mechanisms: Methods,
    /// STARTTLS or STLS.
    pub starttls: bool,
    /// The longest initial response that the command can carry, in base64 bytes; `None`: it can carry none.
    pub initial_response: Option<usize>,
    /// The protocol's own command for a user name and a password: LOGIN in IMAP, USER in POP3.
    pub password_command: bool,
    /// The attributes of XCLIENT.
    pub xclient: XclientAttributes,
}

/// The attributes of XCLIENT (SMTP) that a backend announces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XclientAttributes {
    /// `ADDR`
    pub address: bool,
    /// `NAME`
    pub name: bool,
    /// `LOGIN`
    pub login: bool,
}

/// What a backend can do besides logins, word by word (IMAP) or line by line, as far as the gateway passes it on to clients.
pub type CapabilityList = Box<[Bytes]>;

/// The fixed parts of a protocol.
#[derive(Debug)]
pub struct Verbs {
    /// What is being done while capabilities are awaited, in nginx's words.
    pub capabilities_action: &'static str,
    /// The same where a login waits for them.
    pub login_capabilities_action: &'static str,
    /// The command that begins TLS, without its line end.
    pub start_tls: &'static str,
    /// What is being done while the agreement to TLS is awaited.
    pub start_tls_action: &'static str,
    /// Stands for the greeting inside TLS, where the backend sends none.
    pub greeting: &'static [u8],
    /// The command that ends the session, with its line end.
    pub quit: &'static [u8],
}

/// Framing and meaning of a backend's replies.
pub trait Replies: Debug + Send + Sync {
    /// Length of the first whole reply in `bytes`, in bytes, where `expected` is awaited.
    fn whole(&self, expected: Expected, bytes: &[u8]) -> Option<usize>;

    /// What a reply means where `expected` is awaited. With [`Expected::Challenge`] it is never [`Class::Ok`].
    fn class<'a>(&self, expected: Expected, reply: &'a [u8]) -> Class<'a>;

    /// Where the part of an unexpected reply begins that the log shows, in bytes.
    fn shown_from(&self, _expected: Expected, _reply: &[u8]) -> usize {
        0
    }
}

/// A protocol, as the dialogues speak it that ask for capabilities first.
pub trait Wire: Replies {
    /// Its fixed parts.
    fn verbs(&self) -> &'static Verbs;

    /// The command that asks for capabilities, without its line end.
    fn capability_command(&self) -> Vec<u8>;

    /// The capabilities in a greeting, where the protocol has them there.
    fn greeted_capabilities(&self, _greeting: &[u8]) -> Option<Capabilities> {
        None
    }

    /// The capabilities in the answer to the command that asks for them. A refusal of the command counts as an answer;
    /// `None`: the reply is neither.
    fn capabilities(&self, answer: &[u8]) -> Option<Capabilities>;

    /// What clients are told of a greeting or an answer that has capabilities. `None`: it announces nothing a server of
    /// this protocol could do without.
    fn announced(&self, reply: &[u8]) -> Option<CapabilityList>;

    /// Sets the client's tag, for commands that carry it (IMAP).
    fn set_tag(&mut self, _tag: &Bytes) {}

    /// The command that begins a SASL exchange, without initial response and line end.
    fn auth_command(&self, mechanism: &str) -> Vec<u8>;

    /// A login in the protocol's own way besides SASL, where these credentials and capabilities allow it.
    fn login_without_sasl(
        &self,
        credentials: &Credentials,
        capabilities: &Capabilities,
    ) -> Option<Steps>;
}
