//! A client's address and host name.

use super::source::Source;
use crate::net::socket::Peer;
use crate::proto::ClientHost;

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
}

impl Identity {
    /// A client before its host name is looked up.
    pub fn new(source: Source) -> Self {
        let address = source.peer.host();
        let xclient = match &source.peer {
            Peer::Inet(peer) if peer.is_ipv6() => format!("IPV6:{address}"),
            _ => address.clone(),
        };
        let name = match &source.peer {
            Peer::Inet(_) => UNAVAILABLE,
            Peer::Unix => TEMPUNAVAIL,
        };
        Identity {
            source,
            address,
            xclient,
            name: name.into(),
        }
    }

    /// The host as it is sent to backends.
    pub fn host(&self) -> ClientHost<'_> {
        ClientHost {
            address: &self.xclient,
            name: &self.name,
        }
    }
}

/// Stands for the name of a client that has no verified one.
pub(in crate::session) const UNAVAILABLE: &str = "[UNAVAILABLE]";
/// Stands for the name of a client whose name could not be looked up.
pub(in crate::session) const TEMPUNAVAIL: &str = "[TEMPUNAVAIL]";
