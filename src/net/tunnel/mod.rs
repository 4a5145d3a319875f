//! The byte pipe between a client and its backend, once mail flows.
//!
//! While both sides are quiet the pipe owns no buffer: a wake-up reads into a scratch buffer that belongs to the
//! thread, writes at once, and keeps only what the other side would not take. The end of one side's data is
//! passed on as a half-close, so the answer to QUIT and a running download arrive to the last byte.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// Bytes one wake-up may read before it writes.
const SCRATCH: usize = 16 * 1024;
/// Reads of one direction before the other tasks of the thread get their turn.
const TURNS: usize = 16;
/// How long a client may take to close after its backend has.
const LINGER: Duration = Duration::from_secs(5);

thread_local! {
    static SCRATCH_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// How a tunnel ended.
#[derive(Debug)]
pub enum End {
    /// Both sides are done, all bytes are delivered.
    Done,
    /// Neither side sent anything for the idle timeout.
    Timeout,
    /// The client's socket failed.
    Client(io::Error),
    /// The backend's socket failed.
    Backend(io::Error),
}

/// Bytes carried each way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carried {
    /// From the client to the backend.
    pub up: u64,
    /// From the backend to the client.
    pub down: u64,
}

/// One direction of the pipe.
#[derive(Debug, Default)]
struct Flow {
    /// Read, and not yet taken by the other side. Not allocated while empty.
    pending: Vec<u8>,
    written: usize,
    /// The reader is at its end.
    ended: bool,
    /// The writer was told so.
    shut: bool,
    /// The writer may hold bytes of its own (TLS records).
    unflushed: bool,
    bytes: u64,
}

/// Which socket failed.
enum Fault {
    Reader(io::Error),
    Writer(io::Error),
}

impl Flow {
    fn new(read_too_far: Vec<u8>) -> Self {
        Flow {
            bytes: read_too_far.len() as u64,
            // An empty buffer still owns its room, and an idle tunnel would hold it to its end.
            pending: if read_too_far.is_empty() {
                Vec::new()
            } else {
                read_too_far
            },
            ..Flow::default()
        }
    }

    /// The writer takes no more: drops what it has not taken.
    fn abandon(&mut self) {
        self.pending = Vec::new();
        self.written = 0;
        self.ended = true;
        self.shut = true;
    }

    /// Moves what can be moved. `Ready` when this direction is over.
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
                    // A peer that has gone already needs no farewell.
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

/// Carries bytes until both sides are done, one fails, or both are silent for `silence`.
///
/// `to_backend` and `to_client` are bytes that were read too far before the tunnel began; they go first.
pub async fn run<C, B>(
    client: C,
    backend: B,
    to_backend: Vec<u8>,
    to_client: Vec<u8>,
    silence: Duration,
) -> (End, Carried)
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut client, mut backend) = (client, backend);
    let (mut up, mut down) = (Flow::new(to_backend), Flow::new(to_client));
    let mut last = Instant::now();
    let mut farewell = None;
    let mut timer = pin!(sleep_until(last + silence));
    let end = poll_fn(|cx| {
        let mut moved = false;
        let upward = match up.poll(cx, &mut client, &mut backend, &mut moved) {
            Poll::Ready(Err(Fault::Reader(e))) => return Poll::Ready(End::Client(e)),
            // A backend that takes no more may have said its last words: they are still to be read.
            Poll::Ready(Err(Fault::Writer(_))) => {
                up.abandon();
                Poll::Ready(())
            }
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        };
        let downward = match down.poll(cx, &mut backend, &mut client, &mut moved) {
            Poll::Ready(Err(Fault::Reader(e))) => return Poll::Ready(End::Backend(e)),
            Poll::Ready(Err(Fault::Writer(e))) => return Poll::Ready(End::Client(e)),
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        };
        if upward.is_ready() && downward.is_ready() {
            return Poll::Ready(End::Done);
        }
        if moved {
            last = Instant::now();
        }
        if down.shut && farewell.is_none() {
            farewell = Some(last + LINGER.min(silence));
            timer.as_mut().reset(last + LINGER.min(silence));
        }
        // The timer is not moved by every byte: when it fires, it looks how long the silence really was.
        while timer.as_mut().poll(cx).is_ready() {
            if farewell.is_some() {
                return Poll::Ready(End::Done);
            }
            if last + silence <= Instant::now() {
                return Poll::Ready(End::Timeout);
            }
            timer.as_mut().reset(last + silence);
        }
        Poll::Pending
    })
    .await;
    (
        end,
        Carried {
            up: up.bytes,
            down: down.bytes,
        },
    )
}

#[cfg(test)]
mod tests;
