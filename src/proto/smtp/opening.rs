//! The start of an SMTP dialogue that leads to a login: greeting, EHLO, and with XCLIENT the client's own EHLO.

use super::capabilities;
use super::reply::{code, whole};
use crate::config::Server;
use crate::config::modules::proxy::ProxySmtpHelo;
use crate::proto::backend::wire::{Capabilities, XclientAttributes};
use crate::proto::client::{ClientDialogue, Progress, READING};
use crate::proto::login::{Bytes, ClientHost, Helo};

/// What is being done while an answer to EHLO or HELO is awaited, in nginx's words.
pub(super) const SENDING_HELLO: &str = "sending HELO/EHLO to upstream";

/// What the backend is told about the client.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// The name in our own EHLO: `server_name`, or the client's by `proxy_smtp_helo`.
    pub own_name: Bytes,
    /// The client's address, in XCLIENT's form (`IPV6:` before IPv6).
    pub address: String,
    /// The client's host name, or `[UNAVAILABLE]`, or `[TEMPUNAVAIL]`.
    pub host: Box<str>,
    /// How the client introduced itself.
    pub helo: Helo,
    /// `xclient`.
    pub xclient: bool,
    /// What follows the opening.
    pub purpose: Purpose,
}

/// What follows the opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What the auth server decided, as nginx does it: EHLO only if needed, and XCLIENT whatever the backend announces.
    AuthorizedLogin {
        /// The login that XCLIENT names, in place of a login of our own.
        login: Option<Bytes>,
    },
    /// What the backend announces: EHLO in any case, and XCLIENT with the attributes that are announced.
    BackendLogin,
}

impl Introduction {
    /// The introduction that a server's configuration asks for.
    pub fn of(server: &Server, client: ClientHost<'_>, helo: Helo, purpose: Purpose) -> Self {
        Introduction {
            own_name: own_name(server, &helo),
            address: client.address.into(),
            host: client.name.into(),
            helo,
            xclient: server.proxy.xclient,
            purpose,
        }
    }

    fn by_capabilities(&self) -> bool {
        self.purpose == Purpose::BackendLogin
    }

    /// XCLIENT without line end. `None` where it is off, or the backend takes no attribute of it.
    fn xclient_command(&self, announced: XclientAttributes) -> Option<Vec<u8>> {
        let (address, name, login) = match &self.purpose {
            Purpose::AuthorizedLogin { login } => (true, true, login.as_deref()),
            Purpose::BackendLogin => (announced.address, announced.name, None),
        };
        if !self.xclient || !(address || name) {
            return None;
        }
        let mut line = b"XCLIENT".to_vec();
        if address {
            line.extend_from_slice(b" ADDR=");
            line.extend_from_slice(self.address.as_bytes());
        }
        if let Some(login) = login.filter(|login| !login.is_empty()) {
            line.extend_from_slice(b" LOGIN=");
            xtext(login, &mut line);
        }
        if name {
            line.extend_from_slice(b" NAME=");
            line.extend_from_slice(self.host.as_bytes());
        }
        Some(line)
    }

    /// EHLO or HELO as the client sent it, after XCLIENT. `None` where it sent none and none is needed.
    fn client_hello(&self) -> Option<Vec<u8>> {
        let own = self.by_capabilities().then_some(&self.own_name);
        let name = self.helo.name.as_ref().or(own)?;
        Some(hello(self.helo.extended || self.by_capabilities(), name))
    }
}

/// The name in our own EHLO.
pub fn own_name(server: &Server, helo: &Helo) -> Bytes {
    let proxy = &server.proxy;
    let clients = helo
        .name
        .as_ref()
        .filter(|_| !proxy.xclient && proxy.proxy_smtp_helo == ProxySmtpHelo::Client);
    clients.unwrap_or(&server.mail.server_name).clone()
}

/// What was sent last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing: the greeting is awaited.
    Greeting,
    /// Our own EHLO (`extended`) or HELO was sent.
    Hello { extended: bool },
    /// XCLIENT was sent; the backend had announced this before.
    Xclient(Capabilities),
    /// The client's own EHLO or HELO was sent.
    ClientHello,
}

/// The opening of one conversation. Its outcome is what the backend's last answer to EHLO announces.
#[derive(Debug)]
pub struct Opening {
    introduction: Introduction,
    state: State,
}

impl Opening {
    /// An opening that waits for the greeting.
    pub fn new(introduction: Introduction) -> Self {
        Opening {
            introduction,
            state: State::Greeting,
        }
    }

    fn send(
        mut self: Box<Self>,
        state: State,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Progress<Capabilities> {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        self.state = state;
        Progress::Read(self)
    }

    /// EHLO or HELO in our own name.
    fn hello(self: Box<Self>, extended: bool, out: &mut Vec<u8>) -> Progress<Capabilities> {
        let line = hello(extended, &self.introduction.own_name);
        self.send(State::Hello { extended }, &line, out)
    }
}

impl ClientDialogue for Opening {
    type Outcome = Capabilities;

    fn action(&self) -> &'static str {
        match self.state {
            State::Greeting => READING,
            State::Hello { .. } => SENDING_HELLO,
            State::Xclient(_) => "sending XCLIENT to upstream",
            State::ClientHello => "sending client HELO/EHLO to upstream",
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        whole(bytes)
    }

    fn advance(self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<Capabilities> {
        let introduction = &self.introduction;
        let by_capabilities = introduction.by_capabilities();
        match (self.state, code(reply)) {
            (State::Greeting, Some(220)) => {
                let xclient = introduction.xclient;
                let extended = xclient || introduction.helo.extended || by_capabilities;
                self.hello(extended, out)
            }
            (State::Hello { .. }, Some(250)) => {
                let capabilities = capabilities::read(reply);
                match introduction.xclient_command(capabilities.xclient) {
                    Some(line) => self.send(State::Xclient(capabilities), &line, out),
                    None => Progress::Done(capabilities),
                }
            }
            // A backend that does not know EHLO is greeted by HELO.
            (State::Hello { extended: true }, Some(500..=599)) if by_capabilities => {
                self.hello(false, out)
            }
            (State::Xclient(capabilities), Some(220 | 250)) => match introduction.client_hello() {
                Some(line) => self.send(State::ClientHello, &line, out),
                None => Progress::Done(capabilities),
            },
            (State::ClientHello, Some(250)) => Progress::Done(capabilities::read(reply)),
            _ => Progress::UNEXPECTED,
        }
    }
}

/// EHLO or HELO, without line end.
pub(super) fn hello(extended: bool, name: &[u8]) -> Vec<u8> {
    let verb: &[u8] = if extended { b"EHLO " } else { b"HELO " };
    [verb, name].concat()
}

/// RFC 3461, section 4: a byte that is not printable ASCII, `+` or `=` becomes `+XX`.
pub(super) fn xtext(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        if byte.is_ascii_graphic() && !matches!(byte, b'+' | b'=') {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("+{byte:02X}").as_bytes());
        }
    }
}
