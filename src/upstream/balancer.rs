//! A group in force.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::health::HealthChange;
use super::peer::{Peer, Standing};
use super::ring::{Addressed, Ring};
use crate::base::Address;
use crate::config::{Admission, Balancing, UpstreamGroup};

/// A group in force, shared by all sessions of a generation.
#[derive(Debug)]
pub struct Balancer {
    /// Its configuration.
    pub group: UpstreamGroup,
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
    /// The servers whose name cannot be resolved, and since when.
    unresolved: HashMap<Box<[u8]>, Instant>,
}

impl State {
    /// Whether the group has one peer only.
    pub fn is_single(&self) -> bool {
        self.primary.peers.len() == 1 && self.backup.peers.is_empty()
    }

    fn peers(&self) -> impl Iterator<Item = &Arc<Peer>> {
        let rings = [&self.primary, &self.backup].into_iter();
        rings
            .flat_map(|ring| &ring.peers)
            .map(|standing| &standing.peer)
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
        let is_hashed = is_hashed(&group.balancing);
        let ring = |is_backup: bool, before: &[Standing]| {
            let servers = group.servers.iter();
            let servers = servers.filter(|server| server.backup == is_backup);
            let servers = servers.map(|server| Addressed {
                server: Arc::new(server.clone()),
                addresses: match &server.resolve {
                    // The running process has asked the `resolver`, the configuration has not.
                    Some(name) => addresses_of(before, &server.name, name.port)
                        .unwrap_or_else(|| server.addresses.clone()),
                    None => server.addresses.clone(),
                },
            });
            let mut ring = Ring::new(servers.collect(), is_hashed && !is_backup, before);
            if group.health_check.is_none() {
                ring.peers.iter_mut().for_each(Standing::forget_health);
            }
            ring
        };
        Self {
            group: group.clone(),
            state: Mutex::new(State {
                primary: ring(false, primary),
                backup: ring(true, backup),
                random: fastrand::Rng::new(),
                unresolved: state
                    .as_ref()
                    .map_or_else(HashMap::new, |state| state.unresolved.clone()),
            }),
        }
    }

    /// All peers, for checks and statistics.
    pub fn peers(&self) -> Vec<Arc<Peer>> {
        let state = self.lock();
        state.peers().map(Arc::clone).collect()
    }

    /// How many peers can be tried at all.
    pub fn tries(&self) -> usize {
        let state = self.lock();
        let open = state
            .peers()
            .filter(|peer| peer.admission() == Admission::Open);
        open.count()
    }

    /// Replaces the addresses of a server (`resolve`). Peers whose address stays keep their history; sessions on others go on. Returns
    /// whether something changes.
    pub fn set_addresses(&self, server: &[u8], addresses: &[Address]) -> bool {
        let is_hashed = is_hashed(&self.group.balancing);
        let state = &mut *self.lock();
        let primary = state.primary.set_addresses(server, addresses, is_hashed);
        let backup = state.backup.set_addresses(server, addresses, false);
        primary || backup
    }

    /// Notes that the name of a server is resolved. Returns how long that had failed.
    pub fn resolved(&self, server: &[u8], now: Instant) -> Option<Duration> {
        let since = self.lock().unresolved.remove(server)?;
        Some(now.saturating_duration_since(since))
    }

    /// Notes that the name of a server cannot be resolved. Returns whether that is new.
    pub fn unresolved(&self, server: &[u8], now: Instant) -> bool {
        let failing = &mut self.lock().unresolved;
        let is_new = !failing.contains_key(server);
        if is_new {
            failing.insert(server.into(), now);
        }
        is_new
    }

    /// Takes the result of an active check into account. Returns the change of the peer's state that it leads to.
    pub fn checked(&self, peer: &Arc<Peer>, passed: bool, now: Instant) -> Option<HealthChange> {
        let check = self.group.health_check.as_ref()?;
        let change = peer.health().note(passed, check, now)?;
        self.with(peer, |standing| match change {
            HealthChange::Healthy { .. } => {
                standing.begin_slow_start(now);
                standing.history.note_up(now);
            }
            HealthChange::Unhealthy => standing.history.note_down(now),
        });
        Some(change)
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

/// The addresses with this port that the peers of a server have.
fn addresses_of(peers: &[Standing], server: &[u8], port: u16) -> Option<Vec<Address>> {
    let peers = peers.iter().map(|one| &one.peer);
    let own = peers.filter(|peer| *peer.server.name == *server && peer.address.port() == port);
    let addresses: Vec<_> = own.map(|peer| peer.address.clone()).collect();
    (!addresses.is_empty()).then_some(addresses)
}

/// Whether a choice needs the circle of hashes.
fn is_hashed(balancing: &Balancing) -> bool {
    matches!(balancing, Balancing::ConsistentHash(_))
}

/// Whether a group has a server with this peer.
fn has(group: &UpstreamGroup, peer: &Peer) -> bool {
    let mut own = group.servers.iter();
    own.any(|server| {
        let is_named = server
            .resolve
            .as_ref()
            .is_some_and(|name| name.port == peer.address.port());
        server.name == peer.server.name && (is_named || server.addresses.contains(&peer.address))
    })
}

/// The groups in force by name. A group that a reload changes takes over the history of its peers.
#[derive(Debug, Default)]
pub struct Balancers {
    known: Mutex<HashMap<Box<str>, Vec<Weak<Balancer>>>>,
}

impl Balancers {
    /// The balancer of a group: the one in force if the configuration of the group is the same, else a new one.
    pub fn balancer(&self, group: &UpstreamGroup) -> Arc<Balancer> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, all| {
            all.retain(|one| one.strong_count() > 0);
            !all.is_empty()
        });
        let all = known.entry(group.name.clone()).or_default();
        let in_force: Vec<_> = all.iter().filter_map(Weak::upgrade).collect();
        if let Some(same) = in_force.iter().find(|one| one.group == *group) {
            return Arc::clone(same);
        }
        // Servers of several protocols have groups of one name, with other ports.
        let shares_peers = |one: &&Arc<Balancer>| {
            let peers = one.peers();
            peers.iter().any(|peer| has(group, peer))
        };
        let before = in_force.iter().rev().find(shares_peers);
        let before = before.or(in_force.last());
        let balancer = Arc::new(Balancer::new(group, before.map(|before| &**before)));
        all.push(Arc::downgrade(&balancer));
        balancer
    }
}
