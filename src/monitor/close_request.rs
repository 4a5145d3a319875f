//! The request to end a session, which the administrator makes while the session waits for its sockets.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::open::OpenSession;

/// A session's own view of the request to close it.
#[derive(Debug)]
pub struct CloseRequest {
    session: Arc<OpenSession>,
    /// The waker that the session has stored.
    stored: Option<Waker>,
}

impl CloseRequest {
    /// The request to close this session.
    pub fn new(session: Arc<OpenSession>) -> Self {
        Self {
            session,
            stored: None,
        }
    }

    /// Whether it was made.
    pub fn is_made(&self) -> bool {
        self.session.close.is_requested()
    }

    /// `Ready` once it is made. Costs a comparison and a load as long as the task is the same.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker();
        let is_stored = |stored: &Waker| stored.will_wake(waker);
        if !self.stored.as_ref().is_some_and(is_stored) {
            self.session.close.store(waker.clone());
            self.stored = Some(waker.clone());
        }
        // After the waker is stored: a request is seen here, or wakes the task.
        match self.is_made() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;
    use std::time::SystemTime;

    use super::*;
    use crate::base::{Protocol, SessionId};
    use crate::monitor::{ServerKey, SessionView};

    fn session() -> Arc<OpenSession> {
        let server = ServerKey {
            address: "127.0.0.1:25".into(),
            protocol: Protocol::Smtp,
        };
        let id = SessionId::of_connection(1);
        let view = SessionView::default();
        Arc::new(OpenSession::new(id, 1, server, SystemTime::now(), view))
    }

    /// Whether a task was woken.
    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_wakes_a_session_that_waits() {
        let (session, woken) = (session(), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut request = CloseRequest::new(Arc::clone(&session));
        assert!(request.poll(&mut cx).is_pending() && !request.is_made());
        session.close();
        assert!(woken.0.load(Ordering::Relaxed));
        assert!(request.poll(&mut cx).is_ready());
    }

    #[test]
    fn the_last_task_is_woken() {
        let session = session();
        let tasks = [(); 2].map(|()| Arc::new(Woken::default()));
        let mut request = CloseRequest::new(Arc::clone(&session));
        for woken in &tasks {
            let waker = Waker::from(Arc::clone(woken));
            let polled = request.poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
        }
        session.close();
        assert_eq!(
            tasks.map(|woken| woken.0.load(Ordering::Relaxed)),
            [false, true]
        );
    }

    #[test]
    fn it_is_seen_by_a_session_that_waits_later() {
        let session = session();
        session.close();
        let mut request = CloseRequest::new(session);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(request.poll(&mut cx).is_ready());
    }
}
