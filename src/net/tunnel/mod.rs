//! The bytes between a client and its backend after the login.
//!
//! While both sides are silent a pipe owns no buffer: a wake-up reads into a scratch buffer of the thread, writes at once, and
//! keeps only the bytes that the other side does not take. Bulk in clear text passes through a pipe in the kernel. The end of one side's data is passed on as a half-close, so that the
//! reply to QUIT and a running download arrive completely.

mod end;
mod kernel_pipe;
mod outbox;
mod splice;
mod volume;

use std::future::Future;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

pub use end::{Activity, Call, End, Failure, Side, limited};
pub use outbox::Outbox;
pub use splice::Spliceable;
pub use volume::Volume;

use self::splice::{Filled, Splice};
use super::linger::{Lingering, linger};
use super::scratch;

/// Reads of one direction before the thread's other tasks run.
pub const TURNS: usize = 8;

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
    /// The bytes in its pipe come after those in the outbox.
    splice: Splice,
    ended: Ended,
    volume: Volume,
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
            ..Flow::default()
        }
    }

    /// Moves bytes as far as possible. `Ready` at the end of this direction; `is_last` tells whether the other one is over.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        moved: &mut bool,
        is_last: bool,
    ) -> Poll<Result<(), Fault>>
    where
        R: AsyncRead + Spliceable + Unpin,
        W: AsyncWrite + Spliceable + Unpin,
    {
        if self.outbox.is_shut() {
            return Poll::Ready(Ok(()));
        }
        for _ in 0..TURNS {
            ready!(self.outbox.poll_drain(cx, to, moved)).map_err(Fault::Writer)?;
            ready!(self.splice.poll_drain(cx, to, moved)).map_err(Fault::Writer)?;
            if self.ended != Ended::No {
                self.splice.stop();
                match is_last {
                    true => ready!(self.outbox.poll_finish(cx, to)),
                    false => ready!(self.outbox.poll_shutdown(cx, to)),
                }
                return Poll::Ready(Ok(()));
            }
            let read = match self.volume.wants_pipe() {
                true => self.poll_splice(cx, from, to, moved),
                false => self.poll_copy(cx, from, to, moved),
            };
            if read?.is_pending() {
                self.splice.stop();
                ready!(self.outbox.poll_flush(cx, to)).map_err(Fault::Writer)?;
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads bytes and writes them at once.
    fn poll_copy<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        moved: &mut bool,
    ) -> Result<Poll<()>, Fault>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        scratch::with(|scratch| {
            let scratch = &mut scratch[..self.volume.read_size()];
            let Poll::Ready(read) = scratch::poll_fill(cx, from, scratch) else {
                return Ok(Poll::Pending);
            };
            let n = read.map_err(Fault::Reader)?;
            self.note_read(n, moved);
            let sent = self.outbox.send(cx, to, &scratch[..n]);
            sent.map(Poll::Ready).map_err(Fault::Writer)
        })
    }

    /// Moves bytes into a pipe, or copies them where that is not possible.
    fn poll_splice<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        moved: &mut bool,
    ) -> Result<Poll<()>, Fault>
    where
        R: AsyncRead + Spliceable + Unpin,
        W: AsyncWrite + Spliceable + Unpin,
    {
        let Poll::Ready(filled) = self.splice.poll_fill(cx, from, to) else {
            return Ok(Poll::Pending);
        };
        match filled.map_err(Fault::Reader)? {
            Filled::Bytes(n) => {
                self.note_read(n, moved);
                self.outbox.note_unseen();
                return Ok(Poll::Ready(()));
            }
            Filled::NoPipe => {}
            Filled::Unsupported => self.volume.copy_only(),
        }
        self.poll_copy(cx, from, to, moved)
    }

    fn note_read(&mut self, n: usize, moved: &mut bool) {
        *moved = true;
        if n == 0 {
            self.ended = Ended::Yes;
        }
        self.volume.note(n);
        self.bytes += n as u64;
    }

    /// Whether its reader is at the end, and its writer has all bytes.
    fn is_over(&self) -> bool {
        self.ended != Ended::No && self.outbox.is_shut()
    }

    /// Drops the bytes that wait: the writer accepts nothing more.
    fn abandon(&mut self) {
        self.outbox.abandon();
        self.splice = Splice::default();
    }
}

impl<C, B> Pipe<C, B>
where
    C: AsyncRead + AsyncWrite + Spliceable + Unpin,
    B: AsyncRead + AsyncWrite + Spliceable + Unpin,
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

    /// Makes sure that [`Pipe::close`] knows whether the backend's last line is complete: its bytes are not moved inside the kernel. Without
    /// this, a line counts as incomplete after such bytes.
    pub fn expect_close(&mut self) {
        self.down.volume.copy_only();
    }

    /// Prepares for a client that is sent less than its backend has, by a limit of the rate: little of it waits in memory.
    pub fn expect_limited_client(&mut self) {
        self.down.volume.copy_small_reads();
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
            self.turn(cx, activity)
        })
    }

    /// The time for which both sides may be silent.
    pub fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }

    /// Moves bytes as far as possible, for a caller that keeps the time limits itself ([`limited`]).
    pub fn turn(&mut self, cx: &mut Context<'_>, activity: &mut Activity) -> Poll<End> {
        let ended = self.poll(cx, &mut activity.moved);
        activity.closing = self.down.outbox.is_shut();
        ended
    }

    /// Ends the tunnel from here: with this reply to the client, unless a line of the backend is incomplete.
    ///
    /// # Errors
    /// The client does not take the reply.
    pub async fn close(&mut self, reply: &[u8]) -> io::Result<()> {
        self.down.outbox.close(&mut self.client, reply).await
    }

    /// Lets a client that has got its backend's last bytes close first.
    pub async fn linger(&mut self, lingering: Lingering) {
        linger(&mut self.client, lingering).await;
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
        let up = self.up.is_over();
        let down = match (self.down).poll(cx, &mut self.backend, &mut self.client, moved, up) {
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
        match (self.up).poll(cx, &mut self.client, &mut self.backend, moved, down) {
            Poll::Ready(Err(Fault::Reader(error))) => Failure::receive(Side::Client, error).into(),
            // The last bytes of a backend that accepts no more are still read.
            Poll::Ready(Err(Fault::Writer(error))) => {
                self.up.abandon();
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

#[cfg(test)]
mod spliced_tests;
