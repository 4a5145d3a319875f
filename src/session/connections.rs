//! The connections that nginx counts for `worker_connections`: one for a client, and another one for its auth server or its backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the open connections of all sessions.
#[derive(Debug)]
pub struct Connections {
    open: AtomicUsize,
    limit: AtomicUsize,
    /// `worker_connections`, which the log names.
    per_worker: AtomicUsize,
}

/// One connection. Dropping it decrements the count.
#[derive(Debug)]
pub struct Connection(Arc<Connections>);

impl Default for Connections {
    fn default() -> Self {
        Self {
            open: AtomicUsize::default(),
            limit: AtomicUsize::new(usize::MAX),
            per_worker: AtomicUsize::default(),
        }
    }
}

impl Connections {
    /// Sets the limit, which is that of all workers of `worker_connections` each. Connections that are open stay.
    pub fn set_limit(&self, limit: usize, per_worker: usize) {
        self.limit.store(limit, Ordering::Release);
        self.per_worker.store(per_worker, Ordering::Relaxed);
    }

    /// `worker_connections`
    pub fn per_worker(&self) -> usize {
        self.per_worker.load(Ordering::Relaxed)
    }

    /// Counts one more connection; `None` at the limit.
    pub fn take(self: &Arc<Self>) -> Option<Connection> {
        let limit = self.limit.load(Ordering::Acquire);
        let more = |open| (open < limit).then_some(open + 1);
        self.open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .ok()?;
        Some(Connection(Arc::clone(self)))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_connection_is_made_over_the_limit() {
        let connections = Arc::new(Connections::default());
        connections.set_limit(2, 4);
        let first = connections.take();
        let second = connections.take();
        assert!(first.is_some() && second.is_some());
        assert!(connections.take().is_none());
        drop(first);
        let third = connections.take();
        assert!(third.is_some());
        connections.set_limit(1, 3);
        drop(second);
        assert!(connections.take().is_none(), "the third is open");
        drop(third);
        assert!(connections.take().is_some());
    }
}
