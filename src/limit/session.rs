//! New sessions for each key, by the arithmetic of ngx_http_limit_req_module: in thousandths of a session, with its rounding.

use std::time::{Duration, Instant};

use super::figures::{Tally, Zone, ZoneFigures, zones};
use super::table::{Table, Value};

/// The time of a zone at its beginning, in milliseconds: an entry that was never used is older than any other.
const BEGINNING: i64 = 1 << 40;

/// Limits the rate of new sessions of each key.
#[derive(Debug)]
pub struct SessionZone {
    table: Table<Bucket>,
    tally: Tally,
    begun: Instant,
}

/// The sessions of one key.
#[derive(Debug, Default)]
struct Bucket {
    /// The sessions above the rate, in thousandths.
    excess: i64,
    /// The time of the last session in milliseconds.
    last: i64,
}

impl Value for Bucket {
    const USUAL: usize = 0;

    fn owned(&self) -> usize {
        0
    }
}

/// A new session in one zone.
#[derive(Clone, Copy, Debug)]
pub struct SessionCheck<'a> {
    pub zone: &'a SessionZone,
    pub key: &'a [u8],
    /// Thousandths of a session per second.
    pub rate: u64,
    /// The excess above which sessions are refused, in thousandths.
    pub burst: u64,
    /// The excess above which sessions are delayed, in thousandths.
    pub delay: u64,
}

/// The result of all checks of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionVerdict {
    /// It is within the rates.
    Passed,
    /// It has to wait, because of the check with this index. `excess` is in thousandths.
    Delayed {
        index: usize,
        excess: u64,
        wait: Duration,
    },
    /// It is refused by the check with this index. It counts in no zone.
    Refused { index: usize, excess: u64 },
}

zones!(SessionZone);

impl SessionZone {
    /// A zone that needs at most `size` bytes.
    pub fn new(size: usize, now: Instant) -> Self {
        Self {
            table: Table::new(size),
            tally: Tally::default(),
            begun: now,
        }
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn time(&self, now: Instant) -> i64 {
        let elapsed = now.saturating_duration_since(self.begun).as_millis();
        BEGINNING.saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }
}

impl SessionCheck<'_> {
    /// The excess with one more session. `counts`: it counts, unless it is refused.
    fn look_up(&self, now: Instant, counts: bool) -> u64 {
        let now = self.zone.time(now);
        let key = self.zone.table.key(self.key);
        self.zone.table.update(key, |bucket| {
            let elapsed = (now - bucket.last).max(0);
            let excess = bucket.excess_after(self.rate, elapsed);
            if counts && excess.unsigned_abs() <= self.burst {
                bucket.excess = excess;
                if elapsed > 0 {
                    bucket.last = now;
                }
            }
            excess.unsigned_abs()
        })
    }

    fn wait(&self, excess: u64) -> u64 {
        match excess.checked_sub(self.delay) {
            Some(over) => over * 1000 / self.rate.max(1),
            None => 0,
        }
    }

    /// Counts a session that no zone refuses.
    fn count(&self, now: Instant) -> u64 {
        let unlimited = Self {
            burst: u64::MAX,
            ..*self
        };
        unlimited.look_up(now, true)
    }
}

impl Bucket {
    fn excess_after(&self, rate: u64, elapsed: i64) -> i64 {
        let rate = i64::try_from(rate).unwrap_or(i64::MAX);
        let gone = rate.saturating_mul(elapsed) / 1000;
        self.excess.saturating_sub(gone).saturating_add(1000).max(0)
    }
}

/// Checks a new session in several zones, in this order. It counts in all of them or in none.
pub fn check_sessions(checks: &[SessionCheck<'_>], now: Instant) -> SessionVerdict {
    let Some((last, others)) = checks.split_last() else {
        return SessionVerdict::Passed;
    };
    if let Some(refused) = peek_sessions(others, now) {
        return refused;
    }
    let excess = last.look_up(now, true);
    if excess > last.burst {
        let index = others.len();
        return SessionVerdict::Refused { index, excess };
    }
    let others = others.iter().map(|check| check.count(now));
    let excesses: Vec<_> = others.chain([excess]).collect();
    slowest(checks, &excesses)
}

/// Whether a zone refuses a new session, which counts in none.
pub fn peek_sessions(checks: &[SessionCheck<'_>], now: Instant) -> Option<SessionVerdict> {
    let mut checks = checks.iter().enumerate();
    checks.find_map(|(index, check)| {
        let excess = check.look_up(now, false);
        (excess > check.burst).then_some(SessionVerdict::Refused { index, excess })
    })
}

/// The verdict about a session that no zone refuses, with its excess in each. As in nginx, the last zone decides where others wait as
/// long.
pub fn slowest(checks: &[SessionCheck<'_>], excesses: &[u64]) -> SessionVerdict {
    let mut slowest = (0, 0, 0);
    for (index, (check, excess)) in checks.iter().zip(excesses).enumerate().rev() {
        let wait = check.wait(*excess);
        if wait > slowest.0 {
            slowest = (wait, index, *excess);
        }
    }
    match slowest {
        (0, ..) => SessionVerdict::Passed,
        (wait, index, excess) => SessionVerdict::Delayed {
            index,
            excess,
            wait: Duration::from_millis(wait),
        },
    }
}
