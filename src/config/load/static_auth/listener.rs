//! The servers of `http {}` that listen on the address of an auth server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::lines::HttpLine;
use crate::base::Address;
use crate::config::model::{AuthUrl, Names};
use crate::config::schema::values::url::{Rules, parse};

/// The port of a `listen` without one.
const PORT: u16 = 80;

/// The servers that share an address.
#[derive(Debug)]
pub struct Listeners<'a> {
    /// The address that the request goes to.
    pub address: Address,
    /// The servers, in the order written.
    pub servers: Vec<&'a HttpLine>,
    /// The one for names that no server has.
    pub default: &'a HttpLine,
    /// Whether they speak TLS.
    pub tls: bool,
    /// Whether they expect a PROXY header.
    pub proxy_protocol: bool,
}

/// One `listen`.
struct Listen<'a> {
    server: &'a HttpLine,
    /// Its parameters.
    words: &'a [Box<[u8]>],
    address: Address,
}

impl Listen<'_> {
    fn has(&self, word: &[u8]) -> bool {
        self.words.iter().any(|own| **own == *word)
    }

    /// Whether it takes connections to any address like this one.
    fn is_wildcard_for(&self, target: SocketAddr) -> bool {
        let Address::Inet(own) = self.address else {
            return false;
        };
        let is_for_all = match (own.ip(), target.ip()) {
            (IpAddr::V4(own), IpAddr::V4(_)) => own.is_unspecified(),
            (IpAddr::V6(own), IpAddr::V6(_)) => own.is_unspecified(),
            (IpAddr::V6(own), IpAddr::V4(_)) => own.is_unspecified() && self.has(b"ipv6only=off"),
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        };
        is_for_all && own.port() == target.port()
    }
}

/// The servers that a request to the auth server reaches; `None` where none of the file does.
pub fn listeners<'a>(
    http: &'a [HttpLine],
    url: &AuthUrl,
    names: &dyn Names,
) -> Option<Listeners<'a>> {
    let port = match url.addresses.first()? {
        Address::Inet(inet) => Some(inet.port()),
        Address::Unix(_) => None,
    };
    let all = listens(http, port, names);
    let targets = url.addresses.iter().map(connected);
    let (address, reached) = targets
        .map(|address| {
            let reached = reached(&all, &address, names);
            (address, reached)
        })
        .find(|(_, reached)| !reached.is_empty())?;
    let is_default =
        |listen: &&&Listen<'_>| listen.has(b"default_server") || listen.has(b"default");
    let default = reached.iter().find(is_default).or(reached.first())?.server;
    Some(Listeners {
        address,
        default,
        tls: reached.iter().any(|listen| listen.has(b"ssl")),
        proxy_protocol: reached.iter().any(|listen| listen.has(b"proxy_protocol")),
        servers: reached.into_iter().map(|listen| listen.server).collect(),
    })
}

/// The `listen` lines with this port, or those of unix sockets. Names of other ports are not looked up.
fn listens<'a>(http: &'a [HttpLine], port: Option<u16>, names: &dyn Names) -> Vec<Listen<'a>> {
    let mut found = Vec::new();
    for server in http.iter().filter(|line| line.name() == b"server") {
        let own = server.block.iter().filter(|line| line.name() == b"listen");
        let mut lines: Vec<&[Box<[u8]>]> = own.map(HttpLine::args).collect();
        if lines.is_empty() {
            lines.push(&[]);
        }
        for words in lines {
            let text = words.first().map_or(&b"80"[..], |word| word);
            if !may_have_port(text, port) {
                continue;
            }
            let rules = Rules {
                listen: true,
                uri: false,
                port: PORT,
            };
            // nginx refuses what cannot be read.
            let addresses = parse(names, text, rules).map(|url| url.addresses);
            for address in addresses.unwrap_or_default() {
                found.push(Listen {
                    server,
                    words,
                    address,
                });
            }
        }
    }
    found
}

/// Whether a `listen` may have this port, or `None`, be a unix socket.
fn may_have_port(text: &[u8], port: Option<u16>) -> bool {
    let is_unix = text.len() >= 5 && text[..5].eq_ignore_ascii_case(b"unix:");
    let Some(port) = port else {
        return is_unix;
    };
    let last = text.rsplit(|byte| matches!(byte, b':' | b']')).next();
    let last = last.unwrap_or_default();
    let is_range = last.contains(&b'-');
    let number = std::str::from_utf8(last)
        .ok()
        .and_then(|last| last.parse().ok());
    !is_unix && (is_range || number.unwrap_or(PORT) == port)
}

/// The address that a connection to `address` has at its other end.
fn connected(address: &Address) -> Address {
    match address {
        Address::Inet(inet) if inet.ip().is_unspecified() => {
            let ip: IpAddr = match inet {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            Address::Inet(SocketAddr::new(ip, inet.port()))
        }
        other => other.clone(),
    }
}

/// The lines that take connections to an address: those with the address itself, else those for all addresses.
fn reached<'l, 'a>(
    all: &'l [Listen<'a>],
    address: &Address,
    names: &dyn Names,
) -> Vec<&'l Listen<'a>> {
    let own: Vec<_> = all.iter().filter(|one| one.address == *address).collect();
    match address {
        Address::Inet(inet) if own.is_empty() => {
            let wildcards = all.iter().filter(|one| one.is_wildcard_for(*inet));
            let wildcards: Vec<_> = wildcards.collect();
            match !wildcards.is_empty() && names.has_address(inet.ip()) {
                true => wildcards,
                false => Vec::new(),
            }
        }
        Address::Inet(_) | Address::Unix(_) => own,
    }
}
