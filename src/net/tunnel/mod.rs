//! The bytes between a client and its backend after the login.
//!
//! While both sides are silent a pipe owns no buffer: a wake-up reads into a scratch buffer of the thread, writes at once, and
//! keeps only the bytes that the other side does not take. The end of one side's data is passed on as a half-close, so that the
//! reply to QUIT and a running download arrive completely.

mod end;
mod outbox;

use std::future::Future;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

pub use end::{Activity, Call, End, Failure, Side, limited};
pub use outbox::Outbox;

use super::linger::linger;
use super::scratch;

/// Reads of one direction before the thread's other tasks run.
pub const TURNS: usize = 16;

/// Both directions between a client and its backend.
#[derive(Debug)]
pub struct Pipe<C, B> {
    client: C,
    backend: B,
    up: Flow,
    down: Flow,
    idle_timeout: Duration,
    /// Why the backend accepts no more bytes.
    unsent: Option<io::Error>,
}

/// Whether the reader of a direction is at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ended {
    #[default]
    No,
    Yes,
    /// It ended before the other direction.
    First,
}

/// One direction.
#[derive(Debug, Default)]
struct Flow {
    outbox: Outbox,
    ended: Ended,
    bytes: u64,
}

/// The error of one socket.
enum Fault {
    Reader(io::Error),
    Writer(io::Error),
}

impl Flow {
    fn new(read_too_far: Vec<u8>) -> Self {
        Flow {
            bytes: read_too_far.len() as u64,
            outbox: Outbox::new(read_too_far),
            ended: Ended::No,
        }
    }

    /// Moves bytes as far as possible. `Ready` at the end of this direction.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        moved: &mut bool,
    ) -> Poll<Result<(), Fault>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if self.outbox.is_shut() {
            return Poll::Ready(Ok(()));
        }
        for _ in 0..TURNS {
            ready!(self.outbox.poll_drain(cx, to, moved)).map_err(Fault::Writer)?;
            if self.ended != Ended::No {
                ready!(self.outbox.poll_shutdown(cx, to));
                return Poll::Ready(Ok(()));
            }
            let sent = scratch::with(|scratch| {
                let n = ready!(scratch::poll_fill(cx, from, scratch)).map_err(Fault::Reader)?;
                *moved = true;
                if n == 0 {
                    self.ended = Ended::Yes;
                }
                self.bytes += n as u64;
                Poll::Ready(self.outbox.send(cx, to, &scratch[..n])).map_err(Fault::Writer)
            });
            match sent {
                Poll::Ready(sent) => sent?,
                Poll::Pending => {
                    ready!(self.outbox.poll_flush(cx, to)).map_err(Fault::Writer)?;
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<C, B> Pipe<C, B>
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    /// A tunnel that first sends bytes read earlier, and ends when neither side sends for `idle_timeout`.
    pub fn new(
        (client, to_client): (C, Vec<u8>),
        (backend, to_backend): (B, Vec<u8>),
        idle_timeout: Duration,
    ) -> Self {
        Pipe {
            idle_timeout,
            client,
            backend,
            up: Flow::new(to_backend),
            down: Flow::new(to_client),
            unsent: None,
        }
    }

    /// The number of bytes carried from the client to the backend, and back.
    pub fn carried(&self) -> (u64, u64) {
        (self.up.bytes, self.down.bytes)
    }

    /// The side that closed first.
    pub fn first_end(&self) -> Option<Side> {
        match (self.up.ended, self.down.ended) {
            (Ended::First, _) => Some(Side::Client),
            (_, Ended::First) => Some(Side::Backend),
            _ => None,
        }
    }

    /// The streams of the client and the backend.
    pub fn streams(&self) -> (&C, &B) {
        (&self.client, &self.backend)
    }

    /// Carries bytes until both sides are done, one fails, both are silent for too long, or `interrupt` is ready.
    pub fn run(
        &mut self,
        interrupt: impl FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> impl Future<Output = End> {
        limited(self.idle_timeout, interrupt, |cx, activity| {
            let ended = self.poll(cx, &mut activity.moved);
            activity.closing = self.down.outbox.is_shut();
            ended
        })
    }

    /// Ends the tunnel from here: with this reply to the client, unless a line of the backend is incomplete.
    ///
    /// # Errors
    /// The client does not take the reply.
    pub async fn close(&mut self, reply: &[u8]) -> io::Result<()> {
        self.down.outbox.close(&mut self.client, reply).await
    }

    /// Lets a client that has got its backend's last bytes close first.
    pub async fn linger(&mut self) {
        linger(&mut self.client).await;
    }

    /// Moves bytes both ways. `Ready` when both directions have ended or a socket failed.
    fn poll(&mut self, cx: &mut Context<'_>, moved: &mut bool) -> Poll<End> {
        let end = self.poll_both(cx, moved);
        if self.first_end().is_none() {
            for flow in [&mut self.up, &mut self.down] {
                if flow.ended == Ended::Yes {
                    flow.ended = Ended::First;
                    break;
                }
            }
        }
        end
    }

    fn poll_both(&mut self, cx: &mut Context<'_>, moved: &mut bool) -> Poll<End> {
        // The backend's bytes first: an end or an error among them explains why it accepts nothing more.
        let down = match (self.down).poll(cx, &mut self.backend, &mut self.client, moved) {
            Poll::Ready(Err(fault)) => {
                return match (fault, self.unsent.take()) {
                    (Fault::Writer(error), _) => Failure::send(Side::Client, error),
                    (Fault::Reader(_), Some(error)) => Failure::send(Side::Backend, error),
                    (Fault::Reader(error), None) => Failure::receive(Side::Backend, error),
                }
                .into();
            }
            Poll::Ready(Ok(())) => match self.unsent.take() {
                Some(error) => return Failure::send(Side::Backend, error).into(),
                None => true,
            },
            Poll::Pending => false,
        };
        match (self.up).poll(cx, &mut self.client, &mut self.backend, moved) {
            Poll::Ready(Err(Fault::Reader(error))) => Failure::receive(Side::Client, error).into(),
            // The last bytes of a backend that accepts no more are still read.
            Poll::Ready(Err(Fault::Writer(error))) => {
                self.up.outbox.abandon();
                if down {
                    return Poll::Ready(End::Done);
                }
                self.unsent = Some(error).filter(|_| self.down.ended == Ended::No);
                Poll::Pending
            }
            Poll::Ready(Ok(())) if down => Poll::Ready(End::Done),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests;
