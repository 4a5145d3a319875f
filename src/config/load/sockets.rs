//! From `listen` lines to the sockets to bind, and from one set of sockets to the next.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::server::Server;
use crate::base::Address;
use crate::config::model::{Listen, SocketOptions, TlsMaterial, TlsMode};

/// The TLS mode of a `listen` address: when TLS begins, and the material for it.
pub type ListenTls = TlsMode<Arc<TlsMaterial>>;

/// One socket to bind and listen on.
#[derive(Clone, Debug)]
pub struct Socket {
    /// Its address.
    pub address: Address,
    /// Its options.
    pub options: SocketOptions,
    /// The servers that answer on it; none on a socket of `status`.
    pub routes: Vec<Route>,
}

/// Identifies a server of one configuration: its index in the order written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerId(usize);

/// A server that answers on a socket.
#[derive(Clone, Debug)]
pub struct Route {
    /// The local address it answers for; `None` for all addresses without a route of their own.
    pub local: Option<IpAddr>,
    /// The server.
    pub server: Arc<Server>,
    /// Identifies it.
    pub id: ServerId,
    /// When TLS begins.
    pub tls: ListenTls,
    /// Whether a PROXY header comes first.
    pub proxy_protocol: bool,
    /// The listen address as logs give it, such as `0.0.0.0:25`.
    pub name: Box<str>,
}

impl Socket {
    /// Whether it is one of `status`.
    pub fn is_of_status(&self) -> bool {
        self.routes.is_empty()
    }

    /// The index of the route for a connection to `local`.
    pub fn route(&self, local: Option<IpAddr>) -> usize {
        let find = |local| self.routes.iter().position(|route| route.local == local);
        let own = local.and_then(|local| find(Some(local)));
        own.or_else(|| find(None)).unwrap_or_default()
    }
}

/// The sockets of these servers, each of which has a TLS mode for each of its `listen` lines.
pub fn sockets(servers: &[(Arc<Server>, Vec<ListenTls>)]) -> Vec<Socket> {
    let listens = servers
        .iter()
        .enumerate()
        .flat_map(|(id, (server, modes))| {
            let listens = server.mail.listen.iter().zip(modes);
            listens.map(move |(listen, tls)| (listen, (server, ServerId(id), tls)))
        });
    grouped(listens).into_iter().map(socket).collect()
}

/// A `listen` address and the owner of its line.
#[derive(Clone, Copy, Debug)]
struct Claim<'a, S> {
    address: &'a Address,
    listen: &'a Listen,
    owner: S,
}

/// The addresses that one socket serves.
#[derive(Debug)]
pub struct Group<'a, S> {
    /// The address it is bound to.
    own: Claim<'a, S>,
    /// Further addresses. The local address of a connection selects one.
    shared: Vec<Claim<'a, S>>,
}

/// Groups the addresses of `listen` lines by socket. If `*:port` is listened on, its socket serves the other addresses of the port
/// too, unless they have an option that needs a socket of its own.
pub fn grouped<'a, S: Copy>(listens: impl Iterator<Item = (&'a Listen, S)>) -> Vec<Group<'a, S>> {
    let mut ports: Vec<Vec<Claim<'a, S>>> = Vec::new();
    let mut by_port = HashMap::new();
    for (listen, owner) in listens {
        for address in &listen.addresses {
            let claim = Claim {
                address,
                listen,
                owner,
            };
            let index = *by_port.entry(port_of(address)).or_insert(ports.len());
            match ports.get_mut(index) {
                Some(port) => port.push(claim),
                None => ports.push(vec![claim]),
            }
        }
    }
    ports.into_iter().flat_map(groups).collect()
}

/// The family and the port of an address: one wildcard can stand for all addresses that have both.
fn port_of(address: &Address) -> (u8, u16) {
    match address {
        Address::Inet(inet) if inet.is_ipv4() => (4, inet.port()),
        Address::Inet(inet) => (6, inet.port()),
        Address::Unix(_) => (0, 0),
    }
}

/// The sockets of one port.
fn groups<S>(mut port: Vec<Claim<'_, S>>) -> Vec<Group<'_, S>> {
    port.sort_by_key(|claim| (claim.address.is_wildcard(), !claim.listen.bind));
    let wildcard = port.pop_if(|claim| claim.address.is_wildcard());
    let (own, shared): (Vec<_>, Vec<_>) = port
        .into_iter()
        .partition(|claim| wildcard.is_none() || claim.listen.bind);
    let alone = |own| Group {
        own,
        shared: Vec::new(),
    };
    let wildcard = wildcard.map(|own| Group { own, shared });
    own.into_iter().map(alone).chain(wildcard).collect()
}

type Owner<'a> = (&'a Arc<Server>, ServerId, &'a ListenTls);

fn socket(group: Group<'_, Owner<'_>>) -> Socket {
    let shared = group.shared.iter().map(|claim| Route {
        local: match claim.address {
            Address::Inet(inet) => Some(inet.ip()),
            Address::Unix(_) => None,
        },
        ..route(claim)
    });
    Socket {
        address: group.own.address.clone(),
        options: group.own.listen.options,
        routes: shared.chain([route(&group.own)]).collect(),
    }
}

fn route(claim: &Claim<'_, Owner<'_>>) -> Route {
    let (server, id, tls) = claim.owner;
    Route {
        local: None,
        server: Arc::clone(server),
        id,
        tls: tls.clone(),
        proxy_protocol: claim.listen.proxy_protocol,
        name: claim.address.to_string().into(),
    }
}

/// The changes that a reload makes to the sockets, by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Sockets that stay open.
    pub kept: Vec<Address>,
    /// Sockets to open.
    pub added: Vec<Address>,
    /// Sockets to close.
    pub removed: Vec<Address>,
}

/// Compares two sets of sockets.
pub fn diff(old: &[Socket], new: &[Socket]) -> Diff {
    let addresses = |sockets: &[Socket]| -> Vec<Address> {
        let addresses = sockets.iter().map(|socket| socket.address.clone());
        addresses.collect()
    };
    let (before, after) = (addresses(old), addresses(new));
    let is_new: HashSet<&Address> = after.iter().collect();
    let was_there: HashSet<&Address> = before.iter().collect();
    let removed = before.iter().filter(|address| !is_new.contains(address));
    let removed = removed.cloned().collect();
    let (kept, added) = after
        .iter()
        .cloned()
        .partition(|address| was_there.contains(address));
    Diff {
        kept,
        added,
        removed,
    }
}
