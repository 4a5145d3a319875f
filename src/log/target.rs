//! One `error_log` line, opened.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::event::Event;
use super::forms::{Forms, line_of};
use super::limiter::{Limiter, Verdict};
use super::sink::Sink;
use crate::base::Level;
use crate::config::{LineFormat, LogTarget};

/// A sink with the level, the form and the limit of its lines.
#[derive(Debug)]
pub(super) struct Target {
    level: Level,
    format: LineFormat,
    limit: Option<Limit>,
    sink: Sink,
}

#[derive(Debug)]
struct Limit {
    limiter: Limiter,
    reports: Reports,
}

/// When suppressed lines are reported.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reports {
    /// With the next line that is written. For a process without threads.
    NextLine,
    /// At the end of the second at the latest.
    InTime,
}

impl Target {
    pub(super) fn new(target: &LogTarget, sink: Sink, reports: Reports) -> Self {
        let limit = target.rate.map(|rate| Limit {
            limiter: Limiter::new(rate),
            reports,
        });
        Self {
            level: target.level,
            format: target.format,
            limit,
            sink,
        }
    }

    /// A target of whole text.
    pub(super) fn plain(level: Level, sink: Sink) -> Self {
        Self {
            level,
            format: LineFormat::Text,
            limit: None,
            sink,
        }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Writes the line of an event whose level the target takes, unless its limit is reached.
    pub(super) fn write(self: &Arc<Self>, event: &Event<'_>, forms: &mut Forms<'_>) {
        if let Some(limit) = &self.limit
            && !self.admits(limit, event)
        {
            return;
        }
        self.sink
            .write(event.level, self.format, forms.line(self.format));
    }

    /// Reports suppressed lines now.
    pub(super) fn report_suppressed(&self) {
        if let Some(Limit { limiter, .. }) = &self.limit {
            self.report(limiter.take_awaited(), limiter);
        }
    }

    fn admits(self: &Arc<Self>, limit: &Limit, event: &Event<'_>) -> bool {
        let limiter = &limit.limiter;
        // What needs somebody's attention is never suppressed.
        if event.level <= Level::Crit {
            self.report(limiter.take(), limiter);
            return true;
        }
        let time = event.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        match limiter.admit(time.as_secs()) {
            Verdict::Written { suppressed } => {
                self.report(suppressed, limiter);
                return true;
            }
            Verdict::Suppressed => {}
            Verdict::SuppressedFirst => match limit.reports {
                Reports::NextLine => {}
                Reports::InTime => self.report_later(time),
            },
        }
        false
    }

    fn report(&self, suppressed: u64, limiter: &Limiter) {
        if suppressed > 0 {
            let rate = limiter.rate();
            let message =
                format_args!("{suppressed} lines of this log were suppressed: rate={rate}");
            let event = Event::new(Level::Warn.min(self.level), None, message);
            let line = line_of(&event, self.format);
            self.sink.write(event.level, self.format, &line);
        }
    }

    /// Has the report made when the second of `time` is over. If no thread starts, the next line makes it.
    fn report_later(self: &Arc<Self>, time: Duration) {
        let end = Duration::from_secs(time.as_secs() + 1);
        let target = Arc::clone(self);
        let report = move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let left = end.saturating_sub(now.unwrap_or_default());
            thread::sleep(left.min(Duration::from_secs(1)));
            target.report_suppressed();
        };
        let thread = thread::Builder::new().name("log".to_owned());
        // The handle is not needed: the thread ends within a second.
        drop(thread.spawn(report));
    }
}
