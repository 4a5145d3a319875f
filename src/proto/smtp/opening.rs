//! The start of an SMTP dialogue that leads to a login: greeting, EHLO, and with XCLIENT the client's own EHLO.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::capabilities;
use crate::base::SessionId;
use crate::config::{ProxySmtpHelo, Server, Xclient};
use crate::proto::backend::reply::Expected;
use crate::proto::backend::steps::{self, Context, Ended, Step, Steps};
use crate::proto::backend::wire::{Capabilities, Trust, XclientAttributes};
use crate::proto::client::{Action, Dialogue, Progress, then};
use crate::proto::login::{Bytes, ClientHost, Helo};

/// The action while the answer to our own EHLO or HELO is awaited.
pub(super) const SENDING_HELLO: Action = "sending HELO/EHLO to upstream";
/// The action while the answer to the client's EHLO or HELO is awaited.
const SENDING_CLIENT_HELLO: Action = "sending client HELO/EHLO to upstream";

/// Room for a usual XCLIENT in bytes.
const USUAL: usize = 128;

/// The information about the client that the backend gets.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// The name in our own EHLO: `server_name`, or the client's by `proxy_smtp_helo`.
    pub own_name: Bytes,
    /// The client's address, in XCLIENT's form (`IPV6:` before IPv6).
    pub address: String,
    /// The client's host name, or `[UNAVAILABLE]`, or `[TEMPUNAVAIL]`.
    pub host: Box<str>,
    /// The client's port; `None` on a Unix socket.
    pub port: Option<u16>,
    /// The address that the client has connected to, where backends get it.
    pub connected: Option<SocketAddr>,
    /// The identifier in the logs.
    pub session: SessionId,
    /// How the client introduced itself.
    pub helo: Helo,
    /// `xclient`.
    pub xclient: Xclient,
    /// The login that follows the opening.
    pub purpose: Purpose,
}

/// The login that follows the opening. It determines when EHLO and XCLIENT are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A login that the auth server accepted. As in nginx, EHLO is sent only if needed, and XCLIENT without being announced, unless
    /// the configuration has `xclient announced`.
    AuthorizedLogin {
        /// The login in XCLIENT, if the gateway does not log in itself.
        login: Option<Bytes>,
    },
    /// A login by the announced capabilities. EHLO is always sent, and XCLIENT with the announced attributes.
    BackendLogin,
}

impl Introduction {
    /// The introduction that a server's configuration asks for.
    pub fn of(server: &Server, client: ClientHost<'_>, helo: Helo, purpose: Purpose) -> Self {
        Introduction {
            own_name: own_name(server, &helo),
            address: client.address.into(),
            host: client.name.into(),
            port: client.port,
            connected: client.connected,
            session: client.session,
            helo,
            xclient: server.proxy.xclient,
            purpose,
        }
    }

    /// Whether the backend's announcement decides about XCLIENT: EHLO is needed then.
    fn by_announcement(&self) -> bool {
        self.purpose == Purpose::BackendLogin || self.xclient == Xclient::Announced
    }

    /// XCLIENT without line end. `None` if it is off, or if the backend announces no attribute that there is a value for.
    fn xclient_command(&self, announced: XclientAttributes) -> Option<Vec<u8>> {
        let login = match &self.purpose {
            Purpose::AuthorizedLogin { login } => login.as_deref(),
            Purpose::BackendLogin => None,
        };
        let login = login.filter(|login| !login.is_empty());
        let attributes = self.attributes(announced)?;
        let mut line = Vec::with_capacity(USUAL);
        line.extend_from_slice(b"XCLIENT");
        let verb = line.len();
        if attributes.address {
            line.extend_from_slice(b" ADDR=");
            line.extend_from_slice(self.address.as_bytes());
        }
        if let Some(login) = login.filter(|_| attributes.login) {
            line.extend_from_slice(b" LOGIN=");
            xtext(login, &mut line);
        }
        if attributes.name {
            line.extend_from_slice(b" NAME=");
            line.extend_from_slice(self.host.as_bytes());
        }
        let mut add = |attribute: String| line.extend_from_slice(attribute.as_bytes());
        if let Some(port) = self.port.filter(|_| attributes.port) {
            add(format!(" PORT={port}"));
        }
        if let Some(end) = self.connected {
            if attributes.destination_address {
                add(format!(" DESTADDR={}", XclientAddress(end.ip())));
            }
            if attributes.destination_port {
                add(format!(" DESTPORT={}", end.port()));
            }
        }
        if attributes.session {
            add(format!(" SESSION={}", self.session));
        }
        (line.len() > verb).then_some(line)
    }

