//! How every SMTP conversation with a backend begins: greeting, EHLO, and with XCLIENT the client's own EHLO.

use super::reply;
use crate::config::modules::proxy::ProxySmtpHelo;
use crate::config::{Methods, Server};
use crate::proto::{Helo, Seen, sasl};

/// Whether the backend is told about the client by XCLIENT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Xclient {
    /// Not at all.
    Off,
    /// Always, as nginx does.
    Always,
    /// As far as the backend announces it.
    Announced,
}

/// What the backend shall know.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// The name in our own EHLO: `server_name`, or the client's by `proxy_smtp_helo`.
    pub own_name: Box<[u8]>,
    /// The client's address, in XCLIENT's form (`IPV6:` before IPv6).
    pub address: String,
    /// The client's host name, or `[UNAVAILABLE]`, or `[TEMPUNAVAIL]`.
    pub host: Box<str>,
    /// How the client introduced itself.
    pub helo: Helo,
    /// A login to vouch for.
    pub login: Option<Box<[u8]>>,
    /// See [`Xclient`].
    pub xclient: Xclient,
    /// The backend's offers decide what follows, so EHLO is said whatever the client said.
    pub learns: bool,
}

impl Introduction {
    /// The introduction that a server's configuration asks for. It vouches for no login and asks for no offers.
    pub fn of(server: &Server, seen: Seen<'_>, helo: Helo) -> Self {
        Introduction {
            own_name: own_name(server, &helo),
            address: seen.address.into(),
            host: seen.host.into(),
            helo,
            login: None,
            xclient: if server.proxy.xclient {
                Xclient::Always
            } else {
                Xclient::Off
            },
            learns: false,
        }
    }

    /// The same for a backend whose offers decide what follows.
    pub fn by_offers(mut self) -> Self {
        if self.xclient == Xclient::Always {
            self.xclient = Xclient::Announced;
        }
        self.learns = true;
        self
    }
}

/// Whose name our EHLO carries.
pub fn own_name(server: &Server, helo: &Helo) -> Box<[u8]> {
    let proxy = &server.proxy;
    let clients = helo
        .name
        .as_ref()
        .filter(|_| !proxy.xclient && proxy.proxy_smtp_helo == ProxySmtpHelo::Client);
    clients.unwrap_or(&server.mail.server_name).clone()
}

/// What a backend's EHLO answer offers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offers {
    /// SASL mechanisms.
    pub methods: Methods,
    /// STARTTLS.
    pub starttls: bool,
    /// Attributes of XCLIENT.
    xclient_addr: bool,
    xclient_name: bool,
    pub xclient_login: bool,
}

/// Where the opening is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    /// `extended`: EHLO was sent, not HELO.
    Hello {
        extended: bool,
    },
    Xclient,
    ClientHello,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Move {
    /// Send `out` and read the reply.
    Read,
    /// The opening is done.
    Done,
    /// The reply is not what it must be.
    Unexpected,
}

/// The opening of one conversation.
#[derive(Debug)]
pub struct Opening {
    introduction: Introduction,
    state: State,
    offers: Offers,
}

impl Opening {
    /// An opening that waits for the greeting.
    pub fn new(introduction: Introduction) -> Self {
        Opening {
            introduction,
            state: State::Greeting,
            offers: Offers::default(),
        }
    }

    /// What the backend's last EHLO answer offered.
    pub fn offers(&self) -> Offers {
        self.offers
    }

    /// What is being done, in nginx's words.
    pub fn action(&self) -> &'static str {
        match self.state {
            State::Greeting => "reading response from upstream",
            State::Hello { .. } => "sending HELO/EHLO to upstream",
            State::Xclient => "sending XCLIENT to upstream",
            State::ClientHello => "sending client HELO/EHLO to upstream",
        }
    }

    /// Takes the backend's reply to what was sent last.
    pub fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Move {
        let code = reply::code(reply);
        match (self.state, code) {
            (State::Greeting, Some(220)) => {
                let told = self.introduction.xclient != Xclient::Off;
                let extended = told || self.introduction.helo.extended;
                self.hello(extended || self.introduction.learns, out)
            }
            (State::Hello { .. }, Some(250)) => {
                self.offers = Offers::of(reply);
                self.xclient(out)
            }
            // A backend of before 1995 is asked again in its own language.
            (State::Hello { extended: true }, Some(500..=599)) if self.introduction.learns => {
                self.hello(false, out)
            }
            (State::Xclient, Some(220 | 250)) => self.client_hello(out),
            (State::ClientHello, Some(250)) => {
                self.offers = Offers::of(reply);
                Move::Done
            }
            _ => Move::Unexpected,
        }
    }

    fn hello(&mut self, extended: bool, out: &mut Vec<u8>) -> Move {
        self.state = State::Hello { extended };
        hello(out, extended, &self.introduction.own_name);
        Move::Read
    }

    fn xclient(&mut self, out: &mut Vec<u8>) -> Move {
        let told = &self.introduction;
        let (addr, name, login) = match told.xclient {
            Xclient::Off => return Move::Done,
            Xclient::Always => (true, true, true),
            Xclient::Announced => {
                let o = self.offers;
                (o.xclient_addr, o.xclient_name, o.xclient_login)
            }
        };
        let login = told.login.as_deref().filter(|l| login && !l.is_empty());
        if !addr && !name && login.is_none() {
            return Move::Done;
        }
        out.extend_from_slice(b"XCLIENT");
        if addr {
            out.extend_from_slice(b" ADDR=");
            out.extend_from_slice(told.address.as_bytes());
        }
        if let Some(login) = login {
            out.extend_from_slice(b" LOGIN=");
            xtext(login, out);
        }
        if name {
            out.extend_from_slice(b" NAME=");
            out.extend_from_slice(told.host.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        self.state = State::Xclient;
        Move::Read
    }

    fn client_hello(&mut self, out: &mut Vec<u8>) -> Move {
        let Introduction {
            helo,
            own_name,
            learns,
            ..
        } = &self.introduction;
        let name = match &helo.name {
            Some(name) => name,
            None if *learns => own_name,
            None => return Move::Done,
        };
        hello(out, helo.extended || *learns, name);
        self.state = State::ClientHello;
        Move::Read
    }
}

pub(super) fn hello(out: &mut Vec<u8>, extended: bool, name: &[u8]) {
    out.extend_from_slice(if extended { b"EHLO " } else { b"HELO " });
    out.extend_from_slice(name);
    out.extend_from_slice(b"\r\n");
}

/// RFC 3461, section 4: what is not printable ASCII, `+` and `=` become `+XX`.
pub(super) fn xtext(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        if byte.is_ascii_graphic() && !matches!(byte, b'+' | b'=') {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("+{byte:02X}").as_bytes());
        }
    }
}

impl Offers {
    /// Reads a whole answer.
    pub fn of(reply: &[u8]) -> Self {
        let mut offers = Offers::default();
        for text in reply::texts(reply).skip(1) {
            let text = text.to_ascii_uppercase();
            let mut words = text
                .split(|&b| matches!(b, b' ' | b'='))
                .filter(|w| !w.is_empty());
            match words.next() {
                Some(b"AUTH") => {
                    offers.methods = offers.methods.with(sasl::client::announced(words));
                }
                Some(b"STARTTLS") => offers.starttls = true,
                Some(b"XCLIENT") => words.for_each(|word| match word {
                    b"ADDR" => offers.xclient_addr = true,
                    b"NAME" => offers.xclient_name = true,
                    b"LOGIN" => offers.xclient_login = true,
                    _ => {}
                }),
                _ => {}
            }
        }
        offers
    }
}
