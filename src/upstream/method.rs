//! The ways to choose a peer. Each returns the index of a peer that is available and was not tried, and changes the weights as
//! nginx's stream module does, so that the same sessions get the same peers.

use std::sync::Arc;
use std::time::Instant;

use super::ketama::CRC;
use super::peer::{Peer, Standing};
use super::ring::Ring;
use crate::config::Admission;

/// After so many attempts to find a peer by hash or by chance, the choice is made by weight.
const ATTEMPTS: u32 = 20;

/// The progress of a choice by key.
#[derive(Debug)]
pub(super) struct Hashing {
    pub place: Place,
    /// The attempts that led to a peer the session could not try.
    pub failed: u32,
}

/// Where a key leads.
#[derive(Debug)]
pub(super) enum Place {
    /// `hash`: the sum of hashes, modulo the weights.
    Modulo {
        key: Box<[u8]>,
        rehash: u32,
        hash: u64,
    },
    /// `hash … consistent`: a position on the circle.
    Circle { position: usize },
}

/// Whether the session may try a peer.
fn may_try(standing: &Standing, tried: &[Arc<Peer>], now: Instant) -> bool {
    standing.is_available(now) && !is_tried(standing, tried)
}

fn is_tried(standing: &Standing, tried: &[Arc<Peer>]) -> bool {
    tried.iter().any(|peer| Arc::ptr_eq(peer, &standing.peer))
}

/// The only peer of a group: its failures do not count.
pub(super) fn single(ring: &Ring, tried: &[Arc<Peer>]) -> Option<usize> {
    let only = ring.peers.first()?;
    let server = &only.peer.server;
    let is_free = server.max_conns == 0 || only.peer.sessions() < server.max_conns;
    let is_open = only.peer.admission() == Admission::Open && !only.peer.is_unhealthy();
    (is_open && is_free && !is_tried(only, tried)).then_some(0)
}

/// In turn by weight: nginx's smooth weighted round robin.
pub(super) fn round_robin(ring: &mut Ring, tried: &[Arc<Peer>], now: Instant) -> Option<usize> {
    by_weight(ring, now, |standing| may_try(standing, tried, now))
}

/// Among the peers that `may_be_chosen`, the one with the greatest current weight. A peer in `slow_start` that does not take the session
/// leaves it to the next.
fn by_weight(
    ring: &mut Ring,
    now: Instant,
    may_be_chosen: impl Fn(&Standing) -> bool,
) -> Option<usize> {
    let mut passed_over = Vec::new();
    loop {
        let mut best: Option<(usize, i64)> = None;
        let mut total = 0;
        for (index, standing) in ring.peers.iter_mut().enumerate() {
            if passed_over.contains(&index) || !may_be_chosen(standing) {
                continue;
            }
            total += standing.weigh();
            if best.is_none_or(|(_, weight)| standing.current_weight > weight) {
                best = Some((index, standing.current_weight));
            }
        }
        let Some((index, _)) = best else {
            // Better a peer that has just come back than none.
            return passed_over.first().copied();
        };
        let standing = &mut ring.peers[index];
        standing.current_weight -= total;
        if standing.admits(now) {
            return Some(index);
        }
        passed_over.push(index);
    }
}

/// The peer with the fewest sessions in relation to its weight; among equals, in turn by weight.
pub(super) fn least_conn(ring: &mut Ring, tried: &[Arc<Peer>], now: Instant) -> Option<usize> {
    let available = ring.peers.iter().filter(|one| may_try(one, tried, now));
    let best = available.reduce(|best, one| {
        match one.peer.load_against(&best.peer) < best.peer.load_against(&one.peer) {
            true => one,
            false => best,
        }
    })?;
    let best = Arc::clone(&best.peer);
    by_weight(ring, now, |one| {
        may_try(one, tried, now) && one.peer.load_against(&best) == best.load_against(&one.peer)
    })
}

/// By chance, in relation to the weights.
pub(super) fn random(
    ring: &mut Ring,
    tried: &[Arc<Peer>],
    random: &mut fastrand::Rng,
    now: Instant,
) -> Option<usize> {
    for _ in 0..=ATTEMPTS {
        let index = at_weight(ring, random.u64(..ring.total_weight.max(1)))?;
        let standing = &mut ring.peers[index];
        if may_try(standing, tried, now) && standing.admits(now) {
            return Some(index);
        }
    }
    round_robin(ring, tried, now)
}

/// Of two peers chosen by chance, the one with fewer sessions in relation to its weight.
pub(super) fn random_two(
    ring: &mut Ring,
    tried: &[Arc<Peer>],
    random: &mut fastrand::Rng,
    now: Instant,
) -> Option<usize> {
    let mut first: Option<usize> = None;
    for _ in 0..=ATTEMPTS {
        let index = at_weight(ring, random.u64(..ring.total_weight.max(1)))?;
        let standing = &mut ring.peers[index];
        if first == Some(index) || !may_try(standing, tried, now) || !standing.admits(now) {
            continue;
        }
        let Some(other) = first else {
            first = Some(index);
            continue;
        };
        let (one, other_peer) = (&ring.peers[index].peer, &ring.peers[other].peer);
        return match one.load_against(other_peer) > other_peer.load_against(one) {
            true => Some(other),
            false => Some(index),
        };
    }
    round_robin(ring, tried, now)
}

/// By key: `hash`, with or without `consistent`.
pub(super) fn hash(
    ring: &mut Ring,
    tried: &[Arc<Peer>],
    hashing: &mut Hashing,
    now: Instant,
) -> Option<usize> {
    while hashing.failed <= ATTEMPTS {
        let found = match &mut hashing.place {
            Place::Modulo { key, rehash, hash } => {
                *hash += u64::from(folded(key, *rehash));
                *rehash += 1;
                let index = at_weight(ring, *hash % ring.total_weight.max(1))?;
                may_try(&ring.peers[index], tried, now).then_some(index)
            }
            Place::Circle { position } => {
                let server = ring.circle.server(*position)?;
                let name = ring.name(server);
                let found = by_weight(ring, now, |one| {
                    one.peer.server.name == name && may_try(one, tried, now)
                });
                if found.is_none() {
                    *position += 1;
                }
                found
            }
        };
        if found.is_some() {
            return found;
        }
        hashing.failed += 1;
    }
    round_robin(ring, tried, now)
}

/// The peer at a position in the row of all weights.
fn at_weight(ring: &Ring, mut position: u64) -> Option<usize> {
    for (index, standing) in ring.peers.iter().enumerate() {
        let weight = u64::from(standing.peer.server.weight);
        if position < weight {
            return Some(index);
        }
        position -= weight;
    }
    None
}

/// CRC-32 of a key, folded as Cache::Memcached does. `rehash` counts the repetitions.
fn folded(key: &[u8], rehash: u32) -> u32 {
    let mut digest = CRC.digest();
    if rehash > 0 {
        digest.update(rehash.to_string().as_bytes());
    }
    digest.update(key);
    (digest.finalize() >> 16) & 0x7fff
}
