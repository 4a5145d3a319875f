//! `worker_shutdown_timeout`: the sessions of a configuration that accepts no more clients end when it expires.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

/// The timer of one generation.
#[derive(Debug)]
pub struct ShutdownTimer {
    limit: Duration,
    expired: AtomicBool,
    expiry: Notify,
}

impl ShutdownTimer {
    /// A timer that does not run yet.
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            expired: AtomicBool::default(),
            expiry: Notify::default(),
        }
    }

    /// The timeout.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Starts the timer: the generation accepts nobody any more. Must be called inside the runtime.
    pub fn start(self: &Arc<Self>) {
        let timer = Arc::clone(self);
        tokio::spawn(async move {
            sleep(timer.limit).await;
            timer.expired.store(true, Ordering::Release);
            timer.expiry.notify_waiters();
        });
    }

    async fn expired(&self) {
        let mut expiry = pin!(self.expiry.notified());
        // An expiry is not missed from here on.
        expiry.as_mut().enable();
        if !self.expired.load(Ordering::Acquire) {
            expiry.await;
        }
    }
}

/// The end of one session by the timer. A session has one only where `worker_shutdown_timeout` is set.
pub(in crate::session) struct Shutdown {
    expired: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// The last reply to a client in the tunnel; empty in POP3.
    pub reply: Vec<u8>,
}

impl Shutdown {
    /// The end of a session by this timer.
    pub fn new(timer: Arc<ShutdownTimer>, reply: Vec<u8>) -> Box<Self> {
        Box::new(Self {
            expired: Box::pin(async move { timer.expired().await }),
            reply,
        })
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shutdown").finish_non_exhaustive()
    }
}

/// Returns when the session has to end; never without a timer.
pub(in crate::session) async fn over(shutdown: &mut Option<Box<Shutdown>>) {
    poll_fn(|cx| poll_shutdown(shutdown, cx)).await;
}

/// Whether the session has to end.
pub(in crate::session) fn poll_shutdown(
    shutdown: &mut Option<Box<Shutdown>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    match shutdown {
        Some(shutdown) => shutdown.expired.as_mut().poll(cx),
        None => Poll::Pending,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_expires_for_those_who_wait_and_those_who_come_later() {
        let timer = Arc::new(ShutdownTimer::new(Duration::from_secs(7)));
        let begun = Instant::now();
        let waiter = tokio::spawn({
            let timer = Arc::clone(&timer);
            async move { timer.expired().await }
        });
        sleep(Duration::from_secs(60)).await;
        assert!(!waiter.is_finished(), "it does not run yet");
        timer.start();
        waiter.await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 67);
        timer.expired().await;
    }
}
