//! The state of one peer that has failed. The caller passes the clock in.

use std::time::{Duration, Instant};

/// The failures of an outage that the first summary counts.
const FIRST_SUMMARY: u64 = 3;
/// The shortest time between two lines about one peer, from the second change of its state on, and the longest.
const INTERVALS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));
/// A peer without failures for this long begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// A peer that has failed.
#[derive(Debug)]
pub(super) struct State {
    status: Status,
    /// The latest failure or answer.
    latest: Instant,
    /// The next summary is not due before this time, and neither is the next change of state.
    due: Instant,
    /// The time from the next line to the one after it.
    interval: Duration,
}

#[derive(Debug)]
enum Status {
    /// Since the first failure.
    Failing {
        since: Instant,
        failures: u64,
        shown: Shown,
    },
    /// It has answered a session since.
    Answering,
}

/// What the log shows of an outage at level error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    /// A session that was cut off. That is no outage yet.
    Interruption,
    /// An outage, whose end is shown too.
    Outage,
}

/// A failure of a peer in one session.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Failure {
    /// Its own line has level error or a more severe one.
    pub visible: bool,
    pub effect: Effect,
}

/// What a failure means to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Effect {
    /// It cannot log in.
    NoLogin,
    /// Its session is cut off after the login.
    CutOff,
}

/// How the log shows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct Report {
    /// The failure's own line has level info at most.
    pub demoted: bool,
    /// A summary is due, with this number of failures.
    pub summary: Option<u64>,
}

impl Report {
    /// The failure's own line alone.
    pub const FIRST: Self = Self {
        demoted: false,
        summary: None,
    };
    const DEMOTED: Self = Self {
        demoted: true,
        summary: None,
    };
}

impl State {
    /// A peer that fails for the first time.
    pub fn new(now: Instant, failure: Failure) -> Self {
        Self {
            status: Status::Failing {
                since: now,
                failures: 1,
                shown: failure.shown(),
            },
            latest: now,
            due: now,
            interval: INTERVALS.0,
        }
    }

    /// Whether the peer has not answered since its last failure.
    pub fn is_failing(&self) -> bool {
        matches!(self.status, Status::Failing { .. })
    }

    /// Whether the state has no meaning any more.
    pub fn is_over(&self, now: Instant) -> bool {
        let limit = match self.status {
            Status::Failing { .. } => FORGOTTEN_AFTER,
            Status::Answering => INTERVALS.1,
        };
        now.saturating_duration_since(self.latest) >= limit
    }

    /// The peer fails again.
    pub fn failed(&mut self, now: Instant, failure: Failure) -> Report {
        self.latest = now;
        let is_due = now >= self.due;
        let Status::Failing {
            failures, shown, ..
        } = &mut self.status
        else {
            // A peer that fails and answers in turn has few lines.
            self.status = Status::Failing {
                since: now,
                failures: 1,
                shown: match is_due {
                    true => failure.shown(),
                    false => Shown::Nothing,
                },
            };
            return match is_due {
                true => Report::FIRST,
                false => Report::DEMOTED,
            };
        };
        *failures += 1;
        let count = *failures;
        let is_summarized = match shown {
            Shown::Nothing => is_due && count >= FIRST_SUMMARY,
            Shown::Interruption | Shown::Outage => {
                count == FIRST_SUMMARY || is_due && count > FIRST_SUMMARY
            }
        };
        if is_summarized {
            *shown = Shown::Outage;
            self.postpone(now);
            return Report {
                demoted: true,
                summary: Some(count),
            };
        }
        if *shown == Shown::Nothing && is_due {
            *shown = failure.shown();
            return Report::FIRST;
        }
        if *shown == Shown::Interruption && failure.effect == Effect::NoLogin {
            *shown = Shown::Outage;
        }
        Report::DEMOTED
    }

    /// The peer answers. Returns how long it had been failing, if its failures were shown.
    pub fn answered(&mut self, now: Instant) -> Option<Duration> {
        let Status::Failing { since, shown, .. } = self.status else {
            return None;
        };
        self.status = Status::Answering;
        self.latest = now;
        if shown != Shown::Nothing {
            self.postpone(now);
        }
        (shown == Shown::Outage).then(|| now.saturating_duration_since(since))
    }

    /// Sets the time of the next line.
    fn postpone(&mut self, now: Instant) {
        self.due = now + self.interval;
        self.interval = (2 * self.interval).min(INTERVALS.1);
    }
}

