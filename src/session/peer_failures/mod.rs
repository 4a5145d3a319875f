//! Failures of backends and auth servers, as the error log shows them: once per change of state, not once per session.
//!
//! The first failure of a peer has nginx's line and level. Further ones have level info until the peer answers a session;
//! summaries at level error tell how many there were. Servers with equal `error_log` lines share the state, and a reload keeps
//! it. The state has no effect on which peer is used.

mod state;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::state::State;
pub(in crate::session) use self::state::{Effect, Failure, Report};
use crate::base::Address;

/// The most peers with a state. The failures of further ones are logged one by one.
const MOST: usize = 1024;

/// The peers that have failed lately.
#[derive(Debug, Default)]
pub struct PeerFailures {
    /// How many of them have not answered since. While there are none, an answer changes nothing.
    failing: AtomicUsize,
    peers: Mutex<HashMap<PeerName, State>>,
}

/// The name of a peer in the log: `upstream 10.0.0.6:143`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::session) struct PeerName(Box<str>);

impl PeerName {
    /// A backend.
    pub fn upstream(address: impl fmt::Display) -> Self {
        Self(format!("upstream {address}").into())
    }

    /// An auth server.
    pub fn auth_server(address: &Address) -> Self {
        Self(format!("auth http server {address}").into())
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PeerFailures {
    /// Whether a peer is failing. Otherwise [`Self::answered`] has no effect.
    pub(in crate::session) fn any(&self) -> bool {
        self.failing.load(Ordering::Relaxed) > 0
    }

    /// Counts a failure, and tells how the log shows it.
    pub(in crate::session) fn failed(
        &self,
        peer: &PeerName,
        now: Instant,
        failure: Failure,
    ) -> Report {
        let mut peers = self.peers();
        if let Some(state) = peers.get_mut(peer).filter(|state| !state.is_over(now)) {
            let report = state.failed(now, failure);
            self.count(&peers);
            return report;
        }
        if peers.len() >= MOST {
            peers.retain(|_, state| !state.is_over(now));
        }
        if peers.len() < MOST {
            peers.insert(peer.clone(), State::new(now, failure));
            self.count(&peers);
        }
        Report::FIRST
    }

    /// Notes that a peer has answered. Returns how long it had been failing, if the log has to say so.
    pub(in crate::session) fn answered(&self, peer: &PeerName, now: Instant) -> Option<Duration> {
        let mut peers = self.peers();
        let failed_for = peers.get_mut(peer)?.answered(now);
        // A peer that no session uses any more must not cost the others a look-up for ever.
        peers.retain(|_, state| !state.is_over(now));
        self.count(&peers);
        failed_for
    }

    fn count(&self, peers: &HashMap<PeerName, State>) {
        let failing = peers.values().filter(|state| state.is_failing()).count();
        self.failing.store(failing, Ordering::Relaxed);
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<PeerName, State>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURE: Failure = Failure {
        visible: true,
        effect: Effect::NoLogin,
    };

    fn peer(port: usize) -> PeerName {
        PeerName::upstream(format_args!("127.0.0.1:{port}"))
    }

    #[test]
    fn peers_are_independent() {
        let (failures, now) = (PeerFailures::default(), Instant::now());
        assert!(!failures.any());
        assert_eq!(failures.answered(&peer(1), now), None);
        assert_eq!(failures.failed(&peer(1), now, FAILURE), Report::FIRST);
        assert_eq!(failures.failed(&peer(2), now, FAILURE), Report::FIRST);
        assert!(failures.failed(&peer(2), now, FAILURE).demoted);
        assert_eq!(failures.answered(&peer(1), now), Some(Duration::ZERO));
        assert!(failures.any());
        let later = now + Duration::from_secs(40);
        assert_eq!(failures.answered(&peer(2), later), Some(later - now));
        assert!(!failures.any());
    }

    #[test]
    fn memory_is_bounded() {
        let (failures, now) = (PeerFailures::default(), Instant::now());
        for port in 0..2 * MOST {
            assert_eq!(failures.failed(&peer(port), now, FAILURE), Report::FIRST);
        }
        assert_eq!(failures.peers().len(), MOST);
        assert!(failures.failed(&peer(0), now, FAILURE).demoted);
        let last = peer(2 * MOST - 1);
        assert!(!failures.failed(&last, now, FAILURE).demoted);
        let later = now + Duration::from_secs(2 * 3600);
        assert_eq!(failures.failed(&last, later, FAILURE), Report::FIRST);
        assert!(
            failures.failed(&last, later, FAILURE).demoted,
            "there is room"
        );
    }

    #[test]
    fn a_peer_that_is_not_used_any_more_is_forgotten() {
        let (failures, now) = (PeerFailures::default(), Instant::now());
        failures.failed(&peer(1), now, FAILURE);
        let later = now + Duration::from_secs(2 * 3600);
        failures.failed(&peer(2), later, FAILURE);
        failures.answered(&peer(2), later);
        assert!(!failures.any());
        assert_eq!(failures.failed(&peer(1), later, FAILURE), Report::FIRST);
    }
}
