//! `listen`: addresses and the options of their sockets.

use crate::base::Address;
use crate::config::syntax::Span;

/// One `listen` line.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Its addresses: several for a host with several, or a range of ports.
    pub addresses: Vec<Address>,
    /// `ssl`
    pub ssl: bool,
    /// `proxy_protocol`
    pub proxy_protocol: bool,
    /// Whether it gets a socket of its own even beside a wildcard: `bind`, or any socket option.
    pub bind: bool,
    /// The options of the socket.
    pub options: SocketOptions,
    /// Where it is written.
    pub span: Span,
}

/// How a listening socket is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// Longest queue of connections waiting to be accepted.
    pub backlog: i32,
    /// `SO_RCVBUF`, in bytes.
    pub rcvbuf: Option<usize>,
    /// `SO_SNDBUF`, in bytes.
    pub sndbuf: Option<usize>,
    /// Whether an IPv6 socket rejects IPv4 connections.
    pub ipv6only: bool,
    /// Whether the socket speaks Multipath TCP.
    pub multipath: bool,
    /// TCP keepalive; `None` leaves it to the system.
    pub so_keepalive: Option<KeepAlive>,
    /// The permissions of a Unix socket; `None` opens it to every user, as nginx does.
    pub mode: Option<u32>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            backlog: 511,
            rcvbuf: None,
            sndbuf: None,
            ipv6only: true,
            multipath: false,
            so_keepalive: None,
            mode: None,
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
