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

/// The time since both sides are silent.
struct Silence {
    idle_timeout: Duration,
    last: Instant,
    /// The backend has closed: the client gets a short time to close too.
    closing: bool,
}

impl Silence {
    /// Takes note of what happened. Returns the new deadline once the backend has closed.
    fn note(&mut self, activity: &Activity) -> Option<Instant> {
        if activity.moved {
            self.last = Instant::now();
        }
        let begins = activity.closing && !self.closing;
        self.closing |= begins;
        begins.then(|| self.last + LINGER.min(self.idle_timeout))
    }

    /// Checks the length of the silence when the timer fires, because bytes do not move the timer.
    ///
    /// # Errors
    /// The next deadline.
    fn end(&self) -> Result<End, Instant> {
        if self.closing {
            return Ok(End::Done);
        }
        let deadline = self.last + self.idle_timeout;
        match deadline <= Instant::now() {
            true => Ok(End::Timeout),
            false => Err(deadline),
        }
    }
}

/// Polls a tunnel until it ends, both sides are silent for `idle_timeout`, or `interrupt` is ready.
pub fn limited(
    idle_timeout: Duration,
    mut interrupt: impl FnMut(&mut Context<'_>) -> Poll<()>,
    mut poll: impl FnMut(&mut Context<'_>, &mut Activity) -> Poll<End>,
) -> impl Future<Output = End> {
    let mut silence = Silence {
        idle_timeout,
        last: Instant::now(),
        closing: false,
    };
    // Not an async function: it would have room for its arguments twice.
    async move {
        let mut timer = pin!(sleep_until(silence.last + silence.idle_timeout));
        poll_fn(|cx| {
            let mut activity = Activity::default();
            let ended = poll(cx, &mut activity);
            if ended.is_ready() {
                return ended;
            }
            if interrupt(cx).is_ready() {
                return Poll::Ready(End::Interrupted);
            }
            if let Some(deadline) = silence.note(&activity) {
                timer.as_mut().reset(deadline);
            }
            while timer.as_mut().poll(cx).is_ready() {
                match silence.end() {
                    Ok(end) => return Poll::Ready(end),
                    Err(deadline) => timer.as_mut().reset(deadline),
                }
            }
            Poll::Pending
        })
        .await
    }
}
