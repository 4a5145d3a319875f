//! What happened to a peer, for the status.

use std::time::{Duration, Instant};

/// What happened to a peer since it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The attempts to connect a session to it.
    pub selected: u64,
    /// The last one.
    pub last_selected: Option<Instant>,
    /// The attempts that failed.
    pub fails: u64,
    /// How often it became unavailable or unhealthy.
    pub unavailable: u64,
    /// Since when it is that.
    pub down_since: Option<Instant>,
    /// How long it was that before.
    downtime: Duration,
}

impl History {
    pub(super) fn note_selected(&mut self, now: Instant) {
        self.selected += 1;
        self.last_selected = Some(now);
    }

    pub(super) fn note_failure(&mut self) {
        self.fails += 1;
    }

    pub(super) fn note_down(&mut self, now: Instant) {
        if self.down_since.is_none() {
            self.unavailable += 1;
            self.down_since = Some(now);
        }
    }

    pub(super) fn note_up(&mut self, now: Instant) {
        if let Some(since) = self.down_since.take() {
            self.downtime += now.saturating_duration_since(since);
        }
    }

    /// How long it was unavailable or unhealthy, until now.
    pub fn downtime(&self, now: Instant) -> Duration {
        let current = self
            .down_since
            .map(|since| now.saturating_duration_since(since));
        self.downtime + current.unwrap_or_default()
    }
}
