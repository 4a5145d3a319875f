//! When a worker that has died is started again.

use std::time::{Duration, Instant};

/// A worker that lived this long died for a reason of its own.
const STEADY: Duration = Duration::from_secs(10);
/// Deaths in a row after which the next worker is started at once.
const AT_ONCE: u32 = 3;
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(30);

/// Counts deaths in a row.
#[derive(Debug, Default)]
pub struct Restarts {
    deaths: u32,
    /// When the next worker is due.
    pub due: Option<Instant>,
}

impl Restarts {
    /// Notes that a worker has died after so long. Returns the number of deaths in a row and the pause before the next start.
    pub fn after(&mut self, lived: Duration) -> (u32, Duration) {
        if lived >= STEADY {
            self.deaths = 0;
        }
        self.deaths = self.deaths.saturating_add(1);
        let doublings = self.deaths.checked_sub(AT_ONCE + 1);
        let pause = doublings.map_or(Duration::ZERO, |doublings| {
            Duration::from_secs(1 << doublings.min(5)).min(LONGEST)
        });
        self.due = Some(Instant::now() + pause);
        (self.deaths, pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_in_a_row_slow_down() {
        let mut restarts = Restarts::default();
        let pauses: Vec<_> = (0..10)
            .map(|_| restarts.after(Duration::ZERO).1.as_secs())
            .collect();
        assert_eq!(pauses, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(restarts.after(STEADY), (1, Duration::ZERO));
    }
}
