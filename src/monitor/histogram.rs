//! Durations, counted in intervals.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds for the steps of a session, in milliseconds.
const STEPS: &[u64] = &[
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
];
/// The upper bounds for whole sessions, in milliseconds: up to a day.
const SESSIONS: &[u64] = &[
    100, 1000, 5000, 15_000, 60_000, 300_000, 1_800_000, 3_600_000, 21_600_000, 86_400_000,
];

/// How often durations were in each interval.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds in milliseconds, rising.
    bounds: &'static [u64],
    /// One for each bound, and one for what is longer.
    counts: Box<[AtomicU64]>,
    /// The sum in microseconds.
    sum: AtomicU64,
}

/// The values of a histogram at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramValues {
    /// The upper bound of each interval in seconds, and the durations in it. The last bound is infinite.
    pub intervals: Vec<(f64, u64)>,
    /// The sum in seconds.
    pub sum: f64,
    /// The number of durations.
    pub count: u64,
}

impl Histogram {
    /// For the steps of a session.
    pub fn of_steps() -> Self {
        Self::new(STEPS)
    }

    /// For whole sessions.
    pub fn of_sessions() -> Self {
        Self::new(SESSIONS)
    }

    fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a duration.
    pub fn note(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let at = self.bounds.partition_point(|bound| bound * 1000 < micros);
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    /// The values now.
    pub fn values(&self) -> HistogramValues {
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / 1000.0);
        let counts = self.counts.iter();
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        let intervals: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        HistogramValues {
            count: intervals.iter().map(|(_, count)| count).sum(),
            intervals,
            sum: self.sum.load(Ordering::Relaxed) as f64 / 1_000_000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_interval() {
        let histogram = Histogram::of_steps();
        for micros in [0, 1000, 1001, 60_000_000, 60_000_001] {
            histogram.note(Duration::from_micros(micros));
        }
        let values = histogram.values();
        assert_eq!(values.count, 5);
        assert_eq!(values.intervals[..2], [(0.001, 2), (0.002, 1)]);
        let last = &values.intervals[values.intervals.len() - 2..];
        assert_eq!(last, [(60.0, 1), (f64::INFINITY, 1)]);
        assert!((values.sum - 120.002_002).abs() < 1e-9);
    }
}
