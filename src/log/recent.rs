//! The most recent lines of all error logs that are worth somebody's attention, for `status`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::event::Event;
use super::forms::Forms;
use crate::base::Level;
use crate::config::LineFormat;

/// The lines that are kept: at 2 kB each, they need 100 kB at most.
const KEPT: usize = 50;

static RECENT: RecentErrors = RecentErrors::new();

/// The recent errors of the process.
pub fn recent_errors() -> &'static RecentErrors {
    &RECENT
}

/// The last lines of level `warn` and above. Nothing is kept before [`RecentErrors::record`].
#[derive(Debug)]
pub struct RecentErrors {
    recording: AtomicBool,
    ring: Mutex<Ring>,
}

#[derive(Debug)]
struct Ring {
    /// How many lines there were, with those that are gone.
    recorded: u64,
    lines: VecDeque<RecentError>,
}

/// A line.
#[derive(Clone, Debug)]
pub struct RecentError {
    /// When it was written.
    pub time: SystemTime,
    /// Its level.
    pub level: Level,
    /// Its text from the number of the connection on.
    pub text: String,
}

impl RecentErrors {
    const fn new() -> Self {
        Self {
            recording: AtomicBool::new(false),
            ring: Mutex::new(Ring {
                recorded: 0,
                lines: VecDeque::new(),
            }),
        }
    }

    /// Keeps lines from now on.
    pub fn record(&self) {
        self.recording.store(true, Ordering::Relaxed);
    }

    /// How many lines there were so far.
    pub fn recorded(&self) -> u64 {
        self.ring().recorded
    }

    /// The lines, the oldest first, and how many there were so far.
    pub fn lines(&self) -> (Vec<RecentError>, u64) {
        let ring = self.ring();
        (ring.lines.iter().cloned().collect(), ring.recorded)
    }

    /// Keeps the line of an event.
    pub(super) fn note(&self, event: &Event<'_>, forms: &mut Forms<'_>) {
        if event.level > Level::Warn || !self.recording.load(Ordering::Relaxed) {
            return;
        }
        let line = String::from_utf8_lossy(forms.line(LineFormat::Text));
        // What comes before is the time, the level and the process.
        let text = line.split_once(": ").map_or(&*line, |(_, text)| text);
        let error = RecentError {
            time: event.time,
            level: event.level,
            text: text.trim_end().to_owned(),
        };
        let mut ring = self.ring();
        ring.recorded += 1;
        if ring.lines.len() == KEPT {
            ring.lines.pop_front();
        }
        ring.lines.push_back(error);
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(errors: &RecentErrors, level: Level, number: u64) {
        let message = format_args!("line {number}: text");
        let event = Event::new(level, Some(number), message);
        errors.note(&event, &mut Forms::of(&event));
    }

    #[test]
    fn the_last_lines_are_kept() {
        let errors = RecentErrors::new();
        note(&errors, Level::Error, 0);
        assert_eq!(errors.recorded(), 0, "nobody reads them");
        errors.record();
        note(&errors, Level::Notice, 0);
        let all = KEPT as u64 + 7;
        for number in 1..=all {
            note(&errors, Level::Warn, number);
        }
        let (lines, recorded) = errors.lines();
        assert_eq!((lines.len(), recorded), (KEPT, all));
        let text = &lines[0].text;
        assert!(text.starts_with("*8 line 8: text, session: "), "{text}");
        assert_eq!(lines[0].level, Level::Warn);
    }
}
