//! Hosts, ports and paths as nginx reads them (`ngx_parse_url`): one reader for listen, auth_http, resolver and the rest.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::digits;
use crate::base::Address;
use crate::config::model::world::World;

/// What a directive allows in its URL.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// It names places to listen on: a port alone, `*` and port ranges.
    pub listen: bool,
    /// A path may follow the host.
    pub uri: bool,
    /// The port when none is written.
    pub port: u16,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Every address, for every port of a range.
    pub addresses: Vec<Address>,
    /// The host as written; IPv6 keeps its brackets; the path of a unix socket.
    pub host: Box<[u8]>,
    /// What follows the host, from its `/` or `?` on; empty without one.
    pub uri: Box<[u8]>,
    /// The host is a name that was looked up.
    pub named: bool,
}

/// Why a URL is refused: the words before ` in "…"`.
pub type Reason = &'static str;

/// Longest path of a unix socket: `sun_path` less its NUL.
const LONGEST_PATH: usize = 107;

/// Reads a URL; host names are looked up at once.
///
/// # Errors
/// nginx's reason.
pub fn parse(world: &dyn World, text: &[u8], rules: Rules) -> Result<Url, Reason> {
    match text {
        _ if text.len() >= 5 && text[..5].eq_ignore_ascii_case(b"unix:") => unix(&text[5..], rules),
        [b'[', rest @ ..] => inet6(rest, rules),
        _ => inet(world, text, rules),
    }
}

fn unix(path: &[u8], rules: Rules) -> Result<Url, Reason> {
    let (path, uri) = match position(path, b':') {
        Some(colon) if rules.uri => (&path[..colon], &path[colon + 1..]),
        _ => (path, &b""[..]),
    };
    if path.is_empty() {
        return Err("no path in the unix domain socket");
    }
    if path.len() > LONGEST_PATH {
        return Err("too long path in the unix domain socket");
    }
    let address = Address::Unix(PathBuf::from(OsStr::from_bytes(path)));
    Ok(Url {
        addresses: vec![address],
        host: path.into(),
        uri: uri.into(),
        named: false,
    })
}

fn inet(world: &dyn World, text: &[u8], rules: Rules) -> Result<Url, Reason> {
    let uri = uri_start(text);
    let mut colon = position(text, b':');
    let mut last = text.len();
    if let Some(start) = uri {
        if rules.listen || !rules.uri {
            return Err("invalid host");
        }
        last = start;
        colon = colon.filter(|colon| *colon < start);
    }
    let whole = &text[..last];
    let (host, ports) = match colon {
        Some(colon) => (&whole[..colon], ports(&whole[colon + 1..], rules)?),
        None => match (uri, port_only(whole, rules)?) {
            (None, Some(ports)) => return Ok(url([Ipv4Addr::UNSPECIFIED.into()], ports, b"", b"")),
            _ => (whole, (rules.port, rules.port)),
        },
    };
    if host.is_empty() {
        return Err("no host");
    }
    let uri = &text[last..];
    if rules.listen && host == b"*" {
        return Ok(url([Ipv4Addr::UNSPECIFIED.into()], ports, host, uri));
    }
    if let Some(address) = ipv4(host) {
        return Ok(url([address.into()], ports, host, uri));
    }
    let found = std::str::from_utf8(host)
        .map(|host| world.lookup(host))
        .unwrap_or_default();
    if found.is_empty() {
        return Err("host not found");
    }
    Ok(Url {
        named: true,
        ..url(found, ports, host, uri)
    })
}

fn inet6(text: &[u8], rules: Rules) -> Result<Url, Reason> {
    let close = position(text, b']').ok_or("invalid host")?;
    let (host, rest) = (&text[..close], &text[close + 1..]);
    // Behind an IPv6 literal nginx knows no URI that begins with `?`.
    let last = position(rest, b'/').unwrap_or(rest.len());
    if last < rest.len() && (rules.listen || !rules.uri) {
        return Err("invalid host");
    }
    let ports = match &rest[..last] {
        [] => (rules.port, rules.port),
        [b':', port @ ..] => ports(port, rules)?,
        _ => return Err("invalid host"),
    };
    if host.is_empty() {
        return Err("no host");
    }
    let address = ipv6(host).ok_or("invalid IPv6 address")?;
    let written = [b"[", host, b"]"].concat();
    Ok(url([address.into()], ports, &written, &rest[last..]))
}

