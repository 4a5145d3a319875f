//! From `listen` lines to sockets, and from one set of sockets to the next. Pure.

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::Address;
use crate::config::Server;

/// How a listening socket is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// Longest queue of connections that wait to be accepted.
    pub backlog: i32,
    /// `SO_RCVBUF`, in bytes.
    pub rcvbuf: Option<usize>,
    /// `SO_SNDBUF`, in bytes.
    pub sndbuf: Option<usize>,
    /// Whether an IPv6 socket takes no IPv4 connections.
    pub ipv6only: bool,
    /// TCP keepalive; `None` leaves it to the system.
    pub so_keepalive: Option<KeepAlive>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            backlog: 511,
            rcvbuf: None,
            sndbuf: None,
            ipv6only: true,
            so_keepalive: None,
        }
    }
}

/// `so_keepalive`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// Switched off.
    Off,
    /// Switched on; 0 leaves a figure to the system.
    On {
        /// `TCP_KEEPIDLE`, in seconds.
        idle: u32,
        /// `TCP_KEEPINTVL`, in seconds.
        interval: u32,
        /// `TCP_KEEPCNT`
        count: u32,
    },
}

/// One socket to bind and listen on.
#[derive(Clone, Debug)]
pub struct Socket {
    /// Where.
    pub address: Address,
    /// How.
    pub options: SocketOptions,
    /// Who answers; never empty.
    pub routes: Vec<Route>,
}

/// Which server answers on a socket.
#[derive(Clone, Debug)]
pub struct Route {
    /// The local address it answers for; `None` for all that no other route has.
    pub local: Option<IpAddr>,
    /// The server.
    pub server: Arc<Server>,
    /// Whether TLS begins at once.
    pub ssl: bool,
    /// Whether a PROXY header comes first.
    pub proxy_protocol: bool,
    /// The listen address as logs give it, such as `0.0.0.0:25`.
    pub name: Box<str>,
}

impl Socket {
    /// Who answers a connection to `local`.
    #[must_use]
    pub fn route(&self, local: Option<IpAddr>) -> &Route {
        let own = self
            .routes
            .iter()
            .find(|route| route.local.is_some() && route.local == local);
        own.or_else(|| self.routes.iter().find(|route| route.local.is_none()))
            .unwrap_or(&self.routes[0])
    }
}

/// What a reload changes, by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Sockets that stay open.
    pub kept: Vec<Address>,
    /// Sockets to open.
    pub added: Vec<Address>,
    /// Sockets to close.
    pub removed: Vec<Address>,
}

/// Compares two plans.
#[must_use]
pub fn diff(old: &[Socket], new: &[Socket]) -> Diff {
    use std::collections::HashSet;
    let before: HashSet<&Address> = old.iter().map(|socket| &socket.address).collect();
    let after: HashSet<&Address> = new.iter().map(|socket| &socket.address).collect();
    let (kept, added) = new
        .iter()
        .map(|socket| socket.address.clone())
        .partition(|address| before.contains(address));
    let removed = old
        .iter()
        .map(|socket| socket.address.clone())
        .filter(|address| !after.contains(address))
        .collect();
    Diff {
        kept,
        added,
        removed,
    }
}

/// The sockets of these servers. If `*:port` is listened on, only that socket is bound, and other addresses of the port are told
/// apart by the local address, unless they have an option that needs a socket of its own.
#[must_use]
pub fn sockets(servers: &[Arc<Server>]) -> Vec<Socket> {
    let mut groups: Vec<Vec<Span>> = Vec::new();
    let mut by_port = std::collections::HashMap::new();
    for server in servers {
        for listen in &server.mail.listen {
            for address in &listen.addresses {
                let span = Span {
                    address: address.clone(),
                    listen,
                    server,
                };
                let index = *by_port.entry(group_key(address)).or_insert(groups.len());
                match groups.get_mut(index) {
                    Some(group) => group.push(span),
                    None => groups.push(vec![span]),
                }
            }
        }
    }
    groups.into_iter().flat_map(bind).collect()
}

/// An address and what is written about it.
struct Span<'a> {
    address: Address,
    listen: &'a crate::config::schema::values::listen::Listen,
    server: &'a Arc<Server>,
}

/// Addresses that a wildcard can stand for: same port, same family.
fn group_key(address: &Address) -> (u8, u16) {
    match address {
        Address::Inet(inet) if inet.is_ipv4() => (4, inet.port()),
        Address::Inet(inet) => (6, inet.port()),
        Address::Unix(_) => (0, 0),
    }
}

fn bind(mut group: Vec<Span<'_>>) -> Vec<Socket> {
    group.sort_by_key(|span| (span.address.is_wildcard(), !span.listen.bind));
    let wildcard = group.pop_if(|span| span.address.is_wildcard());
    let (own, shared): (Vec<_>, Vec<_>) = group
        .into_iter()
        .partition(|span| wildcard.is_none() || span.listen.bind);
    let mut sockets: Vec<Socket> = own.iter().map(|span| socket(span, Vec::new())).collect();
    sockets.extend(
        wildcard
            .iter()
            .map(|span| socket(span, shared.iter().map(|span| route(span, true)).collect())),
    );
    sockets
}

fn socket(span: &Span<'_>, mut routes: Vec<Route>) -> Socket {
    routes.push(route(span, false));
    Socket {
        address: span.address.clone(),
        options: span.listen.options,
        routes,
    }
}

fn route(span: &Span<'_>, by_local: bool) -> Route {
    let local = match &span.address {
        Address::Inet(inet) if by_local => Some(inet.ip()),
        _ => None,
    };
    Route {
        local,
        server: Arc::clone(span.server),
        ssl: span.listen.ssl || span.server.ssl.ssl,
        proxy_protocol: span.listen.proxy_protocol,
        name: span.address.to_string().into(),
    }
}
