//! Failed logins for each key.
//!
//! Each failure counts 1000 and is forgotten at the rate of the zone, the oldest one first, as in ngx_http_limit_req_module. Where a zone
//! counts distinct passwords, it keeps a hash of login and password with a random key of the zone: a password that has failed before is
//! not counted again, and one that was accepted before is never refused. An attempt counts as failed while it is being decided, so
//! that many at once do not get past the limit.

use std::hash::{BuildHasher, Hash, RandomState};
use std::mem::size_of;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::figures::{Tally, Zone, ZoneFigures, zones};
use super::table::{Key, PER_ALLOCATION, Table, Value};
use crate::config::Rate;

/// One failure.
const ONE: u64 = 1000;
/// The most records of one key.
const MOST: usize = 128;

/// Counts the failed logins of each key.
#[derive(Debug)]
pub struct AuthZone {
    table: Table<Failures>,
    tally: Tally,
    secret: RandomState,
    begun: Instant,
}

/// The failures of one key.
#[derive(Debug, Default)]
struct Failures {
    /// The oldest first.
    records: Vec<Record>,
    /// The time in milliseconds up to which failures are forgotten.
    settled: u64,
    /// The attempts that are being decided.
    pending: u32,
}

/// Failures of one login from one address, or what is known about one password.
#[derive(Clone, Copy, Debug)]
struct Record {
    /// The hash of login and address.
    who: u32,
    /// The hash of login and password; 0 where passwords are not told apart.
    what: u32,
    /// What still counts, in thousandths.
    left: u32,
    mark: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// Failures.
    Failed,
    /// A password that has failed.
    Wrong,
    /// A password that was accepted.
    Right,
}

impl Value for Failures {
    const USUAL: usize = size_of::<Record>() + PER_ALLOCATION;

    fn owned(&self) -> usize {
        match self.records.capacity() {
            0 => 0,
            records => records * size_of::<Record>() + PER_ALLOCATION,
        }
    }
}

/// A login attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    pub key: &'a [u8],
    pub login: &'a [u8],
    /// The client's address.
    pub address: &'a [u8],
    /// What the client proves the login with, where different ones are told apart.
    pub password: Option<&'a [u8]>,
}

/// How many logins may fail.
#[derive(Clone, Copy, Debug)]
pub struct AuthLimit {
    pub rate: Rate,
    /// How many may fail at once beside the first one.
    pub burst: u64,
}

impl AuthLimit {
    /// The most that may count, in thousandths.
    pub fn most(self) -> u64 {
        self.burst.saturating_add(1).saturating_mul(ONE)
    }
}

/// The result of a check.
#[derive(Debug)]
pub enum AuthVerdict {
    /// The login may be tried.
    Passed(AuthPermit),
    /// So many attempts are being decided that the limit may be reached: check again in a moment.
    Busy,
    /// Too many have failed. After this time, another attempt is possible.
    Over(Duration),
}

/// An attempt that is being decided. Without a result it does not count.
#[derive(Debug)]
pub struct AuthPermit {
    zone: Arc<AuthZone>,
    key: Key,
    who: u32,
    what: u32,
    rate: Rate,
    /// It counts as failed until it is decided.
    is_pending: bool,
}

zones!(AuthZone);

impl AuthZone {
    /// A zone that needs at most `size` bytes.
    pub fn new(size: usize, now: Instant) -> Self {
        Self {
            table: Table::new(size),
            tally: Tally::default(),
            secret: RandomState::new(),
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

    /// Whether a login may be tried.
    pub fn check(
        self: &Arc<Self>,
        attempt: &Attempt<'_>,
        limit: AuthLimit,
        now: Instant,
    ) -> AuthVerdict {
        let (verdict, permit) = self.look_up(attempt, limit, now);
        match verdict {
            None => AuthVerdict::Passed(permit),
            Some(other) => other,
        }
    }

    /// The attempt of a client that is not limited, whose result is to be counted.
    pub fn watch(self: &Arc<Self>, attempt: &Attempt<'_>, limit: AuthLimit) -> AuthPermit {
        let mut permit = self.permit(attempt, limit.rate);
        permit.is_pending = false;
        permit
    }

    fn permit(self: &Arc<Self>, attempt: &Attempt<'_>, rate: Rate) -> AuthPermit {
        let Attempt {
            key,
            login,
            address,
            password,
        } = *attempt;
        AuthPermit {
            zone: Arc::clone(self),
            key: self.table.key(key),
            who: self.hash((0_u8, login, address)),
            what: password.map_or(0, |password| self.hash((1_u8, login, password)).max(1)),
            rate,
            is_pending: true,
        }
    }

    fn look_up(
        self: &Arc<Self>,
        attempt: &Attempt<'_>,
        limit: AuthLimit,
        now: Instant,
    ) -> (Option<AuthVerdict>, AuthPermit) {
        let mut permit = self.permit(attempt, limit.rate);
        let most = limit.most();
        let now = self.time(now);
        let verdict = self.table.update(permit.key, |failures| {
            failures.forget(limit.rate, now);
            let known = failures.known(permit.what);
            if known == Some(Mark::Right) {
                permit.is_pending = false;
                return None;
            }
            let counted = failures.counted() + ONE;
            if counted > most {
                let wait = limit.rate.time(counted - most);
                return Some(AuthVerdict::Over(wait));
            }
            if known == Some(Mark::Wrong) {
                permit.is_pending = false;
                return None;
            }
            if counted + u64::from(failures.pending) * ONE > most {
                return Some(AuthVerdict::Busy);
            }
            failures.pending += 1;
            None
        });
        permit.is_pending &= verdict.is_none();
        (verdict, permit)
    }

    /// Half of a hash with the key of the zone: it tells apart the few records of one entry.
    fn hash(&self, value: impl Hash) -> u32 {
        self.secret.hash_one(value) as u32
    }

    fn time(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.begun).as_millis();
        u64::try_from(elapsed).unwrap_or(u64::MAX)
    }
}

impl AuthPermit {
    /// The login failed.
    pub fn failed(mut self, now: Instant) {
        let now = self.zone.time(now);
        let was_pending = std::mem::take(&mut self.is_pending);
        self.zone.table.update(self.key, |failures| {
            failures.decided(was_pending);
            failures.forget(self.rate, now);
            failures.add(self.who, self.what);
        });
    }

