//! A client's address and host name.

use std::net::SocketAddr;

use super::source::Source;
use crate::base::SessionId;
use crate::config::Server;
use crate::net::socket::Peer;
use crate::proto::{ClientHost, Fields};

/// The number of proxies that may follow, against loops (Dovecot's `x-proxy-ttl` and `TTL`).
const PROXY_TTL: &[u8] = b"5";

/// A client's address and host name, in the forms that headers and commands use.
#[derive(Debug)]
pub(in crate::session) struct Identity {
    /// The origin of the address.
    pub source: Source,
    /// The address without its port.
    pub address: Box<str>,
    /// The address for XCLIENT, where it is another form: with `IPV6:` before an IPv6 address.
    xclient: Option<Box<str>>,
    /// The verified host name or `[TEMPUNAVAIL]`. `None` for `[UNAVAILABLE]`, which most clients have.
    name: Option<Box<str>>,
    /// The session in every log.
    session: SessionId,
    /// The client as backends get it, with `imap_id on` or `pop3_xclient on`.
    identification: Option<Box<Identification>>,
}

/// The command that identifies the client to a backend.
#[derive(Debug)]
struct Identification {
    /// The gateway's own fields of ID (RFC 2971).
    own: Fields,
    /// The whole argument.
    argument: Vec<u8>,
}

impl Identity {
    /// The client of connection `number`, before its host name is looked up.
    pub fn new(source: Source, number: u64) -> Self {
        let address = source.peer.host();
        let xclient = match &source.peer {
            Peer::Inet(peer) if peer.is_ipv6() => Some(format!("IPV6:{address}").into()),
            _ => None,
        };
        Identity {
            source,
            address,
            xclient,
            name: None,
            session: SessionId::of_connection(number),
            identification: None,
        }
    }

    /// Sets the host name.
    pub fn named(&mut self, name: Box<str>) {
        self.name = Some(name);
    }

    /// The verified host name, `[UNAVAILABLE]` or `[TEMPUNAVAIL]`.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(UNAVAILABLE)
    }

    /// Identifies the client to backends from now on, where the server does that.
    pub fn identify(&mut self, server: &Server) {
        if server.sends_imap_id() {
            self.identify_by_id();
        } else if server.sends_pop3_xclient() {
            let mut argument = Vec::new();
            if let Some((ip, port)) = self.source.peer.ip().zip(self.source.peer.port()) {
                let ip = ip.to_canonical();
                argument.extend_from_slice(format!("ADDR={ip} PORT={port} ").as_bytes());
            }
            argument.extend_from_slice(format!("SESSION={} TTL=", self.session).as_bytes());
            argument.extend_from_slice(PROXY_TTL);
            let own = Fields::default();
            self.identification = Some(Box::new(Identification { own, argument }));
        }
    }

    fn identify_by_id(&mut self) {
        let mut own = Fields::default();
        let ends = [
            (
                "x-originating",
                self.source.peer.ip().zip(self.source.peer.port()),
            ),
            ("x-connected", self.source.connected()),
        ];
        for (name, end) in ends {
            if let Some((ip, port)) = end {
                let ip = ip.to_canonical().to_string();
                own.push(format!("{name}-ip").as_bytes(), ip.as_bytes());
                own.push(
                    format!("{name}-port").as_bytes(),
                    port.to_string().as_bytes(),
                );
            }
        }
        own.push(b"x-proxy-ttl", PROXY_TTL);
        own.push(b"x-session-id", self.session.to_string().as_bytes());
        let argument = own.list();
        self.identification = Some(Box::new(Identification { own, argument }));
    }

    /// Adds the fields of the client's own ID command, in place of those of an earlier one.
    pub fn identified(&mut self, fields: &Fields) {
        if let Some(id) = &mut self.identification {
            let mut all = id.own.clone();
            all.extend(fields);
            id.argument = all.list();
        }
    }

    /// The session in every log.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The host as it is sent to backends.
    pub fn host(&self) -> ClientHost<'_> {
        ClientHost {
            address: self.xclient.as_deref().unwrap_or(&self.address),
            name: self.name(),
            port: self.source.peer.port(),
            connected: self.source.connected().map(SocketAddr::from),
            session: self.session,
            identification: self.identification.as_deref().map(|id| &*id.argument),
        }
    }
}

/// Stands for the name of a client that has no verified one.
pub(in crate::session) const UNAVAILABLE: &str = "[UNAVAILABLE]";
/// Stands for the name of a client whose name could not be looked up.
pub(in crate::session) const TEMPUNAVAIL: &str = "[TEMPUNAVAIL]";
