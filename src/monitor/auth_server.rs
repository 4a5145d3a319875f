//! The requests to one auth server.

use std::time::Duration;

use super::counter::Counter;
use super::histogram::Histogram;

/// What is counted about one auth server.
#[derive(Debug)]
pub struct AuthServerCounts {
    /// Its URL.
    pub url: Box<str>,
    /// Requests without a usable answer.
    pub failed: Counter,
    /// From the request to the answer, or to the failure.
    pub duration: Histogram,
}

impl AuthServerCounts {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            failed: Counter::default(),
            duration: Histogram::of_steps(),
        }
    }

    /// Counts a request.
    pub fn note(&self, duration: Duration, answered: bool) {
        self.duration.note(duration);
        if !answered {
            self.failed.increment();
        }
    }
}
