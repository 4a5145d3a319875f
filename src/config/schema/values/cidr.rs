//! Networks: whom a directive trusts.

use std::net::IpAddr;

use super::url::{ipv4, ipv6};
use super::{Call, Lines, Refusal, Value, digits, sentence};

/// A network, or all unix sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cidr {
    /// An address whose bits past the first `bits` are 0.
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
    /// Whether `peer` is in it. A unix peer has no address.
    #[must_use]
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

/// `set_real_ip_from`: address, network, `unix:` or host name; lines add up.
#[derive(Debug)]
pub struct Cidrs;

impl Value for Cidrs {
    type Plain = Vec<Cidr>;
    const SYNTAX: &'static str = "address | CIDR | unix:";
    const ABOUT: &'static str = "The value is an address, a network such as `192.0.2.0/24` or `2001:db8::/32`, a host name, or `unix:` for all UNIX-domain sockets.";
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<Vec<Cidr>>) -> Result<Vec<Cidr>, Refusal> {
        let mut cidrs = before.unwrap_or_default();
        let word = match call.first() {
            b"" if call.args.is_empty() => return Ok(cidrs),
            b"unix:" => {
                cidrs.push(Cidr::Unix);
                return Ok(cidrs);
            }
            word => word,
        };
        match parse_cidr(word) {
            Some((cidr, clean)) => {
                if !clean {
                    call.warn(sentence(&[
                        b"low address bits of ",
                        word,
                        b" are meaningless",
                    ]));
                }
                cidrs.push(cidr);
            }
            None => {
                let found = std::str::from_utf8(word)
                    .map(|host| call.world.lookup(host))
                    .unwrap_or_default();
                if found.is_empty() {
                    let name = call.name.as_bytes();
                    return Err(Refusal::Says(sentence(&[
                        b"host not found in ",
                        name,
                        b" \"",
                        word,
                        b"\"",
                    ])));
                }
                cidrs.extend(found.into_iter().map(whole));
            }
        }
        Ok(cidrs)
    }
}

fn whole(address: IpAddr) -> Cidr {
    Cidr::Net {
        address,
        bits: if address.is_ipv4() { 32 } else { 128 },
    }
}

/// A network (`ngx_ptocidr`) and whether its low bits were 0 as written.
#[must_use]
pub fn parse_cidr(text: &[u8]) -> Option<(Cidr, bool)> {
    let mut halves = text.splitn(2, |byte| *byte == b'/');
    let address = halves.next()?;
    let address = ipv4(address)
        .map(IpAddr::from)
        .or_else(|| ipv6(address).map(IpAddr::from))?;
    let Some(mask) = halves.next() else {
        return Some((whole(address), true));
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = digits(mask)
        .and_then(|bits| u8::try_from(bits).ok())
        .filter(|bits| *bits <= most)?;
    let net = masked(address, bits);
    Some((Cidr::Net { address: net, bits }, net == address))
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(32_u32.saturating_sub(bits))
                .unwrap_or(0);
            std::net::Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(128_u32.saturating_sub(bits))
                .unwrap_or(0);
            std::net::Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

/// `debug_connection`: accepted with the warning of an nginx that was built without debugging; lines add up.
#[derive(Debug)]
pub struct DebugConnection;

impl Value for DebugConnection {
    type Plain = usize;
    const SYNTAX: &'static str = "address | CIDR | unix:";
    const ABOUT: &'static str =
        "The value is an address, a network, or `unix:` for all UNIX-domain sockets.";
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<usize>) -> Result<usize, Refusal> {
        if call.args.is_empty() {
            return Ok(0);
        }
        call.warn(
            "\"debug_connection\" is ignored, you need to rebuild nginx using --with-debug option to enable it",
        );
        Ok(before.unwrap_or_default() + 1)
    }
}
