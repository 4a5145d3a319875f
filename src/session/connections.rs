//! The connections that nginx counts for `worker_connections`: one for a client, and another one for its auth server or its backend.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// Counts the open connections of all sessions.
#[derive(Debug)]
pub struct Connections {
    open: AtomicUsize,
    limit: AtomicUsize,
    /// `worker_connections`, which the log names.
    per_worker: AtomicUsize,
    reusable: Mutex<Reusable>,
}

/// The connections that are closed when another one needs the place, in the order in which they became so.
#[derive(Debug, Default)]
struct Reusable {
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// One connection. Dropping it decrements the count.
#[derive(Debug)]
pub struct Connection(Arc<Connections>);

/// The place of a connection that is to be closed when another one needs it.
#[derive(Debug)]
pub(in crate::session) struct ReusablePlace {
    connections: Arc<Connections>,
    number: u64,
    wanted: oneshot::Receiver<()>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            open: AtomicUsize::default(),
            limit: AtomicUsize::new(usize::MAX),
            per_worker: AtomicUsize::default(),
            reusable: Mutex::default(),
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

    /// Counts one more connection, in the place of a reusable one at the limit. `None`: there is none.
    pub fn take(self: &Arc<Self>) -> Option<Connection> {
        let limit = self.limit.load(Ordering::Acquire);
        let more = |open| (open < limit).then_some(open + 1);
        while (self.open)
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_err()
        {
            if !self.reclaim() {
                return None;
            }
        }
        Some(Connection(Arc::clone(self)))
    }

    /// Has the connection closed that is reusable for the longest time. Its place is free at once. `false`: there is none.
    pub fn reclaim(&self) -> bool {
        let oldest = self.reusable(|reusable| reusable.waiting.pop_first());
        let Some((_, wanted)) = oldest else {
            return false;
        };
        self.open.fetch_sub(1, Ordering::AcqRel);
        // A session that has ended meanwhile has given up its place too.
        let _ = wanted.send(());
        true
    }

    /// Makes the place of an open connection one for others.
    pub(in crate::session) fn offer(self: &Arc<Self>) -> ReusablePlace {
        let (sender, wanted) = oneshot::channel();
        let number = self.reusable(|reusable| {
            reusable.next += 1;
            reusable.waiting.insert(reusable.next, sender);
            reusable.next
        });
        ReusablePlace {
            connections: Arc::clone(self),
            number,
            wanted,
        }
    }

    fn reusable<T>(&self, f: impl FnOnce(&mut Reusable) -> T) -> T {
        let reusable = self.reusable.lock();
        f(&mut reusable.unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

impl ReusablePlace {
    /// Returns when another connection has the place.
    pub async fn wanted(&mut self) {
        // An error would mean the same.
        let _ = (&mut self.wanted).await;
    }
}

impl Drop for ReusablePlace {
    /// Takes the place back. One that another connection has is counted twice for the moment until the [`Connection`] is dropped.
    fn drop(&mut self) {
        let number = self.number;
        let own = (self.connections).reusable(|reusable| reusable.waiting.remove(&number));
        if own.is_none() {
            self.connections.open.fetch_add(1, Ordering::AcqRel);
        }
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

    #[tokio::test]
    async fn the_oldest_reusable_place_is_taken_first() {
        let connections = Arc::new(Connections::default());
        connections.set_limit(3, 4);
        let open: Vec<_> = std::iter::from_fn(|| connections.take()).collect();
        assert_eq!(open.len(), 3);
        let (mut first, mut second) = (connections.offer(), connections.offer());
        let third = connections.take();
        assert!(third.is_some());
        first.wanted().await;
        assert!(second.wanted.try_recv().is_err(), "it keeps its place");
        let fourth = connections.take();
        assert!(fourth.is_some());
        second.wanted().await;
        assert!(connections.take().is_none());
        // Their sessions end.
        drop((first, second));
        drop(open);
        drop((third, fourth));
        assert_eq!(connections.open.load(Ordering::Acquire), 0);
    }

    #[test]
    fn a_place_that_nobody_wanted_is_not_reusable_any_more() {
        let connections = Arc::new(Connections::default());
        connections.set_limit(1, 4);
        let first = connections.take();
        drop(connections.offer());
        assert!(connections.take().is_none());
        assert!(!connections.reclaim());
        drop(first);
        assert_eq!(connections.open.load(Ordering::Acquire), 0);
    }
}
