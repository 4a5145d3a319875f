//! One address of a group, and its part in the choice: weights and failures, by the rules of nginx's
//! ngx_stream_upstream_round_robin.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::health::Health;
use super::history::History;
use crate::base::Address;
use crate::config::{Admission, UpstreamServer};

/// One address of a server. It outlives a reload if the group's name, the server and the address stay.
#[derive(Debug)]
pub struct Peer {
    /// Where to connect.
    pub address: Address,
    /// The server it belongs to, as configured.
    pub server: Arc<UpstreamServer>,
    /// Generations share it.
    sessions: Arc<AtomicU32>,
    /// Generations with `health_check` share it.
    health: Arc<Health>,
    /// The administrator drains it. Generations share it while the line of the server is the same.
    is_drained: Arc<AtomicBool>,
}

impl Peer {
    /// A peer without history, or with that of the peer that had its place before.
    fn new(server: &Arc<UpstreamServer>, address: Address, before: Option<&Self>) -> Self {
        Self {
            address,
            server: Arc::clone(server),
            sessions: before.map_or_else(Arc::default, |before| Arc::clone(&before.sessions)),
            health: before.map_or_else(Arc::default, |before| Arc::clone(&before.health)),
            is_drained: before
                .filter(|before| is_same_line(&before.server, server))
                .map_or_else(Arc::default, |before| Arc::clone(&before.is_drained)),
        }
    }

    /// The same peer without the results of checks.
    fn unchecked(&self) -> Self {
        Self {
            health: Arc::default(),
            ..Self::new(&self.server, self.address.clone(), Some(self))
        }
    }

