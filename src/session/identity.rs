//! What is known about a client besides what it says.

use crate::net::socket::Peer;
use crate::proto::Seen;

/// A client's address and name, in the forms that headers and commands want.
#[derive(Debug)]
pub(super) struct Identity {
    /// The address without its port.
    pub address: String,
    /// The address as XCLIENT has it: IPv6 behind `IPV6:`.
    pub xclient: String,
    /// The verified host name, or why there is none.
    pub host: &'static str,
}

impl Identity {
    /// A client whose name nobody looked up.
    pub fn of(peer: &Peer) -> Self {
        let address = peer.host();
        let xclient = match peer {
            Peer::Inet(peer) if peer.ip().to_canonical().is_ipv6() => format!("IPV6:{address}"),
            _ => address.clone(),
        };
        let host = match peer {
            Peer::Inet(_) => "[UNAVAILABLE]",
            Peer::Unix => "[TEMPUNAVAIL]",
        };
        Identity {
            address,
            xclient,
            host,
        }
    }

    /// What backends are told of it.
    pub fn seen(&self) -> Seen<'_> {
        Seen {
            address: &self.xclient,
            host: self.host,
        }
    }
}
