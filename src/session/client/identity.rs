//! What is known about a client besides what it says.

use super::source::Source;
use crate::net::socket::Peer;
use crate::proto::ClientHost;

/// A client's address and name, in the forms that headers and commands want.
#[derive(Debug)]
pub(in crate::session) struct Identity {
    /// Where it comes from.
    pub source: Source,
    /// The address without its port.
    pub address: String,
    /// The address as XCLIENT has it: IPv6 behind `IPV6:`.
    pub xclient: String,
    /// The verified host name, or why there is none.
    pub host: Box<str>,
}

impl Identity {
    /// A client whose name nobody looked up.
    pub fn of(source: Source) -> Self {
        let address = source.peer.host();
        let xclient = match &source.peer {
            Peer::Inet(peer) if peer.is_ipv6() => format!("IPV6:{address}"),
            _ => address.clone(),
        };
        let host = match &source.peer {
            Peer::Inet(_) => UNAVAILABLE,
            Peer::Unix => TEMPUNAVAIL,
        };
        Identity {
            source,
            address,
            xclient,
            host: host.into(),
        }
    }

    /// What backends are told of it.
    pub fn seen(&self) -> ClientHost<'_> {
        ClientHost {
            address: &self.xclient,
            name: &self.host,
        }
    }
}

/// It has no verified name.
pub(in crate::session) const UNAVAILABLE: &str = "[UNAVAILABLE]";
/// Whether it has one could not be found out.
pub(in crate::session) const TEMPUNAVAIL: &str = "[TEMPUNAVAIL]";
