//! `rate=N` of an `error_log`: how many of its lines are written in a second.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts the lines of one log by the seconds of their time stamps.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: NonZeroU32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The second in which lines are counted, since 1970.
    second: u64,
    /// The lines written in it.
    written: u32,
    /// The lines suppressed since the last report.
    suppressed: u64,
    /// Somebody reports them at the end of the second.
    is_awaited: bool,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is written, after the report of this many suppressed lines.
    Written { suppressed: u64 },
    /// It is suppressed. A report at the end of the second is under way.
    Suppressed,
    /// Likewise, and the caller must have the report made.
    SuppressedFirst,
}

impl Limiter {
    pub(super) fn new(rate: NonZeroU32) -> Self {
        Self {
            rate,
            state: Mutex::default(),
        }
    }

    /// The most lines in a second.
    pub(super) fn rate(&self) -> NonZeroU32 {
        self.rate
    }

    /// Counts a line of this second.
    pub(super) fn admit(&self, second: u64) -> Verdict {
        let mut state = self.state();
        // The clock may be set back.
        if state.second != second {
            state.second = second;
            state.written = 0;
        }
        if state.written < self.rate.get() {
            state.written += 1;
            return Verdict::Written {
                suppressed: std::mem::take(&mut state.suppressed),
            };
        }
        state.suppressed += 1;
        match std::mem::replace(&mut state.is_awaited, true) {
            true => Verdict::Suppressed,
            false => Verdict::SuppressedFirst,
        }
    }

    /// Takes the number of suppressed lines, to report it before a line that is never suppressed.
    pub(super) fn take(&self) -> u64 {
        std::mem::take(&mut self.state().suppressed)
    }

    /// Takes the number of suppressed lines for the report at the end of the second.
    pub(super) fn take_awaited(&self) -> u64 {
        let mut state = self.state();
        state.is_awaited = false;
        std::mem::take(&mut state.suppressed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_rate_are_counted_until_they_are_reported() {
        let limiter = Limiter::new(NonZeroU32::new(2).unwrap());
        let written = |suppressed| Verdict::Written { suppressed };
        assert_eq!(limiter.admit(10), written(0));
        assert_eq!(limiter.admit(10), written(0));
        assert_eq!(limiter.admit(10), Verdict::SuppressedFirst);
        assert_eq!(limiter.admit(10), Verdict::Suppressed);
        assert_eq!(limiter.admit(11), written(2));
        assert_eq!(limiter.admit(11), written(0));
        assert_eq!(limiter.admit(11), Verdict::Suppressed);
        assert_eq!(limiter.take_awaited(), 1);
        assert_eq!(limiter.admit(11), Verdict::SuppressedFirst);
        assert_eq!(limiter.take(), 1);
        // The clock is set back.
        assert_eq!(limiter.admit(5), written(0));
    }
}
