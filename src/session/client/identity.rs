//! A client's address and host name.

use super::source::Source;
use crate::base::SessionId;
use crate::net::socket::Peer;
use crate::proto::{ClientHost, Fields};

/// The number of proxies that may follow, against loops (Dovecot's `x-proxy-ttl`).
const PROXY_TTL: &[u8] = b"5";

/// A client's address and host name, in the forms that headers and commands use.
#[derive(Debug)]
pub(in crate::session) struct Identity {
    /// The origin of the address.
    pub source: Source,
    /// The address without its port.
    pub address: String,
    /// The address for XCLIENT, with `IPV6:` before an IPv6 address.
    pub xclient: String,
    /// The verified host name, `[UNAVAILABLE]` or `[TEMPUNAVAIL]`.
    pub name: Box<str>,
    /// The client as IMAP backends get it, with `imap_id on`.
    imap_id: Option<Box<ImapId>>,
}

/// The fields of the ID command to a backend (RFC 2971).
#[derive(Debug)]
struct ImapId {
    /// The gateway's own.
    own: Fields,
    /// The whole list.
    list: Vec<u8>,
}

impl Identity {
    /// A client before its host name is looked up.
    pub fn new(source: Source) -> Self {
        let address = source.peer.host();
        let xclient = match &source.peer {
            Peer::Inet(peer) if peer.is_ipv6() => format!("IPV6:{address}"),
            _ => address.clone(),
        };
        Identity {
            source,
            address,
            xclient,
            name: UNAVAILABLE.into(),
            imap_id: None,
        }
    }

    /// Identifies the client to IMAP backends from now on, as connection `number` of the gateway.
    pub fn identify(&mut self, number: u64) {
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
        let session = SessionId::of_connection(number).to_string();
        own.push(b"x-session-id", session.as_bytes());
        let list = own.list();
        self.imap_id = Some(Box::new(ImapId { own, list }));
    }

    /// Adds the fields of the client's own ID command, in place of those of an earlier one.
    pub fn identified(&mut self, fields: &Fields) {
        if let Some(id) = &mut self.imap_id {
            let mut all = id.own.clone();
            all.extend(fields);
            id.list = all.list();
        }
    }

    /// The host as it is sent to backends.
    pub fn host(&self) -> ClientHost<'_> {
        ClientHost {
            address: &self.xclient,
            name: &self.name,
            imap_id: self.imap_id.as_deref().map(|id| &*id.list),
        }
    }
}

/// Stands for the name of a client that has no verified one.
pub(in crate::session) const UNAVAILABLE: &str = "[UNAVAILABLE]";
/// Stands for the name of a client whose name could not be looked up.
pub(in crate::session) const TEMPUNAVAIL: &str = "[TEMPUNAVAIL]";
