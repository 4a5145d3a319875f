//! The number of open sessions: for the limit of open files, and to wait for the last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts the open sessions of all generations.
#[derive(Debug, Default)]
pub struct SessionCount {
    open: AtomicUsize,
    ended: Notify,
}

/// One open session. Dropping it decrements the count.
#[derive(Debug)]
pub struct SessionSlot(Arc<SessionCount>);

impl SessionCount {
    /// Counts one more session.
    pub fn begin(self: &Arc<Self>) -> SessionSlot {
        self.open.fetch_add(1, Ordering::AcqRel);
        SessionSlot(Arc::clone(self))
    }

    /// The number of open sessions.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Returns once fewer than `limit` sessions are open.
    pub async fn fewer_than(&self, limit: usize) {
        while self.open() >= limit {
            let ended = self.ended.notified();
            // Wake-ups are not lost from here on, so the number is checked again before waiting.
            if self.open() < limit {
                return;
            }
            ended.await;
        }
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_wait_ends_with_the_last_session() {
        let sessions = Arc::new(SessionCount::default());
        let slot = sessions.begin();
        let waiter = tokio::spawn({
            let sessions = Arc::clone(&sessions);
            async move { sessions.fewer_than(1).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        drop(slot);
        waiter.await.unwrap();
        assert_eq!(sessions.open(), 0);
    }
}
