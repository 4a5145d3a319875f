//! The PROXY protocol, versions 1 and 2 (haproxy.org, doc/proxy-protocol.txt): a proxy in front of the gateway sends the
//! client's address, and the gateway sends it to the backend.

mod read;
mod tlvs;
mod write;

use std::net::{IpAddr, SocketAddr};

pub use read::{Fault, LIMIT, ReceivedHeader, parse};
pub use tlvs::{Certificate, OmittedTlv, Tls, Tlvs};
pub use write::{SentHeader, v1, v2};

/// Both ends of a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The client.
    pub source: SocketAddr,
    /// The address that the client connected to.
    pub destination: SocketAddr,
}

impl Addresses {
    /// The client with the first destination of its family, since a header has addresses of one family. If there is none, the
    /// IPv4 side is written as an IPv6 address.
    #[must_use]
    pub fn of(source: SocketAddr, destinations: &[SocketAddr]) -> Option<Self> {
        let own = |to: &&SocketAddr| to.is_ipv4() == source.is_ipv4();
        if let Some(destination) = destinations.iter().find(own) {
            return Some(Self {
                source,
                destination: *destination,
            });
        }
        destinations.first().map(|destination| Self {
            source: mapped(source),
            destination: mapped(*destination),
        })
    }
}

impl Addresses {
    /// Both ends as nginx writes them in version 2: in IPv6 if one of them is, but in IPv4 if both are IPv4 addresses inside IPv6.
    #[must_use]
    pub fn of_one_family(source: SocketAddr, destination: SocketAddr) -> Self {
        let both = |to: fn(SocketAddr) -> SocketAddr| Self {
            source: to(source),
            destination: to(destination),
        };
        let plain = both(|address| SocketAddr::new(address.ip().to_canonical(), address.port()));
        let same_family = source.is_ipv4() == destination.is_ipv4();
        if same_family && plain.source.is_ipv4() && plain.destination.is_ipv4() {
            plain
        } else {
            both(mapped)
        }
    }
}

fn mapped(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    SocketAddr::new(ip.into(), address.port())
}
