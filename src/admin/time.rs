//! Times as the pages show them.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// A time in UTC, with milliseconds (RFC 3339). Empty for one outside the years that this can show.
pub(super) fn iso(time: SystemTime) -> String {
    let time = Timestamp::try_from(time);
    time.map(|time| format!("{time:.3}")).unwrap_or_default()
}

/// Seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
