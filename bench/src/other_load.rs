//! The CPU time that other processes use during a run: it makes figures noise.

use std::fs;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::failure::{Context as _, Failure};

/// Above this share of the machine's CPU time a run should be repeated.
pub const TOO_MUCH: f64 = 0.05;

/// CPU times at one moment, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// All cores, idle time included.
    all: f64,
    /// All cores, without idle time.
    busy: f64,
    /// This process and its children that have ended.
    own: f64,
}

impl Moment {
    /// Now.
    ///
    /// # Errors
    /// When /proc/stat cannot be read.
    pub fn now() -> Result<Self, Failure> {
        let context = || "read /proc/stat".to_owned();
        let text = fs::read_to_string("/proc/stat").context(context)?;
        let (all, busy) =
            parse(&text).ok_or_else(|| Failure::new("/proc/stat has no CPU times"))?;
        let mut own = 0.0;
        for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
            let usage = getrusage(who).context(|| "read the CPU time".to_owned())?;
            own += (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6;
        }
        Ok(Self { all, busy, own })
    }

    /// The share of the machine's CPU time that others have used since `before`: 0 to 1.
    #[must_use]
    pub fn others_since(&self, before: &Self) -> f64 {
        let all = self.all - before.all;
        let others = (self.busy - before.busy) - (self.own - before.own);
        if all > 0.0 {
            (others / all).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }
}

/// All and busy CPU time, from the first line of /proc/stat (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal
/// in hundredths of a second; guest time is part of user time.
fn parse(text: &str) -> Option<(f64, f64)> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line
        .split_whitespace()
        .take(8)
        .filter_map(|word| word.parse().ok())
        .collect();
    let [_, _, _, idle, wait, ..] = ticks[..] else {
        return None;
    };
    let all: f64 = ticks.iter().sum();
    Some((all / 100.0, (all - idle - wait) / 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_of_others() {
        let text = "cpu  100 0 200 500 100 10 20 70 5 0\ncpu0 1\n";
        assert_eq!(parse(text), Some((10.0, 4.0)));
        assert_eq!(parse("intr 5\n"), None);
        let moment = |all, busy, own| Moment { all, busy, own };
        let share = moment(20.0, 10.0, 5.0).others_since(&moment(10.0, 4.0, 1.0));
        assert!((share - 0.2).abs() < 1e-9, "{share}");
    }
}
