//! Networks: the peers that a directive trusts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network, or all unix sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cidr {
    /// A network. The bits of `address` after the first `bits` are 0.
    Net {
        /// The first address.
        address: IpAddr,
        /// Length of the prefix: 0 to 32, or 0 to 128.
        bits: u8,
    },
    /// `unix:`
    Unix,
}

impl Cidr {
    /// The network of one address.
    pub fn host(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self::Net { address, bits }
    }

    /// Whether it contains `peer`. The peer of a unix socket has no address.
    pub fn contains(&self, peer: Option<IpAddr>) -> bool {
        match (self, peer) {
            (Self::Unix, None) => true,
            (Self::Net { address, bits }, Some(peer)) => {
                masked(peer, *bits) == *address && address.is_ipv4() == peer.is_ipv4()
            }
            _ => false,
        }
    }
}

/// The address with the bits after the first `bits` cleared.
pub fn masked(address: IpAddr, bits: u8) -> IpAddr {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits));
            Ipv4Addr::from(u32::from(address) & mask.unwrap_or(0)).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits));
            Ipv6Addr::from(u128::from(address) & mask.unwrap_or(0)).into()
        }
    }
}
