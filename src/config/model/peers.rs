//! The other servers that the gateway talks to: auth servers, mail servers, name servers.

use std::time::Duration;

use crate::base::Address;

/// `auth_http`: an authentication server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthUrl {
    /// Its addresses, never empty.
    pub addresses: Vec<Address>,
    /// The value of `Host:`: the host without port, IPv6 in brackets, `localhost` for a unix socket.
    pub host: Box<[u8]>,
    /// The requested URI; `/` unless given.
    pub uri: Box<[u8]>,
    /// The name and the port that the addresses come from: the name is looked up again. `None` where an address is written.
    pub name: Option<(Box<str>, u16)>,
    /// Whether it is `https://`.
    pub tls: bool,
}

/// `resolver`: name servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resolver {
    /// `off`
    #[default]
    Off,
    /// Queried in turn.
    Servers {
        /// Their addresses; port 53 unless given.
        addresses: Vec<Address>,
        /// `valid=`: how long answers hold, instead of their own time to live.
        valid: Option<Duration>,
        /// Whether A records are requested.
        ipv4: bool,
        /// Whether AAAA records are requested.
        ipv6: bool,
    },
}

/// Removes the brackets around an IPv6 address, as URLs have them.
pub fn unbracketed(host: &[u8]) -> &[u8] {
    let inside = host
        .strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"));
    inside.unwrap_or(host)
}
