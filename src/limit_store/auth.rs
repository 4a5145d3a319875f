//! Failed logins in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::LimitStore;
use super::script::{AUTH, Arguments};
use crate::config::LimitZone;
use crate::limit::{Attempt, AuthLimit};

/// How long an attempt counts that is never decided: its gateway is gone.
const DECIDED_IN: Duration = Duration::from_secs(60);
/// How long a password is known that was accepted.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// A login in one zone.
#[derive(Clone, Copy, Debug)]
pub struct LoginCheck<'a> {
    pub zone: &'a LimitZone,
    pub attempt: Attempt<'a>,
    pub limit: AuthLimit,
}

/// What a zone says about a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may be tried.
    Passed,
    /// So many attempts are being decided that the limit may be reached.
    Busy,
    /// Too many have failed. After this time, another attempt is possible.
    Over(Duration),
}

/// The call of a script about an attempt, without its first argument.
#[derive(Clone, Debug)]
struct Call {
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

/// What happens to an attempt.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Check,
    /// A check that keeps nobody from trying.
    DryCheck,
    Failed,
    Succeeded,
    /// It was not decided.
    GivenUp,
}

/// An attempt that is being decided. Without a result it does not count.
#[derive(Debug)]
pub struct StorePermit {
    store: Arc<LimitStore>,
    call: Call,
    /// It counts as failed until it is decided.
    is_pending: bool,
}

impl LimitStore {
    /// Checks a login in several zones. If one of them does not let it pass, it counts in none, except in a dry run. The permit takes
    /// the result of a login that is tried all the same. `None`: the store is lost.
    pub async fn check_login(
        self: &Arc<Self>,
        checks: &[LoginCheck<'_>],
        is_dry: bool,
    ) -> Option<(Vec<Standing>, StorePermit)> {
        let call = self.call(checks);
        let operation = match is_dry {
            true => Operation::DryCheck,
            false => Operation::Check,
        };
        let answer = self.peer.call(&AUTH, &call.with(operation)).await?;
        let (pairs, _) = answer.as_chunks();
        let standings: Vec<_> = pairs.iter().map(Standing::of).collect();
        let is_pending = is_dry || standings.iter().all(|one| *one == Standing::Passed);
        let permit = StorePermit {
            store: Arc::clone(self),
            call,
            is_pending,
        };
        (standings.len() == checks.len()).then_some((standings, permit))
    }

    fn call(&self, checks: &[LoginCheck<'_>]) -> Call {
        static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
        let number = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
        let attempt = [self.process.to_be_bytes(), number.to_be_bytes()].concat();
        // Login and address are the same in all zones.
        let first = checks.first().map(|check| &check.attempt);
        let who = first.map(|one| self.hasher.login(one.login, one.address));
        let times = [DECIDED_IN, REMEMBERED].map(|time| time.as_millis().to_string().into_bytes());
        let mut call = Call {
            keys: Vec::new(),
            arguments: vec![attempt, who.unwrap_or_default()],
        };
        call.arguments.extend(times);
        for LoginCheck {
            zone,
            attempt,
            limit,
        } in checks
        {
            call.keys.push(self.entry(zone, attempt.key));
            let numbers = [limit.rate.number, limit.rate.time, limit.most()];
            let numbers = numbers.map(|number| number.to_string().into_bytes());
            call.arguments.extend(numbers);
            let password = attempt.password;
            let what = password.and_then(|password| self.hasher.password(attempt.login, password));
            call.arguments.push(what.unwrap_or_default());
        }
        call
    }
}

impl Standing {
    fn of([standing, wait]: &[i64; 2]) -> Self {
        match standing {
            0 => Self::Passed,
            1 => Self::Busy,
            _ => Self::Over(Duration::from_millis(wait.unsigned_abs())),
        }
    }
}

impl Call {
    fn with(&self, operation: Operation) -> Arguments {
        let word: &[u8] = match operation {
            Operation::Check => b"check",
            Operation::DryCheck => b"dry",
            Operation::Failed => b"failed",
            Operation::Succeeded => b"succeeded",
            Operation::GivenUp => b"given up",
        };
        let mut arguments = vec![word.to_vec()];
        arguments.extend_from_slice(&self.arguments);
        Arguments {
            keys: self.keys.clone(),
            arguments,
        }
    }
}

impl StorePermit {
    /// The login failed.
    pub fn failed(self) {
        self.decided(Operation::Failed);
    }

    /// The login was accepted: its failures from this address do not count any more.
    pub fn succeeded(self) {
        self.decided(Operation::Succeeded);
    }

    fn decided(mut self, operation: Operation) {
        self.is_pending = false;
        self.store.tell(&AUTH, self.call.with(operation));
    }
}

impl Drop for StorePermit {
    fn drop(&mut self) {
        if self.is_pending {
            self.store.tell(&AUTH, self.call.with(Operation::GivenUp));
        }
    }
}