    /// The sessions that use it now.
    pub fn sessions(&self) -> u32 {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Whether the last active checks failed.
    pub fn is_unhealthy(&self) -> bool {
        self.health.is_unhealthy()
    }

    /// Has it get no new sessions, or get them again, until its line of the configuration changes.
    pub fn set_drained(&self, drained: bool) {
        self.is_drained.store(drained, Ordering::Relaxed);
    }

    /// How it takes part in choices: as configured, unless the administrator drains it.
    pub fn admission(&self) -> Admission {
        match self.server.admission {
            Admission::Open if self.is_drained.load(Ordering::Relaxed) => Admission::Drain,
            configured => configured,
        }
    }

    /// What active checks have found about it.
    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    pub(super) fn enter(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    /// Its sessions times the weight of another: two such products compare sessions in relation to weight.
    pub(super) fn load_against(&self, other: &Peer) -> u64 {
        u64::from(self.sessions()) * u64::from(other.server.weight)
    }
}

/// Whether two servers are configured alike, whatever addresses their name has.
fn is_same_line(one: &UpstreamServer, other: &UpstreamServer) -> bool {
    let addresses = other.addresses.clone();
    *other
        == UpstreamServer {
            addresses,
            ..one.clone()
        }
}

/// A peer's part in the choice.
#[derive(Debug)]
pub(super) struct Standing {
    pub peer: Arc<Peer>,
    pub current_weight: i64,
    pub effective_weight: i64,
    fails: u32,
    /// The last failure.
    failed: Option<Instant>,
    /// The last failure, or the last choice that came later than `fail_timeout` after it.
    checked: Option<Instant>,
    /// Since when the peer is back, while `slow_start` lasts.
    back: Option<Instant>,
    /// The part of a session that the peer may have during `slow_start`, in thousandths.
    credit: u32,
    /// For the status.
    pub history: History,
}

/// The whole share of a peer during `slow_start`.
const WHOLE: u32 = 1000;

impl Standing {
    /// A peer without history, or with that of the peer that had its place before a reload.
    pub fn new(server: &Arc<UpstreamServer>, address: Address, before: Option<&Self>) -> Self {
        let old = before.map(|before| &before.peer);
        let peer = match old {
            Some(old) if Arc::ptr_eq(&old.server, server) => Arc::clone(old),
            old => Arc::new(Peer::new(server, address, old.map(|old| &**old))),
        };
        let weight = i64::from(server.weight);
        let mut standing = Self {
            peer,
            current_weight: 0,
            effective_weight: weight,
            fails: 0,
            failed: None,
            checked: None,
            back: None,
            credit: 0,
            history: History::default(),
        };
        if let Some(before) = before {
            standing.fails = before.fails;
            standing.failed = before.failed;
            standing.checked = before.checked;
            standing.back = before.back;
            standing.history = before.history;
            if before.peer.server.weight == server.weight {
                standing.current_weight = before.current_weight;
                standing.effective_weight = before.effective_weight;
            }
        }
        standing
    }

    /// Forgets the results of checks: the group has none any more.
    pub fn forget_health(&mut self) {
        self.peer = Arc::new(self.peer.unchecked());
        if !self.has_failed() {
            self.history.down_since = None;
        }
    }

    /// Whether it can get a session now.
    pub fn is_available(&self, now: Instant) -> bool {
        let server = &self.peer.server;
        self.peer.admission() == Admission::Open
            && !self.peer.is_unhealthy()
            && (!self.has_failed() || self.may_be_tried_again(now))
            && (server.max_conns == 0 || self.peer.sessions() < server.max_conns)
    }

    /// Whether so many attempts failed that it gets no sessions for `fail_timeout`.
    pub fn has_failed(&self) -> bool {
        let most = self.peer.server.max_fails;
        most != 0 && self.fails >= most
    }

    fn may_be_tried_again(&self, now: Instant) -> bool {
        let timeout = self.peer.server.fail_timeout;
        self.checked
            .is_none_or(|checked| now.saturating_duration_since(checked) > timeout)
    }

    /// Adds the effective weight, which recovers by one with each choice. Returns what was added.
    pub fn weigh(&mut self) -> i64 {
        let added = self.effective_weight;
        self.current_weight += added;
        if self.effective_weight < i64::from(self.peer.server.weight) {
            self.effective_weight += 1;
        }
        added
    }

    /// Whether the peer may take this session: during `slow_start` it takes a growing part of those it is chosen for.
    pub fn admits(&mut self, now: Instant) -> bool {
        let Some(back) = self.back else { return true };
        let whole = self.peer.server.slow_start;
        let elapsed = now.saturating_duration_since(back);
        if elapsed >= whole {
            self.back = None;
            return true;
        }
        self.credit += share(elapsed, whole);
        let admits = self.credit >= WHOLE;
        if admits {
            self.credit -= WHOLE;
        }
        admits
    }

    /// Records that a session was given to it.
    pub fn chosen(&mut self, now: Instant) {
        if self.may_be_tried_again(now) {
            self.checked = Some(now);
        }
        self.history.note_selected(now);
        self.peer.enter();
    }

    /// Whether `slow_start` lasts.
    pub fn is_recovering(&self, now: Instant) -> bool {
        let whole = self.peer.server.slow_start;
        self.back
            .is_some_and(|back| now.saturating_duration_since(back) < whole)
    }

    /// Records a failed attempt. Returns whether it is the one that takes the peer out of use.
    pub fn fail(&mut self, now: Instant) -> bool {
        let before = self.has_failed();
        self.fails = self.fails.saturating_add(1);
        self.failed = Some(now);
        self.checked = Some(now);
        if let Some(part) =
            i64::from(self.peer.server.weight).checked_div(i64::from(self.peer.server.max_fails))
        {
            self.effective_weight = (self.effective_weight - part).max(0);
        }
        self.history.note_failure();
        let is_news = self.has_failed() && !before;
        if is_news {
            self.history.note_down(now);
        }
        is_news
    }

    /// Records a successful attempt.
    pub fn succeed(&mut self, now: Instant) {
        if self.failed >= self.checked {
            return;
        }
        if self.has_failed() {
            self.begin_slow_start(now);
        }
        self.history.note_up(now);
        self.fails = 0;
    }

    /// Begins `slow_start`, if it is configured.
    pub fn begin_slow_start(&mut self, now: Instant) {
        if !self.peer.server.slow_start.is_zero() {
            self.back = Some(now);
            self.credit = 0;
        }
    }
}

/// The part of its share that a peer gets, in thousandths.
fn share(elapsed: Duration, whole: Duration) -> u32 {
    let part = elapsed.as_millis() * u128::from(WHOLE) / whole.as_millis().max(1);
    u32::try_from(part).unwrap_or(WHOLE).clamp(1, WHOLE)
}
