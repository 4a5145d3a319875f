//! From `listen` lines to sockets, and from one set of sockets to the next. Pure.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Address, Server};

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
