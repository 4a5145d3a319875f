//! New sessions in the store.

use super::LimitStore;
use super::script::{Arguments, SESSION};
use crate::config::LimitZone;
use crate::limit::SessionCheck;

/// What the store says about a session. Each excess is in thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionAnswer {
    /// It counts in all zones, with this excess in each.
    Counted(Vec<u64>),
    /// The zone of the check with this index refuses it, and it counts in none.
    Refused { index: usize, excess: u64 },
}

impl LimitStore {
    /// Checks a new session in several zones, in this order. `None`: the store is lost.
    pub async fn check_sessions(
        &self,
        checks: &[(&LimitZone, SessionCheck<'_>)],
    ) -> Option<SessionAnswer> {
        let mut with = Arguments::default();
        for (zone, check) in checks {
            with.keys.push(self.entry(zone, check.key));
            let numbers = [check.rate, check.burst];
            let numbers = numbers.map(|number| number.to_string().into_bytes());
            with.arguments.extend(numbers);
        }
        let answer = self.peer.call(&SESSION, &with).await?;
        let (refused, excesses) = answer.split_first()?;
        let mut excesses = excesses.iter().map(|excess| excess.unsigned_abs());
        match usize::try_from(*refused).ok()?.checked_sub(1) {
            Some(index) => Some(SessionAnswer::Refused {
                index,
                excess: excesses.next()?,
            }),
            None => Some(SessionAnswer::Counted(excesses.collect())),
        }
    }
}
