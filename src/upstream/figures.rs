//! What the status shows of a group: the state of its peers, and their history.

use std::time::Instant;

use super::balancer::Balancer;
use super::history::History;
use super::peer::Standing;
use crate::base::Address;
use crate::config::Admission;

/// The state of a peer, in the words of nginx's and Angie's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// It gets sessions.
    Up,
    /// `down` is configured.
    Down,
    /// `drain` is configured, or the administrator drains it: only its sessions go on.
    Draining,
    /// So many attempts failed that it gets no sessions for `fail_timeout`.
    Unavailable,
    /// Active checks failed.
    Unhealthy,
    /// It has `max_conns` sessions.
    Busy,
    /// It is back, and `slow_start` lasts.
    Recovering,
}

impl PeerState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Up,
        Self::Down,
        Self::Draining,
        Self::Unavailable,
        Self::Unhealthy,
        Self::Busy,
        Self::Recovering,
    ];

    /// The word in the status.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Draining => "draining",
            Self::Unavailable => "unavailable",
            Self::Unhealthy => "unhealthy",
            Self::Busy => "busy",
            Self::Recovering => "recovering",
        }
    }
}

/// One peer at one moment.
#[derive(Clone, Debug)]
pub struct PeerFigures {
    /// Its address.
    pub address: Address,
    /// The server it belongs to, as written.
    pub server: Box<[u8]>,
    /// Whether it is a `backup`.
    pub backup: bool,
    /// Its weight.
    pub weight: u32,
    /// `max_conns`; 0 is no limit.
    pub max_conns: u32,
    /// Its state.
    pub state: PeerState,
    /// The sessions that use it now.
    pub sessions: u32,
    /// What happened to it.
    pub history: History,
}

impl Balancer {
    /// The peers, primary ones first. Takes the lock of the choice for as long as copying takes.
    pub fn figures(&self, now: Instant) -> Vec<PeerFigures> {
        let state = self.lock();
        let rings = [&state.primary, &state.backup].into_iter();
        let standings = rings.flat_map(|ring| &ring.peers);
        let is_single = state.is_single();
        standings.map(|one| figures(one, is_single, now)).collect()
    }
}

fn figures(standing: &Standing, is_single: bool, now: Instant) -> PeerFigures {
    let peer = &standing.peer;
    let server = &peer.server;
    PeerFigures {
        address: peer.address.clone(),
        server: server.name.clone(),
        backup: server.backup,
        weight: server.weight,
        max_conns: server.max_conns,
        state: state(standing, is_single, now),
        sessions: peer.sessions(),
        history: standing.history,
    }
}

fn state(standing: &Standing, is_single: bool, now: Instant) -> PeerState {
    let (peer, server) = (&standing.peer, &standing.peer.server);
    match peer.admission() {
        Admission::Down => return PeerState::Down,
        Admission::Drain => return PeerState::Draining,
        Admission::Open => {}
    }
    if peer.is_unhealthy() {
        return PeerState::Unhealthy;
    }
    // The only peer of a group is chosen whatever happened before.
    if standing.history.down_since.is_some() && !is_single {
        return PeerState::Unavailable;
    }
    if server.max_conns != 0 && peer.sessions() >= server.max_conns {
        return PeerState::Busy;
    }
    match standing.is_recovering(now) {
        true => PeerState::Recovering,
        false => PeerState::Up,
    }
}
