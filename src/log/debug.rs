//! `tracing` events as lines of the main `error_log`: those of any crate at level debug, and this crate's errors, for parts that
//! have no log of their own.
//!
//! While the level is not debug, an event that is no error costs one load.

use std::fmt::{self, Write};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber, callsite, span};

use super::ErrorLog;
use crate::base::Escaped;
use crate::base::Level;

/// The subscriber for `tracing` events. A field named `connection` becomes the line's `*N`; an error may have another level in
/// a field named `level`.
#[derive(Clone, Debug)]
pub struct DebugLines {
    log: Arc<ArcSwap<ErrorLog>>,
}

impl DebugLines {
    /// Subscribes for the whole process. Only the first call of a process has an effect.
    pub fn install(log: Arc<ErrorLog>) -> Self {
        let lines = Self {
            log: Arc::new(ArcSwap::new(log)),
        };
        let _ = tracing::subscriber::set_global_default(lines.clone());
        lines
    }

    /// Sends the lines to another log after a reload; they stop if its level is not debug.
    pub fn follow(&self, log: Arc<ErrorLog>) {
        self.log.store(log);
        callsite::rebuild_interest_cache();
    }

    fn on(&self) -> bool {
        self.log.load().enabled(Level::Debug)
    }
}

impl Subscriber for DebugLines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_own_error(metadata) || self.on()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.on() {
            LevelFilter::TRACE
        } else {
            LevelFilter::ERROR
        })
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let level = match is_own_error(event.metadata()) {
            true => text.level.unwrap_or(Level::Error),
            false => Level::Debug,
        };
        self.log.load().line(
            level,
            text.connection,
            format_args!("{}{}", text.message, text.fields),
        );
    }

    // This program uses no spans.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Whether an event is an error of this crate.
fn is_own_error(metadata: &Metadata<'_>) -> bool {
    let is_own = metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    is_own && *metadata.level() == tracing::Level::ERROR
}

/// An event as text: the message, then ` name=value` for each other field.
#[derive(Default)]
struct Text {
    connection: Option<u64>,
    level: Option<Level>,
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "connection" => self.connection = Some(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "level" {
            self.level = Level::ALL.into_iter().find(|level| level.word() == value);
        } else {
            self.record_debug(field, &format_args!("{}", Escaped(value.as_bytes())));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogFiles;

    #[test]
    fn events_become_debug_lines_while_the_level_is_debug() {
        let path =
            std::env::temp_dir().join(format!("portcullis-debug-{}.log", std::process::id()));
        let files = LogFiles::default();
        let log = Arc::new(files.open_file(&path, Level::Debug).unwrap());
        let lines = DebugLines {
            log: Arc::new(ArcSwap::new(log)),
        };
        tracing::subscriber::with_default(lines.clone(), || {
            tracing::debug!(connection = 5_u64, bytes = 12, "read");
            lines.follow(Arc::new(files.open_file(&path, Level::Info).unwrap()));
            tracing::debug!("not written");
            tracing::error!("failed");
            tracing::error!(level = "alert", "failed {}", 2);
            tracing::error!(target: "other", "not written");
        });
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(text.contains("[debug]"), "{text}");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].contains("[debug]") && lines[0].contains(": *5 read bytes=12, session: "));
        assert!(lines[1].contains("[error]") && lines[1].ends_with(": failed"));
        assert!(lines[2].contains("[alert]") && lines[2].ends_with(": failed 2"));
        assert_eq!(lines.len(), 3, "{text}");
    }
}
