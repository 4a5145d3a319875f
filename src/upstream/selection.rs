//! The choice of one session: peer after peer, until one works or none is left.

use std::sync::Arc;
use std::time::Instant;

use super::balancer::{Balancer, State};
use super::method::{self, Hashing, Place};
use super::peer::Peer;
use crate::config::Balancing;

/// The choice of one session.
#[derive(Debug)]
pub struct Selection {
    balancer: Arc<Balancer>,
    /// The peers that the session has tried.
    tried: Vec<Arc<Peer>>,
    hashing: Option<Hashing>,
    uses_backup: bool,
}

impl Selection {
    /// Begins the choice for one session. `key` is that of `hash`; with an empty one, the choice is by weight.
    pub fn new(balancer: &Arc<Balancer>, key: &[u8]) -> Self {
        let place = match &balancer.group.balancing {
            _ if key.is_empty() => None,
            Balancing::Hash(_) => Some(Place::Modulo {
                key: key.into(),
                rehash: 0,
                hash: 0,
            }),
            Balancing::ConsistentHash(_) => Some(Place::Circle {
                position: balancer.lock().primary.circle.position(key),
            }),
            _ => None,
        };
        Self {
            balancer: Arc::clone(balancer),
            tried: Vec::new(),
            hashing: place.map(|place| Hashing { place, failed: 0 }),
            uses_backup: false,
        }
    }

    /// Whether the group has one peer only.
    pub fn is_single(&self) -> bool {
        self.balancer.lock().is_single()
    }

    /// Whether there are peers that the session has not tried.
    pub fn has_more(&self) -> bool {
        self.tried.len() < self.balancer.tries()
    }

    /// The next peer to try. `None`: none that works is left.
    pub fn next(&mut self, now: Instant) -> Option<Lease> {
        let mut state = self.balancer.lock();
        let is_single = state.is_single();
        let State {
            primary,
            backup,
            random,
            ..
        } = &mut *state;
        let primary_choice = match self.uses_backup {
            true => None,
            false => match (&mut self.hashing, &self.balancer.group.balancing) {
                _ if is_single => method::single(primary, &self.tried),
                (Some(hashing), _) => method::hash(primary, &self.tried, hashing, now),
                (None, Balancing::LeastConn) => method::least_conn(primary, &self.tried, now),
                (None, Balancing::Random) => method::random(primary, &self.tried, random, now),
                (None, Balancing::RandomTwo) => {
                    method::random_two(primary, &self.tried, random, now)
                }
                (None, _) => method::round_robin(primary, &self.tried, now),
            },
        };
        let (ring, index) = match primary_choice {
            Some(index) => (primary, index),
            None => {
                self.uses_backup = true;
                let index = match self.balancer.group.balancing {
                    Balancing::LeastConn => method::least_conn(backup, &self.tried, now),
                    _ => method::round_robin(backup, &self.tried, now),
                };
                (backup, index?)
            }
        };
        let standing = &mut ring.peers[index];
        standing.chosen(now);
        let peer = Arc::clone(&standing.peer);
        drop(state);
        self.tried.push(Arc::clone(&peer));
        Some(Lease {
            balancer: Arc::clone(&self.balancer),
            session: PeerSession(peer),
        })
    }
}

/// A peer that a session tries.
#[derive(Debug)]
pub struct Lease {
    balancer: Arc<Balancer>,
    session: PeerSession,
}

impl Lease {
    /// The peer.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.session.0
    }

    /// Records that the peer did not work. Returns whether it gets no sessions for `fail_timeout` from now on.
    pub fn fail(&self, now: Instant) -> bool {
        // The only peer of a group stays in use.
        if self.balancer.lock().is_single() {
            self.balancer
                .with(self.peer(), |standing| standing.history.note_failure());
            return false;
        }
        let failed = self
            .balancer
            .with(self.peer(), |standing| standing.fail(now));
        failed.unwrap_or(false)
    }

    /// Records that the peer works.
    pub fn succeed(&self, now: Instant) {
        self.balancer
            .with(self.peer(), |standing| standing.succeed(now));
    }

    /// The session alone, for the time after the login.
    pub fn into_session(self) -> PeerSession {
        self.session
    }
}

/// A session of a peer: until it is dropped, it counts for `max_conns` and `least_conn`.
#[derive(Debug)]
pub struct PeerSession(Arc<Peer>);

impl Drop for PeerSession {
    fn drop(&mut self) {
        self.0.leave();
    }
}