fn url(
    hosts: impl IntoIterator<Item = IpAddr>,
    (first, last): (u16, u16),
    host: &[u8],
    uri: &[u8],
) -> Url {
    let addresses = hosts
        .into_iter()
        .flat_map(|ip| (first..=last).map(move |port| Address::Inet(SocketAddr::new(ip, port))))
        .collect();
    Url {
        addresses,
        host: host.into(),
        uri: uri.into(),
        named: false,
    }
}

fn uri_start(text: &[u8]) -> Option<usize> {
    text.iter().position(|byte| matches!(byte, b'/' | b'?'))
}

fn position(text: &[u8], wanted: u8) -> Option<usize> {
    text.iter().position(|byte| *byte == wanted)
}

/// What stands behind the colon: a port, or a range where one listens.
fn ports(text: &[u8], rules: Rules) -> Result<(u16, u16), Reason> {
    match position(text, b'-') {
        Some(dash) if rules.listen => {
            let last = port(digits(&text[dash + 1..]))?;
            let first = port(digits(&text[..dash]))?;
            if first > last {
                Err("invalid port range")
            } else {
                Ok((first, last))
            }
        }
        _ => port(digits(text)).map(|port| (port, port)),
    }
}

/// Without a colon a number is a port, where one listens.
fn port_only(text: &[u8], rules: Rules) -> Result<Option<(u16, u16)>, Reason> {
    if !rules.listen {
        return Ok(None);
    }
    let (number, last) = match position(text, b'-') {
        Some(dash) => match digits(&text[dash + 1..]) {
            Some(last) => (digits(&text[..dash]), Some(port(Some(last))?)),
            None => return Ok(None),
        },
        None => (digits(text), None),
    };
    let Some(number) = number else {
        return Ok(None);
    };
    let first = port(Some(number))?;
    match last {
        Some(last) if first > last => Err("invalid port range"),
        last => Ok(Some((first, last.unwrap_or(first)))),
    }
}

fn port(number: Option<i64>) -> Result<u16, Reason> {
    number
        .and_then(|number| u16::try_from(number).ok())
        .filter(|port| *port > 0)
        .ok_or("invalid port")
}

/// Four numbers with dots (`ngx_inet_addr`). An empty number is 0; 255.255.255.255 is none.
#[must_use]
pub fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut address, mut octet, mut dots) = (0_u32, 0_u32, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                octet = octet * 10 + u32::from(byte - b'0');
                if octet > 255 {
                    return None;
                }
            }
            b'.' => {
                address = (address << 8) + octet;
                octet = 0;
                dots += 1;
                if dots > 3 {
                    return None;
                }
            }
            _ => return None,
        }
    }
    let address = (address << 8).checked_add(octet)?;
    (dots == 3 && address != u32::MAX).then(|| Ipv4Addr::from(address))
}

/// An IPv6 address (`ngx_inet6_addr`). nginx takes a few more spellings than RFC 4291 has; they are taken here too.
#[must_use]
pub fn ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    let text = match text {
        [] => return None,
        [b':', rest @ ..] => rest,
        text => text,
    };
    let mut words: Vec<u16> = Vec::with_capacity(8);
    let mut gap = None;
    let (mut word, mut nibbles, mut start) = (0_u32, 0, None);
    let mut tail: Option<u16> = None;
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b':' if nibbles > 0 => {
                start = Some(index + 1);
                words.push(u16::try_from(word).ok()?);
                if words.len() == 8 {
                    return None;
                }
                (nibbles, word) = (0, 0);
            }
            b':' if gap.is_none() => {
                start = Some(index + 1);
                gap = Some(words.len());
            }
            b':' => return None,
            b'.' if nibbles > 0 => {
                if words.len() > 6 {
                    return None;
                }
                let address = u32::from(ipv4(&text[start?..])?);
                words.push(u16::try_from(address >> 16).ok()?);
                tail = u16::try_from(address & 0xffff).ok();
                break;
            }
            _ => {
                nibbles += 1;
                if nibbles > 4 {
                    return None;
                }
                word = word * 16 + char::from(*byte).to_digit(16)?;
            }
        }
    }
    if nibbles == 0 && gap.is_none() {
        return None;
    }
    words.push(match tail {
        Some(tail) => tail,
        None => u16::try_from(word).ok()?,
    });
    match (words.len(), gap) {
        (8, None) => {}
        (count, Some(at)) if count < 8 => {
            for _ in count..8 {
                words.insert(at, 0);
            }
        }
        _ => return None,
    }
    <[u16; 8]>::try_from(words).ok().map(Ipv6Addr::from)
}
