//! Requests on a kept connection that are not answered: the connection is dead, or the answer takes long.
//!
//! The two look alike. After a short wait one such request, the first, is sent again on a new connection. If the answer comes
//! soon there, the kept connections were dead, and the other requests on them are sent again too. If not, the server is slow:
//! no connection to it is kept from then on, so no further request is sent twice.

use std::time::Duration;

use tokio::time::Instant;

use super::{Id, Keepalive, State, Waiting};

/// The longest wait for the first byte of an answer on a kept connection, unless the server has been slower before.
const WAIT: Duration = Duration::from_secs(2);
/// The part of `auth_http_timeout` that this wait takes at most.
const PART: u32 = 3;

/// The findings about dead connections.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// A request that was sent again is not answered yet.
    running: bool,
    /// Kept connections with a request from before this time are dead.
    dead_before: Option<Instant>,
}

/// The next action for a request without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Silence {
    /// Wait, and ask again at this time or after a change.
    Until(Instant),
    /// Wait, and ask again after a change.
    Wait,
    /// Send the request again.
    Dead,
}

impl Keepalive {
    /// The next action for a request that is not answered. `limit` is `auth_http_timeout`.
    pub fn silence(&self, id: Id, now: Instant, limit: Duration) -> Silence {
        let Some(request) = self.waiting.iter().find(|own| own.id == id && own.reused) else {
            return Silence::Wait;
        };
        if (self.check.dead_before).is_some_and(|before| request.since < before) {
            return Silence::Dead;
        }
        match self.patience(limit) {
            Some(wait) if now < request.since + wait => Silence::Until(request.since + wait),
            Some(_) if !self.check.running => Silence::Dead,
            _ => Silence::Wait,
        }
    }

    /// Replaces a connection that was found to be dead by a new one.
    pub fn replace_dead(&mut self, id: Id, now: Instant, limit: Duration) -> Id {
        // If no other request was sent again, this one shows whether the server is slow.
        let check = self.patience(limit).filter(|_| !self.check.running);
        self.ended(id);
        self.check.running |= check.is_some();
        self.open_with(now, check)
    }

    /// The wait for an answer on a kept connection. `None` if the server is so slow that `limit` leaves no time for it.
    fn patience(&self, limit: Duration) -> Option<Duration> {
        let wait = WAIT.min(limit / PART);
        if self.slowest * 2 <= wait {
            return Some(wait);
        }
        Some(self.slowest * 2).filter(|&wait| wait <= limit / 2)
    }

    /// Concludes from the answer to a request that was sent again.
    pub(super) fn checked(&mut self, request: &Waiting, time: Duration, now: Instant) {
        let Some(wait) = request.check else { return };
        self.check.end(request);
        if time <= wait {
            self.check.dead_before = Some(request.since);
            self.suspend(now);
        } else {
            self.state = State::Slow;
        }
    }
}

impl Check {
    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    /// Takes note of the end of a request.
    pub(super) fn end(&mut self, request: &Waiting) {
        if request.check.is_some() {
            self.running = false;
        }
    }
}
