//! How many sessions are open: the limit of `worker_connections`, and the wait for the last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts open sessions. Shared by all acceptors of the process; sessions of every generation count.
#[derive(Debug, Default)]
pub struct Sessions {
    open: AtomicUsize,
    ended: Notify,
}

/// One open session. Dropping it, however the session ends, gives its place back.
#[derive(Debug)]
pub struct Ticket(Arc<Sessions>);

impl Sessions {
    /// Lets one more session in, or says no when `limit` are open.
    pub fn begin(self: &Arc<Self>, limit: usize) -> Option<Ticket> {
        let more = |open| (open < limit).then_some(open + 1);
        self.open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .ok()?;
        Some(Ticket(Arc::clone(self)))
    }

    /// How many are open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Returns once fewer than `limit` sessions are open.
    pub async fn fewer_than(&self, limit: usize) {
        while self.open() >= limit {
            let ended = self.ended.notified();
            // `notified` counts wake-ups from here on: look again before waiting.
            if self.open() < limit {
                return;
            }
            ended.await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_house_lets_nobody_in() {
        let sessions = Arc::new(Sessions::default());
        let first = sessions.begin(2);
        let second = sessions.begin(2);
        assert!(first.is_some() && second.is_some());
        assert!(sessions.begin(2).is_none());
        drop(first);
        assert!(sessions.begin(2).is_some());
    }

    #[tokio::test]
    async fn the_wait_ends_with_the_last_session() {
        let sessions = Arc::new(Sessions::default());
        let ticket = sessions.begin(9);
        let waiter = tokio::spawn({
            let sessions = Arc::clone(&sessions);
            async move { sessions.fewer_than(1).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        drop(ticket);
        waiter.await.unwrap();
        assert_eq!(sessions.open(), 0);
    }
}
