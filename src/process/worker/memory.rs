//! The memory of a burst of sessions goes back to the system: the allocator has a thread for it, which works while the others wait.

use tikv_jemalloc_ctl::{background_thread, max_background_threads};

/// Starts the thread. It must not exist before the worker has given up its privileges, which each thread has for itself.
///
/// # Errors
/// The line for the log.
pub(super) fn start_returning() -> Result<(), String> {
    let started = max_background_threads::write(1).and_then(|()| background_thread::write(true));
    started.map_err(|error| {
        format!("the thread that returns unused memory to the system cannot be started: {error}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_starts() {
        start_returning().expect("the allocator is built with threads");
        assert!(background_thread::read().expect("the setting"));
    }
}
