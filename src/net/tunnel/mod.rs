//! The bytes between a client and its backend after the login.
//!
//! While both sides are silent a pipe owns no buffer: a wake-up reads into a scratch buffer of the thread, writes at once, and
//! keeps only the bytes that the other side does not take. The end of one side's data is passed on as a half-close, so that the
//! reply to QUIT and a running download arrive completely.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// The most bytes that are read before they are written.
const SCRATCH: usize = 16 * 1024;
/// Reads of one direction before the thread's other tasks run.
const TURNS: usize = 16;
/// How long a client may take to close after its backend has closed.
const LINGER: Duration = Duration::from_secs(5);

thread_local! {
    static SCRATCH_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// How a tunnel ended.
#[derive(Debug)]
pub enum End {
    /// Both sides are done, and all bytes are delivered.
    Done,
    /// Neither side sent anything for the idle timeout.
    Timeout,
    /// The caller's interrupt.
    Interrupted,
    /// The client's socket failed.
    Client(io::Error),
    /// The backend's socket failed.
    Backend(io::Error),
}

/// Both directions between a client and its backend.
#[derive(Debug)]
pub struct Pipe<C, B> {
    client: C,
    backend: B,
    up: Flow,
    down: Flow,
    idle_timeout: Duration,
}

/// One direction.
#[derive(Debug, Default)]
struct Flow {
    /// Bytes that the writer has not taken yet. Not allocated while empty.
    pending: Vec<u8>,
    written: usize,
    /// The reader is at its end.
    ended: bool,
    /// The writer's sending side is closed.
    shut: bool,
    /// The writer may have bytes in a buffer of its own (TLS records).
    unflushed: bool,
    /// The last byte was not a line feed.
    in_line: bool,
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
            in_line: read_too_far.last().is_some_and(|byte| *byte != b'\n'),
            // An empty Vec may still own memory.
            pending: if read_too_far.is_empty() {
                Vec::new()
            } else {
                read_too_far
            },
            ..Flow::default()
        }
    }

    /// Drops the pending bytes: the writer accepts no more.
    fn abandon(&mut self) {
        self.pending = Vec::new();
        self.written = 0;
        self.ended = true;
        self.shut = true;
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
        for _ in 0..TURNS {
            while self.written < self.pending.len() {
                let rest = &self.pending[self.written..];
                let n = ready!(Pin::new(&mut *to).poll_write(cx, rest)).map_err(Fault::Writer)?;
                if n == 0 {
                    return Poll::Ready(Err(Fault::Writer(io::ErrorKind::WriteZero.into())));
                }
                self.written += n;
                *moved = true;
                self.unflushed = true;
            }
            if !self.pending.is_empty() {
                self.pending = Vec::new();
                self.written = 0;
            }
            if self.ended {
                if !self.shut {
                    // Errors are ignored: the peer may have closed already.
                    let _ = ready!(Pin::new(&mut *to).poll_shutdown(cx));
                    self.shut = true;
                }
                return Poll::Ready(Ok(()));
            }
            let read = SCRATCH_BUFFER.with_borrow_mut(|scratch| {
                let mut buffer = ReadBuf::new(scratch);
                match Pin::new(&mut *from).poll_read(cx, &mut buffer) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Err(e)) => Poll::Ready(Err(Fault::Reader(e))),
                    Poll::Ready(Ok(())) => {
                        let bytes = buffer.filled();
                        *moved = true;
                        if bytes.is_empty() {
                            self.ended = true;
                            return Poll::Ready(Ok(()));
                        }
                        self.bytes += bytes.len() as u64;
                        self.in_line = bytes.last() != Some(&b'\n');
                        let taken = match Pin::new(&mut *to).poll_write(cx, bytes) {
                            Poll::Ready(Ok(n)) => n,
                            Poll::Ready(Err(e)) => return Poll::Ready(Err(Fault::Writer(e))),
                            Poll::Pending => 0,
                        };
                        self.unflushed = true;
                        self.pending.extend_from_slice(&bytes[taken..]);
                        Poll::Ready(Ok(()))
                    }
                }
            });
            match read {
                Poll::Ready(result) => result?,
                Poll::Pending => {
                    if self.unflushed {
                        ready!(Pin::new(&mut *to).poll_flush(cx)).map_err(Fault::Writer)?;
                        self.unflushed = false;
                    }
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
        }
    }

    /// The number of bytes carried from the client to the backend, and back.
    pub fn carried(&self) -> (u64, u64) {
        (self.up.bytes, self.down.bytes)
    }

    /// Carries bytes until both sides are done, one fails, both are silent for too long, or `interrupt` is ready.
    pub async fn run(&mut self, mut interrupt: impl FnMut(&mut Context<'_>) -> Poll<()>) -> End {
        let mut last = Instant::now();
        // The backend has closed: the client gets a short time to close too.
        let mut closing = false;
        let mut timer = pin!(sleep_until(last + self.idle_timeout));
        poll_fn(|cx| {
            let mut moved = false;
            let ended = self.poll(cx, &mut moved);
            if ended.is_ready() {
                return ended;
            }
            if interrupt(cx).is_ready() {
                return Poll::Ready(End::Interrupted);
            }
            if moved {
                last = Instant::now();
            }
            if self.down.shut && !closing {
                closing = true;
                timer.as_mut().reset(last + LINGER.min(self.idle_timeout));
            }
            // Bytes do not move the timer: when it fires, the length of the silence is checked.
            while timer.as_mut().poll(cx).is_ready() {
                if closing {
                    return Poll::Ready(End::Done);
                }
                if last + self.idle_timeout <= Instant::now() {
                    return Poll::Ready(End::Timeout);
                }
                timer.as_mut().reset(last + self.idle_timeout);
            }
            Poll::Pending
        })
        .await
    }

    /// Ends the tunnel from here: with this reply to the client, unless a line of the backend is incomplete.
    ///
    /// # Errors
    /// The client does not take the reply.
    pub async fn close(&mut self, reply: &[u8]) -> io::Result<()> {
        let is_between_lines = self.down.pending.is_empty() && !self.down.in_line;
        if is_between_lines && !self.down.shut {
            self.client.write_all(reply).await?;
        }
        self.client.shutdown().await
    }

    /// Moves bytes both ways. `Ready` when both directions have ended or a socket failed.
    fn poll(&mut self, cx: &mut Context<'_>, moved: &mut bool) -> Poll<End> {
        let up = match (self.up).poll(cx, &mut self.client, &mut self.backend, moved) {
            Poll::Ready(Err(Fault::Reader(error))) => return Poll::Ready(End::Client(error)),
            // A backend that accepts no more bytes may have sent its last ones: they are still read.
            Poll::Ready(Err(Fault::Writer(_))) => {
                self.up.abandon();
                Poll::Ready(())
            }
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        };
        let down = match (self.down).poll(cx, &mut self.backend, &mut self.client, moved) {
            Poll::Ready(Err(Fault::Reader(error))) => return Poll::Ready(End::Backend(error)),
            Poll::Ready(Err(Fault::Writer(error))) => return Poll::Ready(End::Client(error)),
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        };
        if up.is_ready() && down.is_ready() {
            return Poll::Ready(End::Done);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
