//! `upstream`: a group of backends, and how one of them is chosen.

use std::sync::Arc;
use std::time::Duration;

use super::health_check::HealthCheck;
use super::variable::Template;
use crate::base::Address;

/// A group of backends that a server uses. One that is not defined by `upstream {}` has one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its name as written in `proxy_pass`, for logs.
    pub name: Box<[u8]>,
    /// The servers.
    pub group: Arc<UpstreamGroup>,
}

/// A group of backends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamGroup {
    /// Its name.
    pub name: Box<str>,
    /// Its servers, in the order written.
    pub servers: Vec<UpstreamServer>,
    /// How a server is chosen for a session.
    pub balancing: Balancing,
    /// `zone`: a name for statistics.
    pub zone: Option<Box<[u8]>>,
    /// `health_check`: whether the servers are checked, and how.
    pub health_check: Option<HealthCheck>,
}

impl UpstreamGroup {
    /// A group of one server that is not in an `upstream {}`.
    pub fn of_one(server: UpstreamServer) -> Self {
        Self {
            name: String::from_utf8_lossy(&server.name).into(),
            servers: vec![server],
            balancing: Balancing::default(),
            zone: None,
            health_check: None,
        }
    }

    /// Each address of each server.
    pub fn peers(&self) -> impl Iterator<Item = (&UpstreamServer, &Address)> {
        let servers = self.servers.iter();
        servers.flat_map(|one| one.addresses.iter().map(move |address| (one, address)))
    }

    /// The addresses of all servers.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.servers.iter().flat_map(|server| &server.addresses)
    }

    /// The group with this port in all addresses that are written without one.
    pub fn with_default_port(self: &Arc<Self>, port: u16) -> Arc<Self> {
        let lacks_port = |address: &Address| matches!(address, Address::Inet(ip) if ip.port() == 0);
        let names = || self.servers.iter().filter_map(|one| one.resolve.as_ref());
        if !self.addresses().any(lacks_port) && names().all(|name| name.port != 0) {
            return Arc::clone(self);
        }
        let mut group = Self::clone(self);
        for server in &mut group.servers {
            for address in &mut server.addresses {
                if let Address::Inet(address) = address
                    && address.port() == 0
                {
                    address.set_port(port);
                }
            }
            if let Some(name) = &mut server.resolve
                && name.port == 0
            {
                name.port = port;
            }
        }
        Arc::new(group)
    }
}

/// `server` in `upstream {}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamServer {
    /// As written: `host`, `host:port` or `unix:path`. `hash … consistent` depends on it.
    pub name: Box<[u8]>,
    /// The host alone, as written: IPv6 has its brackets; the path of a unix socket.
    pub host: Box<[u8]>,
    /// Its addresses. Each is a peer. Without a port in the configuration, the port is 0 until the protocol is known.
    pub addresses: Vec<Address>,
    /// `resolve`: the name that is looked up again when its time to live ends.
    pub resolve: Option<ResolvedName>,
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

/// A name that is looked up again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResolvedName {
    /// The host.
    pub host: Box<str>,
    /// The port of its addresses; 0 until the protocol is known.
    pub port: u16,
}

/// nginx's defaults of `max_fails` and `fail_timeout`.
const MAX_FAILS: u32 = 1;
const FAIL_TIMEOUT: Duration = Duration::from_secs(10);

impl Default for UpstreamServer {
    fn default() -> Self {
        Self {
            name: Box::default(),
            host: Box::default(),
            addresses: Vec::new(),
            resolve: None,
            weight: 1,
            max_conns: 0,
            max_fails: MAX_FAILS,
            fail_timeout: FAIL_TIMEOUT,
            slow_start: Duration::ZERO,
            backup: false,
            admission: Admission::Open,
        }
    }
}

/// Whether a server gets new sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
    /// `hash`: by this key.
    Hash(Template),
    /// `hash … consistent`: by this key, so that few keys move when the group changes (ketama).
    ConsistentHash(Template),
}

impl Balancing {
    /// The key of `hash`.
    pub fn key(&self) -> Option<&Template> {
        match self {
            Self::Hash(key) | Self::ConsistentHash(key) => Some(key),
            Self::RoundRobin | Self::LeastConn | Self::Random | Self::RandomTwo => None,
        }
    }
}
