//! Whether one open session has to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Whether a session has to end, and the waker of its task.
#[derive(Debug, Default)]
pub(super) struct CloseFlag {
    is_requested: AtomicBool,
    /// The session takes this lock once, and whoever closes it.
    waker: Mutex<Option<Waker>>,
}

impl CloseFlag {
    /// Ends the session, and wakes its task.
    pub(super) fn request(&self) {
        self.is_requested.store(true, Ordering::Release);
        let waker = self.waker_lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn is_requested(&self) -> bool {
        self.is_requested.load(Ordering::Acquire)
    }

    /// Takes the waker of the session's task.
    pub(super) fn store(&self, waker: Waker) {
        *self.waker_lock() = Some(waker);
    }

    fn waker_lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
