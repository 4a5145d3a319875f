//! The groups of backends in the status.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use serde::Serialize;

use crate::admin::in_force::InForce;
use crate::admin::time::iso;
use crate::upstream::{PeerFigures, PeerState};

/// A group.
#[derive(Debug, Default, Serialize)]
pub(in crate::admin) struct Upstream {
    /// By address.
    pub peers: BTreeMap<String, Peer>,
}

/// A peer of a group.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Peer {
    /// The server it belongs to, as written.
    pub server: String,
    pub backup: bool,
    pub weight: u32,
    pub state: &'static str,
    pub selected: Selected,
    /// Absent without a limit.
    pub max_conns: Option<u32>,
    pub health: Health,
}

/// The sessions of a peer.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Selected {
    pub current: u32,
    pub total: u64,
    pub last: Option<String>,
}

/// The failures of a peer.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Health {
    /// Attempts that failed.
    pub fails: u64,
    /// How often it became unavailable or unhealthy.
    pub unavailable: u64,
    /// How long it was, in milliseconds.
    pub downtime: u64,
    /// Since when it is.
    pub downstart: Option<String>,
}

impl Peer {
    /// Whether it gets sessions.
    pub fn is_up(&self) -> bool {
        let up = [PeerState::Up, PeerState::Recovering, PeerState::Busy];
        up.iter().any(|state| state.word() == self.state)
    }
}

/// The groups by name. Those of several protocols share a name.
pub(super) fn upstreams(in_force: Option<&InForce>) -> BTreeMap<String, Upstream> {
    let now = Now {
        instant: Instant::now(),
        time: SystemTime::now(),
    };
    let mut upstreams: BTreeMap<String, Upstream> = BTreeMap::new();
    for group in in_force.iter().flat_map(|in_force| &in_force.groups) {
        let upstream = upstreams.entry(group.group.name.to_string()).or_default();
        let figures = group.figures(now.instant).into_iter();
        let peers = figures.map(|figures| (figures.address.to_string(), peer(&figures, now)));
        upstream.peers.extend(peers);
    }
    upstreams
}

/// One moment by both clocks.
#[derive(Clone, Copy)]
struct Now {
    instant: Instant,
    time: SystemTime,
}

impl Now {
    fn show(self, instant: Instant) -> String {
        iso(self.time - self.instant.saturating_duration_since(instant))
    }
}

fn peer(figures: &PeerFigures, now: Now) -> Peer {
    let history = &figures.history;
    let downtime = history.downtime(now.instant).as_millis();
    Peer {
        server: String::from_utf8_lossy(&figures.server).into_owned(),
        backup: figures.backup,
        weight: figures.weight,
        state: figures.state.word(),
        selected: Selected {
            current: figures.sessions,
            total: history.selected,
            last: history.last_selected.map(|at| now.show(at)),
        },
        max_conns: (figures.max_conns > 0).then_some(figures.max_conns),
        health: Health {
            fails: history.fails,
            unavailable: history.unavailable,
            downtime: u64::try_from(downtime).unwrap_or(u64::MAX),
            downstart: history.down_since.map(|at| now.show(at)),
        },
    }
}
