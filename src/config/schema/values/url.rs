//! Hosts, ports and paths as nginx reads them (`ngx_parse_url`), for every directive that has an address.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::ip::{ipv4, ipv6};
use crate::base::Address;
use crate::config::model::Names;
use crate::config::syntax::digits;

/// The forms of an address that a directive allows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// A port alone, `*` and port ranges, as in `listen`.
    pub listen: bool,
    /// A path may follow the host.
    pub uri: bool,
    /// The port when none is written.
    pub port: u16,
}

/// An address with its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Every address, for every port of a range.
    pub addresses: Vec<Address>,
    /// The host as written; IPv6 keeps its brackets; the path of a unix socket.
    pub host: Box<[u8]>,
    /// The rest after the host, from its `/` or `?`; empty without one.
    pub uri: Box<[u8]>,
    /// Whether the host is a name that was looked up.
    pub named: bool,
}

/// Why an address is refused: the words before ` in "…"`.
pub type Reason = &'static str;

/// The reason for a name without an address.
pub const NOT_FOUND: Reason = "host not found";

/// Longest path of a unix socket: `sun_path` without its NUL.
const LONGEST_PATH: usize = 107;

/// Reads an address; host names are looked up at once.
///
/// # Errors
/// nginx's reason.
pub fn parse(names: &dyn Names, text: &[u8], rules: Rules) -> Result<Url, Reason> {
    parse_with(&|host| names.lookup(host), text, rules)
}

/// Finds the addresses of a host name.
type Lookup<'l> = &'l dyn Fn(&str) -> Vec<IpAddr>;

/// Reads an address like [`parse`].
///
/// # Errors
/// nginx's reason.
pub fn parse_with(lookup: Lookup<'_>, text: &[u8], rules: Rules) -> Result<Url, Reason> {
    match text {
        _ if text.len() >= 5 && text[..5].eq_ignore_ascii_case(b"unix:") => unix(&text[5..], rules),
        [b'[', rest @ ..] => inet6(rest, rules),
        _ => inet(lookup, text, rules),
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

fn inet(lookup: Lookup<'_>, text: &[u8], rules: Rules) -> Result<Url, Reason> {
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
    let found = std::str::from_utf8(host).map(lookup).unwrap_or_default();
    if found.is_empty() {
        return Err(NOT_FOUND);
    }
    Ok(Url {
        named: true,
        ..url(found, ports, host, uri)
    })
}

fn inet6(text: &[u8], rules: Rules) -> Result<Url, Reason> {
    let close = position(text, b']').ok_or("invalid host")?;
    let (host, rest) = (&text[..close], &text[close + 1..]);
    // After an IPv6 address nginx accepts no URI that begins with `?`.
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

/// Reads what follows the colon: a port, or in `listen` a range.
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

/// Reads an address without a colon, which in `listen` may be a port.
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
