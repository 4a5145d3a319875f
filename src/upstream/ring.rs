//! The peers among which one is chosen.

use std::sync::Arc;

use super::ketama::Circle;
use super::peer::Standing;
use crate::base::Address;
use crate::config::UpstreamServer;

/// Peers among which one is chosen.
#[derive(Debug, Default)]
pub(super) struct Ring {
    pub peers: Vec<Standing>,
    pub total_weight: u64,
    /// The points of `hash … consistent`, of the servers by index.
    pub circle: Circle,
    servers: Vec<Addressed>,
}

/// A server and its addresses.
#[derive(Debug)]
pub(super) struct Addressed {
    pub server: Arc<UpstreamServer>,
    pub addresses: Vec<Address>,
}

impl Ring {
    /// The ring of these servers. `before` has the peers that may keep their history.
    pub fn new(servers: Vec<Addressed>, is_hashed: bool, before: &[Standing]) -> Self {
        let mut peers = Vec::new();
        for Addressed { server, addresses } in &servers {
            for address in addresses {
                let old = before.iter().find(|old| {
                    old.peer.address == *address && old.peer.server.name == server.name
                });
                peers.push(Standing::new(server, address.clone(), old));
            }
        }
        let weights = peers.iter().map(|one| u64::from(one.peer.server.weight));
        let named = servers.iter().map(|one| &one.server);
        Self {
            total_weight: weights.sum(),
            circle: match is_hashed {
                true => Circle::new(named.map(|server| (&*server.name, server.weight))),
                false => Circle::default(),
            },
            peers,
            servers,
        }
    }

    /// The name of a server.
    pub fn name(&self, server: usize) -> Box<[u8]> {
        self.servers[server].server.name.clone()
    }

    /// Replaces the addresses of the servers of this name. Returns whether some of them change; their order is of no importance.
    pub fn set_addresses(&mut self, name: &[u8], addresses: &[Address], is_hashed: bool) -> bool {
        let differs = |one: &Addressed| {
            let known = &one.addresses;
            *one.server.name == *name
                && (known.len() != addresses.len()
                    || addresses.iter().any(|address| !known.contains(address)))
        };
        if !self.servers.iter().any(differs) {
            return false;
        }
        let mut servers = std::mem::take(&mut self.servers);
        for one in servers.iter_mut().filter(|one| differs(one)) {
            one.addresses = addresses.to_vec();
        }
        *self = Self::new(servers, is_hashed, &self.peers);
        true
    }
}
