//! How a tunnel ends, and the time limits of every tunnel.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a client may take to close after its backend has closed.
const LINGER: Duration = Duration::from_secs(5);

/// How a tunnel ended.
#[derive(Debug)]
pub enum End {
    /// Both sides are done, and all bytes are delivered.
    Done,
    /// Neither side sent anything for the idle timeout.
    Timeout,
    /// The caller's interrupt.
    Interrupted,
    /// A socket failed.
    Failed(Failure),
}

/// The error of one socket.
#[derive(Debug)]
pub struct Failure {
    pub side: Side,
    pub call: Call,
    pub error: io::Error,
}

/// An end of the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Backend,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Receive,
    Send,
}

impl Failure {
    /// A failed read from this side.
    pub fn receive(side: Side, error: io::Error) -> Self {
        let call = Call::Receive;
        Failure { side, call, error }
    }

    /// A failed write to this side.
    pub fn send(side: Side, error: io::Error) -> Self {
        let call = Call::Send;
        Failure { side, call, error }
    }
}

impl From<Failure> for Poll<End> {
    fn from(failure: Failure) -> Self {
        Poll::Ready(End::Failed(failure))
    }
}

/// What happened during one poll of a tunnel.
#[derive(Debug, Default)]
pub struct Activity {
    /// Bytes were read or written.
    pub moved: bool,
    /// The backend has closed, and the client has all of its bytes.
    pub closing: bool,
}

/// Polls a tunnel until it ends, both sides are silent for `idle_timeout`, or `interrupt` is ready. Once the backend has closed, the
/// client gets a short time to close too.
pub fn limited(
    idle_timeout: Duration,
    mut interrupt: impl FnMut(&mut Context<'_>) -> Poll<()>,
    mut poll: impl FnMut(&mut Context<'_>, &mut Activity) -> Poll<End>,
) -> impl Future<Output = End> {
    let mut last = Instant::now();
    let mut closing = false;
    // Not an async function: it would have room for its arguments twice.
    async move {
        let mut timer = pin!(sleep_until(last + idle_timeout));
        poll_fn(|cx| {
            let mut activity = Activity::default();
            let ended = poll(cx, &mut activity);
            if ended.is_ready() {
                return ended;
            }
            if interrupt(cx).is_ready() {
                return Poll::Ready(End::Interrupted);
            }
            if activity.moved {
                last = Instant::now();
            }
            if activity.closing && !closing {
                closing = true;
                timer.as_mut().reset(last + LINGER.min(idle_timeout));
            }
            // Bytes do not move the timer: when it fires, the length of the silence is checked.
            while timer.as_mut().poll(cx).is_ready() {
                if closing {
                    return Poll::Ready(End::Done);
                }
                if last + idle_timeout <= Instant::now() {
                    return Poll::Ready(End::Timeout);
                }
                timer.as_mut().reset(last + idle_timeout);
            }
            Poll::Pending
        })
        .await
    }
}
