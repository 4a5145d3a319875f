//! The lines that were lost since the start of the process, of all logs.

use std::sync::atomic::{AtomicU64, Ordering};

static LOST: AtomicU64 = AtomicU64::new(0);

/// The number of lines that did not fit into a queue or could not be written.
pub fn lost_lines() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Counts lines as lost.
pub(super) fn note(lines: u64) {
    LOST.fetch_add(lines, Ordering::Relaxed);
}
