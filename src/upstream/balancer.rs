//! A group in force.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::ketama::Circle;
use super::peer::{Peer, Standing};
use super::selection::Selection;
use crate::base::Address;
use crate::config::{Admission, Balancing, UpstreamGroup, UpstreamServer};

/// A group in force, shared by all sessions of a generation.
#[derive(Debug)]
pub struct Balancer {
    /// Its name.
    pub name: Box<str>,
    pub(super) balancing: Balancing,
    state: Mutex<State>,
}

/// The peers of a group, and where the choice stands.
#[derive(Debug)]
pub(super) struct State {
    /// The servers that are no backups.
    pub primary: Ring,
    /// Those with `backup`.
    pub backup: Ring,
    /// The source of `random`.
    pub random: fastrand::Rng,
}

impl State {
    /// Whether the group has one peer only.
    pub fn is_single(&self) -> bool {
        self.primary.peers.len() == 1 && self.backup.peers.is_empty()
    }
}

/// Peers among which one is chosen.
#[derive(Debug, Default)]
pub(super) struct Ring {
    pub peers: Vec<Standing>,
    pub total_weight: u64,
    /// The points of `hash … consistent`, of the servers in `names`.
    pub circle: Circle,
    /// The names of the servers.
    pub names: Vec<Box<[u8]>>,
}

impl Ring {
    /// The ring of these servers. `before` has the peers that may keep their history.
    fn new(
        servers: &[(Arc<UpstreamServer>, Vec<Address>)],
        is_hashed: bool,
        before: &[Standing],
    ) -> Self {
        let mut peers = Vec::new();
        for (server, addresses) in servers {
            for address in addresses {
                let same = |old: &&Standing| {
                    old.peer.address == *address && old.peer.server.name == server.name
                };
                let old = before.iter().find(same);
                peers.push(Standing::new(server, address.clone(), old));
            }
        }
        let weights = peers.iter().map(|one| u64::from(one.peer.server.weight));
        let named = || {
            servers
                .iter()
                .map(|(server, _)| (&*server.name, server.weight))
        };
        Self {
            total_weight: weights.sum(),
            circle: match is_hashed {
                true => Circle::new(named()),
                false => Circle::default(),
            },
            names: named().map(|(name, _)| name.into()).collect(),
            peers,
        }
    }
}

impl Balancer {
    /// A group as configured. The peers of `before`, the group of this name in the generation before, keep their history.
    pub fn new(group: &UpstreamGroup, before: Option<&Self>) -> Self {
        let state = before.map(Self::lock);
        let (primary, backup) = match &state {
            Some(state) => (&*state.primary.peers, &*state.backup.peers),
            None => Default::default(),
        };
        let is_hashed = group.balancing == Balancing::ConsistentHash;
        let ring = |is_backup: bool, before: &[Standing]| {
            let servers = group.servers.iter();
            let servers = servers.filter(|server| server.backup == is_backup);
            let servers =
                servers.map(|server| (Arc::new(server.clone()), server.addresses.clone()));
            Ring::new(
                &servers.collect::<Vec<_>>(),
                is_hashed && !is_backup,
                before,
            )
        };
        Self {
            name: group.name.clone(),
            balancing: group.balancing,
            state: Mutex::new(State {
                primary: ring(false, primary),
                backup: ring(true, backup),
                random: fastrand::Rng::new(),
            }),
        }
    }

    /// Begins the choice for one session. `key` is that of `hash`; an empty one is as no `hash`.
    pub fn select(self: &Arc<Self>, key: &[u8]) -> Selection {
        Selection::new(Arc::clone(self), key)
    }

    /// All peers, for checks and statistics.
    pub fn peers(&self) -> Vec<Arc<Peer>> {
        let state = self.lock();
        let rings = [&state.primary, &state.backup].into_iter();
        let peers = rings.flat_map(|ring| &ring.peers);
        peers.map(|standing| Arc::clone(&standing.peer)).collect()
    }

    /// How many peers can be tried at all.
    pub fn tries(&self) -> usize {
        let peers = self.peers();
        let open = peers
            .iter()
            .filter(|peer| peer.server.admission == Admission::Open);
        open.count()
    }

    /// Replaces the addresses of a server (`resolve`). Peers whose address stays keep their history; sessions on others go on.
    pub fn set_addresses(&self, server: &[u8], addresses: &[Address]) {
        let state = &mut *self.lock();
        for ring in [&mut state.primary, &mut state.backup] {
            let mut servers: Vec<(Arc<UpstreamServer>, Vec<Address>)> = Vec::new();
            for standing in &ring.peers {
                let own = &standing.peer.server;
                let found = servers
                    .iter_mut()
                    .find(|(known, _)| Arc::ptr_eq(known, own));
                let address = standing.peer.address.clone();
                match found {
                    Some((_, all)) => all.push(address),
                    None => servers.push((Arc::clone(own), vec![address])),
                }
            }
            let Some((_, all)) = servers.iter_mut().find(|(known, _)| *known.name == *server)
            else {
                continue;
            };
            *all = addresses.to_vec();
            let is_hashed = self.balancing == Balancing::ConsistentHash;
            *ring = Ring::new(&servers, is_hashed, &ring.peers);
        }
    }

    /// Records the outcome of active checks. Returns whether it changes the peer's state.
    pub fn set_health(&self, peer: &Arc<Peer>, is_healthy: bool, now: Instant) -> bool {
        if peer.is_unhealthy() != is_healthy {
            return false;
        }
        peer.set_unhealthy(!is_healthy);
        if is_healthy {
            self.with(peer, |standing| standing.begin_slow_start(now));
        }
        true
    }

    /// Changes the standing of a peer, unless the peer has left the group.
    pub(super) fn with<R>(
        &self,
        peer: &Arc<Peer>,
        change: impl FnOnce(&mut Standing) -> R,
    ) -> Option<R> {
        let state = &mut *self.lock();
        let rings = [&mut state.primary, &mut state.backup].into_iter();
        let mut all = rings.flat_map(|ring| &mut ring.peers);
        all.find(|standing| Arc::ptr_eq(&standing.peer, peer))
            .map(change)
    }

    /// The state. A panic elsewhere leaves it usable: every change to it is complete by itself.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The groups in force by name. A group takes over the history of the one that had its name before a reload.
#[derive(Debug, Default)]
pub struct Balancers {
    known: Mutex<HashMap<Box<str>, Weak<Balancer>>>,
}

impl Balancers {
    /// The balancer of a group in a new generation.
    pub fn balancer(&self, group: &UpstreamGroup) -> Arc<Balancer> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, one| one.strong_count() > 0);
        let before = known.get(&group.name).and_then(Weak::upgrade);
        let balancer = Arc::new(Balancer::new(group, before.as_deref()));
        known.insert(group.name.clone(), Arc::downgrade(&balancer));
        balancer
    }
}