impl Failure {
    /// What the failure's own line shows.
    fn shown(self) -> Shown {
        match (self.visible, self.effect) {
            (false, _) => Shown::Nothing,
            (true, Effect::CutOff) => Shown::Interruption,
            (true, Effect::NoLogin) => Shown::Outage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: Failure = Failure {
        visible: true,
        effect: Effect::NoLogin,
    };
    const INFO: Failure = Failure {
        visible: false,
        effect: Effect::NoLogin,
    };
    const CUT_OFF: Failure = Failure {
        visible: true,
        effect: Effect::CutOff,
    };

    /// Plays events, each at its second, and returns what the log shows at level error: `line`, the count of a summary, `back N`.
    fn play(events: &[(u64, Option<Failure>)]) -> Vec<String> {
        let begun = Instant::now();
        let mut shown = Vec::new();
        let mut state: Option<State> = None;
        for &(second, event) in events {
            let now = begun + Duration::from_secs(second);
            let line = match (event, &mut state) {
                (Some(failure), None) => {
                    state = Some(State::new(now, failure));
                    failure.visible.then(|| "line".to_owned())
                }
                (Some(failure), Some(state)) => match state.failed(now, failure) {
                    Report {
                        summary: Some(count),
                        ..
                    } => Some(count.to_string()),
                    report => (!report.demoted && failure.visible).then(|| "line".to_owned()),
                },
                (None, Some(state)) => {
                    let back = state.answered(now);
                    back.map(|after| format!("back {}", after.as_secs()))
                }
                (None, None) => None,
            };
            shown.extend(line.map(|line| format!("{second}: {line}")));
        }
        shown
    }

    fn failing_each_second(seconds: std::ops::RangeInclusive<u64>) -> Vec<(u64, Option<Failure>)> {
        seconds.map(|second| (second, Some(ERROR))).collect()
    }

    #[test]
    fn one_failure_has_its_own_line() {
        let events = [(0, Some(ERROR)), (40, None), (41, None)];
        assert_eq!(play(&events), ["0: line", "40: back 40"]);
    }

    #[test]
    fn an_outage_has_summaries_that_grow_rare() {
        let mut events = failing_each_second(0..=2000);
        events.push((2001, None));
        let shown = play(&events);
        let summaries = [
            "0: line",
            "2: 3",
            "12: 13",
            "32: 33",
            "72: 73",
            "152: 153",
            "312: 313",
            "612: 613",
            "912: 913",
            "1212: 1213",
            "1512: 1513",
            "1812: 1813",
            "2001: back 2001",
        ];
        assert_eq!(shown, summaries);
    }

    #[test]
    fn a_peer_that_fails_and_answers_in_turn_has_few_lines() {
        let events: Vec<_> = (0..2000)
            .map(|second| (second, (second % 2 == 0).then_some(ERROR)))
            .collect();
        let shown = play(&events);
        assert_eq!(
            shown[..4],
            ["0: line", "1: back 1", "12: line", "13: back 1"]
        );
        assert!(shown.len() < 24, "{shown:?}");
        assert_eq!(shown.len() % 2, 0, "each outage that is shown has its end");
    }

    #[test]
    fn an_outage_soon_after_another_one_is_shown_once_it_lasts() {
        let mut events = vec![(0, Some(ERROR)), (1, None)];
        events.extend(failing_each_second(2..=20));
        events.push((21, None));
        assert_eq!(
            play(&events),
            ["0: line", "1: back 1", "11: 10", "21: back 19"]
        );
    }

    #[test]
    fn failures_without_a_visible_line_have_a_summary() {
        let events = [
            (0, Some(INFO)),
            (60, Some(INFO)),
            (120, Some(INFO)),
            (121, None),
        ];
        assert_eq!(play(&events), ["120: 3", "121: back 121"]);
        assert!(play(&[(0, Some(INFO)), (1, Some(INFO)), (2, None)]).is_empty());
        let events = [(0, Some(INFO)), (1, Some(ERROR)), (2, None)];
        assert_eq!(play(&events), ["1: line", "2: back 2"]);
    }

    #[test]
    fn a_session_that_is_cut_off_is_no_outage() {
        assert_eq!(play(&[(0, Some(CUT_OFF)), (1, None)]), ["0: line"]);
        let events = [(0, Some(CUT_OFF)), (1, Some(ERROR)), (2, None)];
        assert_eq!(play(&events), ["0: line", "2: back 2"]);
        let many = [(0, Some(CUT_OFF)); 1000];
        assert_eq!(play(&many), ["0: line", "0: 3"]);
    }

    #[test]
    fn a_quiet_peer_begins_anew() {
        let begun = Instant::now();
        let mut state = State::new(begun, ERROR);
        let hour = Duration::from_secs(3600);
        assert!(!state.is_over(begun + hour / 2));
        assert!(state.is_over(begun + hour));
        state.answered(begun);
        assert!(!state.is_over(begun + Duration::from_secs(299)));
        assert!(state.is_over(begun + Duration::from_secs(300)));
    }
}
