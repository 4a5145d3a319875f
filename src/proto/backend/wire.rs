//! The differences between the protocols in a dialogue with a backend, besides the replies: commands and capabilities.

use super::framing::Framing;
use super::reply::{Expected, Replies};
use super::steps::{Context, Steps};
use crate::config::{Method, Methods};
use crate::proto::client::Action;
use crate::proto::login::{Bytes, Credentials};
use crate::proto::sasl::client;

/// The capabilities of a backend that the gateway itself uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The SASL mechanisms that the gateway knows.
    pub mechanisms: Methods,
    /// All announced SASL mechanisms, as the backend writes them, with spaces between.
    pub announced: Vec<u8>,
    /// STARTTLS or STLS.
    pub starttls: bool,
    /// The command that identifies the client: ID (IMAP), XCLIENT (POP3).
    pub identification: bool,
    /// The longest initial response that the command can carry, in base64 bytes; `None`: it can carry none.
    pub initial_response: Option<usize>,
    /// The protocol's own command for a user name and a password: LOGIN in IMAP, USER in POP3.
    pub password_command: bool,
    /// The attributes of XCLIENT.
    pub xclient: XclientAttributes,
    /// How far the backend trusts the gateway (SMTP).
    pub trust: Trust,
    /// CHUNKING (SMTP), in the answer to the latest greeting.
    pub chunking: bool,
}

/// How far an SMTP backend trusts the gateway, as far as the gateway can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// XCLIENT or XFORWARD of a client might have an effect: the backend announces one of them, has accepted XCLIENT, or was
    /// not asked because the gateway's greeting was HELO.
    pub proxy_commands: bool,
    /// The backend knows the client's address from XCLIENT.
    pub client_address: bool,
}

impl Capabilities {
    /// Adds announced SASL mechanisms.
    pub fn announce<'a>(&mut self, names: impl Iterator<Item = &'a [u8]>) {
        for name in names.filter(|name| !name.is_empty()) {
            let mut known = self.announced.split(|&byte| byte == b' ');
            if known.any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            if !self.announced.is_empty() {
                self.announced.push(b' ');
            }
            self.announced.extend_from_slice(name);
            let method = client::announced(std::iter::once(name));
            self.mechanisms = self.mechanisms.with(method);
        }
    }

    /// The methods by which the gateway can log clients in.
    pub fn usable(&self) -> Methods {
        let mut usable = self.mechanisms;
        if self.password_command || usable.has(Method::Plain) || usable.has(Method::Login) {
            usable = usable.with(Methods::of(&[Method::Plain, Method::Login]));
        }
        if self.xclient.login {
            usable.insert(Method::External);
        }
        usable
    }

    /// The part that matters where no method is usable.
    pub fn offer(&self, verbs: &Verbs) -> Offer {
        Offer {
            mechanisms: self.announced.as_slice().into(),
            start_tls: self.starttls.then_some(verbs.start_tls_name),
        }
    }
}

/// What a backend offers for logins, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The announced SASL mechanisms, with spaces between.
    pub mechanisms: Bytes,
    /// The command that begins TLS, if it is announced.
    pub start_tls: Option<&'static str>,
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
    /// `PORT`
    pub port: bool,
    /// `DESTADDR`
    pub destination_address: bool,
    /// `DESTPORT`
    pub destination_port: bool,
    /// `SESSION` (Dovecot)
    pub session: bool,
}

impl XclientAttributes {
    /// The attributes that nginx sends, whether or not they are announced.
    pub const NGINX: Self = Self {
        address: true,
        name: true,
        login: true,
        port: false,
        destination_address: false,
        destination_port: false,
        session: false,
    };
}

/// The capabilities that are announced to clients besides the gateway's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilityList {
    /// Words in IMAP, lines in SMTP, POP3 and ManageSieve.
    pub words: Box<[Bytes]>,
    /// The methods by which clients can be logged in; only these are announced.
    pub methods: Methods,
}

impl CapabilityList {
    /// The words of a configuration. Nothing is known about the backend.
    pub fn configured(words: &[Bytes]) -> Self {
        CapabilityList {
            words: words.into(),
            methods: Methods::ALL,
        }
    }
}

/// The fixed parts of a protocol.
#[derive(Debug)]
pub struct Verbs {
    /// The action while capabilities are awaited.
    pub capabilities_action: Action,
    /// The same before a login.
    pub login_capabilities_action: Action,
    /// The command that begins TLS, without its line end.
    pub start_tls: &'static str,
    /// The command's name.
    pub start_tls_name: &'static str,
    /// The action while the reply to that command is awaited.
    pub start_tls_action: Action,
    /// Stands for the greeting after STARTTLS, if the backend sends none inside TLS; else empty.
    pub greeting: &'static [u8],
    /// The command that ends the session, with its line end.
    pub quit: &'static [u8],
}

/// The command that identifies the client to a backend.
#[derive(Debug)]
pub struct Identification {
    /// The command without its argument.
    pub command: &'static [u8],
    /// The action while the reply is awaited.
    pub action: Action,
    /// The reply. Whether it accepts does not matter.
    pub expected: Expected,
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

    /// Whether a greeting announces the command that identifies the client (Dovecot's POP3). The answer to the command that asks for
    /// capabilities does not repeat it.
    fn greets_with_identification(&self, _greeting: &[u8]) -> bool {
        false
    }

    /// The bytes that stand for the greeting after STARTTLS: the backend sends none inside TLS. `before` was announced in clear text.
    fn greeting_inside_tls(&self, _before: &Capabilities) -> &'static [u8] {
        self.verbs().greeting
    }

    /// The capabilities in the answer to the command that asks for them. A refusal of the command counts as an answer;
    /// `None`: the reply is neither.
    fn capabilities(&self, answer: &[u8]) -> Option<Capabilities>;

    /// The capabilities of a greeting or an answer that are announced to clients. `None`: the list is empty, which the protocol
    /// does not allow.
    fn announced(&self, reply: &[u8]) -> Option<Box<[Bytes]>>;

    /// The command that identifies the client (IMAP, POP3).
    fn identification(&self) -> Option<&'static Identification> {
        None
    }

    /// Sets the client's tag, for commands that carry it (IMAP).
    fn set_tag(&mut self, _tag: &Bytes) {}

    /// The command that begins a SASL exchange, without initial response and line end.
    fn auth_command(&self, mechanism: &str) -> Vec<u8>;

    /// How the messages of the exchange are written.
    fn framing(&self) -> Framing {
        Framing::Bare
    }

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
