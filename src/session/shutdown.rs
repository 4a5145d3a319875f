//! The end of a session from outside: by `worker_shutdown_timeout`, which ends the sessions of a configuration that accepts no more
//! clients, or by the administrator.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::verdict::Verdict;
use crate::config::Deciding;
use crate::monitor::CloseRequest;

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

/// What can end one session from outside. A session has one only where `worker_shutdown_timeout` or `status` is set.
pub(in crate::session) struct Shutdown {
    expired: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    close: Option<CloseRequest>,
    /// The last reply to a client in the tunnel; empty in POP3.
    pub reply: Vec<u8>,
}

/// Why a session is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum ShutdownReason {
    /// `worker_shutdown_timeout` has expired.
    Timeout,
    /// The administrator closes the session.
    Administrator,
}

impl ShutdownReason {
    /// The words in the logs.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Timeout => "shutdown timeout",
            Self::Administrator => "closed by the administrator",
        }
    }

    /// The reason in `mail_log`.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Timeout => Verdict::by(Deciding::ShutdownTimeout, self.text()),
            Self::Administrator => Verdict::because(self.text()),
        }
    }
}

impl Shutdown {
    /// The end of a session by this timer and this request.
    pub fn new(
        timer: Option<Arc<ShutdownTimer>>,
        close: Option<CloseRequest>,
        reply: Vec<u8>,
    ) -> Box<Self> {
        let expired = timer.map(|timer| {
            Box::pin(async move { timer.expired().await })
                as Pin<Box<dyn Future<Output = ()> + Send>>
        });
        Box::new(Self {
            expired,
            close,
            reply,
        })
    }

    /// Whether many sessions have to end at a time: then each has to know whether it can send the last reply. A session that the
    /// administrator closes after a download may do without it.
    pub fn expects_reply(&self) -> bool {
        self.expired.is_some() && !self.reply.is_empty()
    }

    /// Why the session ends, once it has to.
    fn reason(&self) -> ShutdownReason {
        match &self.close {
            Some(close) if close.is_made() => ShutdownReason::Administrator,
            _ => ShutdownReason::Timeout,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(close) = &mut self.close
            && close.poll(cx).is_ready()
        {
            return Poll::Ready(());
        }
        match &mut self.expired {
            Some(expired) => expired.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shutdown").finish_non_exhaustive()
    }
}

/// Returns when the session has to end, and why; never without a [`Shutdown`].
pub(in crate::session) async fn over(shutdown: &mut Option<Box<Shutdown>>) -> ShutdownReason {
    poll_fn(|cx| poll_shutdown(shutdown, cx)).await;
    reason(shutdown.as_deref())
}

/// Why a session ends that has to.
pub(in crate::session) fn reason(shutdown: Option<&Shutdown>) -> ShutdownReason {
    shutdown.map_or(ShutdownReason::Timeout, Shutdown::reason)
}

/// Whether the session has to end.
pub(in crate::session) fn poll_shutdown(
    shutdown: &mut Option<Box<Shutdown>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    match shutdown {
        Some(shutdown) => shutdown.poll(cx),
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
