//! The differences between the protocols in a dialogue with a backend, besides the replies: commands and capabilities.

use super::reply::Replies;
use super::steps::{Context, Steps};
use crate::config::Methods;
use crate::proto::client::Action;
use crate::proto::login::{Bytes, Credentials};

/// The capabilities of a backend that the gateway itself uses.
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

/// The capabilities of a backend that are announced to clients: words in IMAP, lines in SMTP and POP3.
pub type CapabilityList = Box<[Bytes]>;

/// The fixed parts of a protocol.
#[derive(Debug)]
pub struct Verbs {
    /// The action while capabilities are awaited.
    pub capabilities_action: Action,
    /// The same before a login.
    pub login_capabilities_action: Action,
    /// The command that begins TLS, without its line end.
    pub start_tls: &'static str,
    /// The action while the reply to that command is awaited.
    pub start_tls_action: Action,
    /// Stands for the greeting after STARTTLS: the backend sends none inside TLS.
    pub greeting: &'static [u8],
    /// The command that ends the session, with its line end.
    pub quit: &'static [u8],
}

/// A protocol, for the dialogues that ask for capabilities first.
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

    /// The capabilities of a greeting or an answer that are announced to clients. `None`: the list is empty, which the protocol
    /// does not allow.
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

impl Context for Box<dyn Wire> {
    fn replies(&self) -> &dyn Replies {
        &**self
    }
}
