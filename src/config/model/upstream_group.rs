//! `upstream`: a group of backends, and how one of them is chosen.

use std::time::Duration;

use crate::base::Address;

/// A group of backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamGroup {
    /// Its name.
    pub name: Box<str>,
    /// Its servers, in the order written.
    pub servers: Vec<UpstreamServer>,
    /// How a server is chosen for a session.
    pub balancing: Balancing,
}

/// `server` in `upstream {}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamServer {
    /// As written: `host`, `host:port` or `unix:path`. `hash … consistent` depends on it.
    pub name: Box<[u8]>,
    /// The host alone, as written: IPv6 has its brackets; the path of a unix socket.
    pub host: Box<[u8]>,
    /// Its addresses. Each is a peer. Without a port in the configuration, the port is 0 until the protocol is known.
    pub addresses: Vec<Address>,
    /// `resolve`: the name that is looked up again when its time to live ends.
    pub resolve: Option<Box<str>>,
    /// `weight`, at least 1.
    pub weight: u32,
    /// `max_conns`; 0: no limit.
    pub max_conns: u32,
    /// `max_fails`; 0: failures are not counted.
    pub max_fails: u32,
    /// `fail_timeout`: the time in which failures are counted, and in which the peer then gets no sessions.
    pub fail_timeout: Duration,
    /// `slow_start`: the time in which a peer that is back reaches its share; zero: at once.
    pub slow_start: Duration,
    /// `backup`: used when no other server is available.
    pub backup: bool,
    /// `down`, `drain`
    pub admission: Admission,
}

/// Whether a server gets new sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// It does.
    #[default]
    Open,
    /// `drain`: it does not; its sessions go on.
    Drain,
    /// `down`: it is out of service.
    Down,
}

/// How a server is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balancing {
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// `least_conn`: the one with the fewest sessions in relation to its weight.
    LeastConn,
    /// `random`: by chance.
    Random,
    /// `random two`: of two chosen by chance, the one with fewer sessions.
    RandomTwo,
    /// `hash`: by a key.
    Hash,
    /// `hash … consistent`: by a key, so that few keys move when the group changes (ketama).
    ConsistentHash,
}
