//! The daily look at the validity of the certificates in force: a gateway may run for longer than they are valid.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::super::Master;
use crate::config::certificate_warnings;
use crate::process::process_log::ProcessLog;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When the certificates are looked at.
#[derive(Debug, Default)]
pub struct DailyCheck {
    due: Option<Instant>,
}

impl DailyCheck {
    /// Begins, unless it has begun before. Loading the configuration has given the warnings of the first day.
    pub fn start(&mut self, now: Instant) {
        self.due.get_or_insert(now + DAY);
    }

    /// The time of the next look.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether it is time to look. The next time is a day later.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.due = Some(now + DAY);
        }
        is_due
    }
}

impl Master {
    /// Warns of the certificates that end soon or have ended, once a day.
    pub(in super::super) fn check_validity(&mut self) {
        if !self.daily.is_due(Instant::now()) {
            return;
        }
        let log = ProcessLog::running(Arc::clone(&self.running.log));
        let (config, allowed) = (&self.running.config, &self.options.allowed);
        for warning in certificate_warnings(config, allowed, SystemTime::now()) {
            log.diagnose(&warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_looked_at_once_a_day() {
        let (mut daily, start) = (DailyCheck::default(), Instant::now());
        assert!(!daily.is_due(start + DAY));
        daily.start(start);
        daily.start(start + DAY / 2);
        assert_eq!(daily.due(), Some(start + DAY));
        let hours = (0..=72).map(|hour| start + hour * DAY / 24);
        let looks = hours.filter(|hour| daily.is_due(*hour));
        assert_eq!(looks.count(), 3);
    }
}