    /// The login was accepted: its failures from this address do not count any more.
    pub fn succeeded(mut self) {
        let was_pending = std::mem::take(&mut self.is_pending);
        let change = |failures: &mut Failures| {
            failures.decided(was_pending);
            failures.accept(self.who, self.what);
        };
        match self.what {
            0 => self.zone.table.retain(self.key, |failures| {
                change(failures);
                !failures.is_empty()
            }),
            _ => self.zone.table.update(self.key, change),
        }
    }
}

impl Drop for AuthPermit {
    fn drop(&mut self) {
        if self.is_pending {
            self.zone.table.retain(self.key, |failures| {
                failures.decided(true);
                !failures.is_empty()
            });
        }
    }
}

impl Failures {
    fn is_empty(&self) -> bool {
        self.pending == 0 && self.records.is_empty()
    }

    /// Forgets failures at this rate up to now, the oldest first.
    fn forget(&mut self, rate: Rate, now: u64) {
        let counted = self.counted();
        let gone = rate.amount(now.saturating_sub(self.settled)).min(counted);
        if gone == counted {
            self.settled = now;
        } else {
            // The part of a thousandth that is left counts later.
            let settled = rate.time(gone).as_millis();
            self.settled += u64::try_from(settled).unwrap_or(u64::MAX);
            self.settled = self.settled.min(now);
        }
        let mut gone = gone;
        for record in &mut self.records {
            let less = u64::from(record.left).min(gone);
            record.left -= u32::try_from(less).unwrap_or(record.left);
            gone -= less;
        }
        self.records
            .retain(|record| record.left > 0 || record.mark != Mark::Failed);
    }

    /// What counts, in thousandths.
    fn counted(&self) -> u64 {
        self.records
            .iter()
            .map(|record| u64::from(record.left))
            .sum()
    }

    /// What is known about a password.
    fn known(&self, what: u32) -> Option<Mark> {
        let mut records = self.records.iter();
        let known = records.find(|record| what != 0 && record.what == what);
        known.map(|record| record.mark)
    }

    /// An attempt is decided.
    fn decided(&mut self, was_pending: bool) {
        self.pending = self.pending.saturating_sub(u32::from(was_pending));
    }

    /// Adds a failure, unless this password has failed before.
    fn add(&mut self, who: u32, what: u32) {
        let one = ONE as u32;
        if what == 0 {
            let before = self.take(|record| record.mark == Mark::Failed && record.who == who);
            let left = before.map_or(0, |record| record.left).saturating_add(one);
            let mark = Mark::Failed;
            return self.push(Record {
                who,
                what,
                left,
                mark,
            });
        }
        let before = self.take(|record| record.what == what);
        let left = match before {
            Some(record) if record.mark == Mark::Wrong => record.left,
            _ => one,
        };
        let mark = Mark::Wrong;
        self.push(Record {
            who,
            what,
            left,
            mark,
        });
    }

    /// Removes the failures of a login from an address, and remembers its password.
    fn accept(&mut self, who: u32, what: u32) {
        self.records.retain(|record| {
            let is_own = record.who == who && record.mark != Mark::Right;
            !is_own && (what == 0 || record.what != what)
        });
        if what != 0 {
            let mark = Mark::Right;
            self.push(Record {
                who,
                what,
                left: 0,
                mark,
            });
        }
    }

    fn take(&mut self, is_it: impl Fn(&Record) -> bool) -> Option<Record> {
        let at = self.records.iter().position(is_it)?;
        Some(self.records.remove(at))
    }

    /// Adds a record as the newest one. If there are too many, one that does not count leaves, or the two oldest become one.
    fn push(&mut self, record: Record) {
        if self.records.len() == MOST && self.take(|record| record.left == 0).is_none() {
            let oldest = self.records.remove(0);
            if let Some(next) = self.records.first_mut() {
                *next = Record {
                    who: 0,
                    what: 0,
                    left: next.left.saturating_add(oldest.left),
                    mark: Mark::Failed,
                };
            }
        }
        if self.records.len() == self.records.capacity() {
            // Most have one.
            self.records.reserve_exact(self.records.len().max(1));
        }
        self.records.push(record);
    }
}