    /// The attributes that XCLIENT may have. `None` if it is off.
    fn attributes(&self, announced: XclientAttributes) -> Option<XclientAttributes> {
        match self.xclient {
            Xclient::Off => None,
            _ if self.by_announcement() => Some(announced),
            _ => Some(XclientAttributes {
                session: announced.session,
                ..XclientAttributes::NGINX
            }),
        }
    }

    /// Whether XCLIENT, if it is sent, has the client's address.
    fn tells_address(&self, announced: XclientAttributes) -> bool {
        let attributes = self.attributes(announced);
        attributes.is_some_and(|attributes| attributes.address)
    }

    /// EHLO or HELO as the client sent it, after XCLIENT. `None` if the client sent neither and the backend needs neither.
    fn client_hello(&self) -> Option<Vec<u8>> {
        let own = self.by_announcement().then_some(&self.own_name);
        let name = self.helo.name.as_ref().or(own)?;
        Some(hello(self.helo.extended || self.by_announcement(), name))
    }
}

/// An address in XCLIENT, with `IPV6:` before an IPv6 address.
struct XclientAddress(IpAddr);

impl fmt::Display for XclientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_canonical() {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "IPV6:{address}"),
        }
    }
}

/// The name in our own EHLO.
pub fn own_name(server: &Server, helo: &Helo) -> Bytes {
    let proxy = &server.proxy;
    let clients = helo.name.as_ref().filter(|_| {
        proxy.xclient == Xclient::Off && proxy.proxy_smtp_helo == ProxySmtpHelo::Client
    });
    clients.unwrap_or(&server.name).clone()
}

/// A dialogue that waits for the greeting. `context` is returned with the capabilities of the last answer to EHLO.
pub fn introduce<C: Context>(
    context: C,
    introduction: Introduction,
) -> Dialogue<(C, Capabilities)> {
    then(
        steps::greeting(context),
        |(context, ended), _, out| match ended {
            Ended::Refused(_) => Progress::UNEXPECTED,
            Ended::Complete(_) => {
                let Introduction { helo, xclient, .. } = &introduction;
                let needed = *xclient != Xclient::Off || introduction.by_announcement();
                let extended = needed || helo.extended;
                greet(context, introduction, extended, out)
            }
        },
    )
}

/// Sends our own EHLO or HELO.
fn greet<C: Context>(
    context: C,
    introduction: Introduction,
    extended: bool,
    out: &mut Vec<u8>,
) -> Progress<(C, Capabilities)> {
    let line = hello(extended, &introduction.own_name);
    let step = Step::new(line, SENDING_HELLO, Expected::Capabilities);
    let sent = Steps::new(step, []).begin(context, out);
    Progress::Read(then(
        sent,
        move |(context, ended), reply, out| match ended {
            Ended::Complete(_) => {
                let mut announced = capabilities::read(reply);
                announced.trust.proxy_commands |= !extended;
                tell(context, &introduction, announced, out)
            }
            // A backend that does not know EHLO gets HELO.
            Ended::Refused(rejection)
                if extended && rejection.code >= 500 && introduction.by_announcement() =>
            {
                greet(context, introduction, false, out)
            }
            Ended::Refused(_) => Progress::UNEXPECTED,
        },
    ))
}

/// Sends XCLIENT and the client's own EHLO or HELO, if they are needed.
fn tell<C: Context>(
    context: C,
    introduction: &Introduction,
    announced: Capabilities,
    out: &mut Vec<u8>,
) -> Progress<(C, Capabilities)> {
    let Some(xclient) = introduction.xclient_command(announced.xclient) else {
        return Progress::Done((context, announced));
    };
    let hello = introduction.client_hello();
    let again = hello.is_some();
    // What the backend trusts the gateway with, it may announce only before XCLIENT.
    let trust = Trust {
        proxy_commands: true,
        client_address: introduction.tells_address(announced.xclient),
    };
    let steps = Steps::new(
        Step::new(xclient, "sending XCLIENT to upstream", Expected::Xclient),
        hello.map(|line| Step::new(line, SENDING_CLIENT_HELLO, Expected::Capabilities)),
    );
    let sent = steps.begin(context, out);
    Progress::Read(then(sent, move |(context, ended), reply, _| match ended {
        Ended::Complete(_) => {
            let greeted = match again {
                true => capabilities::read(reply),
                // After XCLIENT the session begins anew, without a greeting.
                false => Capabilities {
                    chunking: false,
                    ..announced
                },
            };
            Progress::Done((context, Capabilities { trust, ..greeted }))
        }
        Ended::Refused(_) => Progress::UNEXPECTED,
    }))
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
