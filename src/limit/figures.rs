//! What zones have decided and what they need, for the status pages.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a zone has decided so far.
#[derive(Debug, Default)]
pub struct Tally {
    passed: AtomicU64,
    delayed: AtomicU64,
    limited: AtomicU64,
}

/// What a zone decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Goes on.
    Passed,
    /// Has to wait before that.
    Delayed,
    /// Is refused, or would be without a dry run.
    Limited,
}

impl Tally {
    /// Counts a decision.
    pub fn count(&self, decision: Decision) {
        let counter = match decision {
            Decision::Passed => &self.passed,
            Decision::Delayed => &self.delayed,
            Decision::Limited => &self.limited,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The figures of a zone at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneFigures {
    /// The number of keys.
    pub entries: usize,
    /// The memory in use, in bytes.
    pub used: usize,
    pub passed: u64,
    pub delayed: u64,
    pub limited: u64,
}

impl ZoneFigures {
    /// Those of a zone with so many keys in so many bytes.
    pub(super) fn of(entries: usize, used: usize, tally: &Tally) -> Self {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Self {
            entries,
            used,
            passed: value(&tally.passed),
            delayed: value(&tally.delayed),
            limited: value(&tally.limited),
        }
    }
}

/// A zone of any kind.
pub trait Zone: Debug + Send + Sync {
    /// What it has decided so far.
    fn tally(&self) -> &Tally;

    /// Its figures now.
    fn figures(&self) -> ZoneFigures;
}

/// Implements [`Zone`] for structs with a table and a tally.
macro_rules! zones {
    ($($zone:ty),+) => {
        $(
            impl Zone for $zone {
                fn tally(&self) -> &Tally {
                    &self.tally
                }

                fn figures(&self) -> ZoneFigures {
                    ZoneFigures::of(self.table.len(), self.table.used(), &self.tally)
                }
            }
        )+
    };
}
pub(super) use zones;
