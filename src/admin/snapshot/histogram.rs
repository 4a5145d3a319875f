//! A histogram in the status.

use serde::Serialize;

use crate::monitor::{self, HistogramValues};

/// Durations in seconds.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Histogram {
    pub count: u64,
    pub sum: f64,
    /// The mean; absent without durations.
    pub average: Option<f64>,
    /// The durations in each interval, which ends with `le` and begins with the one before. The last one has no end.
    pub intervals: Vec<Interval>,
}

/// One interval.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Interval {
    pub le: Option<f64>,
    pub count: u64,
}

impl Histogram {
    pub(super) fn of(histogram: &monitor::Histogram) -> Self {
        let HistogramValues {
            intervals,
            sum,
            count,
        } = histogram.values();
        let intervals = intervals.into_iter();
        Self {
            count,
            sum,
            average: (count > 0).then(|| sum / count as f64),
            intervals: intervals
                .map(|(end, count)| Interval {
                    le: end.is_finite().then_some(end),
                    count,
                })
                .collect(),
        }
    }

    /// The ends of the intervals and the durations in them, as encoders want them.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let intervals = self.intervals.iter();
        let buckets =
            intervals.map(|interval| (interval.le.unwrap_or(f64::INFINITY), interval.count));
        buckets.collect()
    }
}
