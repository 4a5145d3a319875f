//! What active checks have found about a peer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::HealthCheck;

/// The state of a peer by active checks: healthy until they say something else.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// A copy of the record's state, for choices: they take no lock.
    is_unhealthy: AtomicBool,
    record: Mutex<Record>,
}

/// The results that count.
#[derive(Debug, Default)]
struct Record {
    /// The latest results in a row that contradict the state.
    contrary: u32,
    unhealthy_since: Option<Instant>,
}

/// A change of a peer's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthChange {
    /// It gets no more sessions.
    Unhealthy,
    /// It gets sessions again.
    Healthy {
        /// How long it was unhealthy.
        after: Duration,
    },
}

impl Health {
    /// Whether the peer must get no new sessions.
    pub fn is_unhealthy(&self) -> bool {
        self.is_unhealthy.load(Ordering::Relaxed)
    }

    /// Takes the result of a check into account. Returns the change of state that it leads to.
    pub fn note(&self, passed: bool, check: &HealthCheck, now: Instant) -> Option<HealthChange> {
        let record = self.record.lock();
        let record = &mut *record.unwrap_or_else(PoisonError::into_inner);
        if passed == record.unhealthy_since.is_none() {
            record.contrary = 0;
            return None;
        }
        record.contrary += 1;
        let needed = match passed {
            true => check.passes,
            false => check.fails,
        };
        if record.contrary < needed {
            return None;
        }
        record.contrary = 0;
        let change = match record.unhealthy_since.take() {
            Some(since) => HealthChange::Healthy {
                after: now.saturating_duration_since(since),
            },
            None => {
                record.unhealthy_since = Some(now);
                HealthChange::Unhealthy
            }
        };
        self.is_unhealthy.store(!passed, Ordering::Relaxed);
        Some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_results_in_a_row_change_the_state() {
        let check = HealthCheck {
            fails: 3,
            passes: 2,
            ..HealthCheck::default()
        };
        let (health, start) = (Health::default(), Instant::now());
        let results = "+--+---+-+--++";
        let mut changes = Vec::new();
        for (second, result) in (0..).zip(results.chars()) {
            let now = start + Duration::from_secs(second);
            let change = health.note(result == '+', &check, now);
            changes.extend(change.map(|change| (second, change)));
            let unhealthy = changes.last().map(|(_, change)| *change);
            assert_eq!(
                health.is_unhealthy(),
                unhealthy == Some(HealthChange::Unhealthy)
            );
        }
        let after = Duration::from_secs(7);
        let expected = [
            (6, HealthChange::Unhealthy),
            (13, HealthChange::Healthy { after }),
        ];
        assert_eq!(changes, expected);
    }
}
