//! An in-memory connection with the semantics of TCP: half-close, close, and a reset if data is unread.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use nix::errno::Errno;
use portcullis::net::socket::CustomSocket;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The number of unread bytes at which a writer waits.
const WINDOW: usize = 256 * 1024;

/// One end of a connection. Dropping it closes the connection.
#[derive(Debug)]
pub struct End {
    pipe: Arc<Mutex<[Side; 2]>>,
    side: usize,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
}

/// The receiving side of one end.
#[derive(Debug, Default)]
struct Side {
    bytes: VecDeque<u8>,
    /// The other end has closed its sending direction.
    finished: bool,
    /// This end was dropped.
    closed: bool,
    /// The error for the next operation of this end, and whether it has been reported.
    reset: Option<(Errno, bool)>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Side {
    fn wake(&mut self) {
        let waiting = [self.reader.take(), self.writer.take()];
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    /// Receives a reset. As on Linux, a reset after the other end's FIN is reported as EPIPE.
    fn receive_reset(&mut self) {
        let errno = if self.finished {
            Errno::EPIPE
        } else {
            Errno::ECONNRESET
        };
        self.reset.get_or_insert((errno, false));
        self.wake();
    }
}

impl End {
    /// Makes a connection between two addresses; returns both ends.
    #[must_use]
    pub fn pair(one: Option<SocketAddr>, other: Option<SocketAddr>) -> (Self, Self) {
        let pipe = Arc::default();
        let end = |side, local, peer| Self {
            pipe: Arc::clone(&pipe),
            side,
            local,
            peer,
        };
        (end(0, one, other), end(1, other, one))
    }

    /// Closes the sending direction.
    pub fn shutdown_write(&self) {
        let other = &mut self.sides()[1 - self.side];
        other.finished = true;
        other.wake();
    }

    /// Sends a reset.
    pub fn reset(&self) {
        self.sides()[1 - self.side].receive_reset();
    }

    fn sides(&self) -> MutexGuard<'_, [Side; 2]> {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_peek(&self, cx: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let own = &mut self.sides()[self.side];
        if own.bytes.is_empty() {
            return match &mut own.reset {
                Some((errno @ Errno::ECONNRESET, reported @ false)) => {
                    *reported = true;
                    Poll::Ready(Err((*errno).into()))
                }
                Some(_) => Poll::Ready(Ok(0)),
                None if own.finished => Poll::Ready(Ok(0)),
                None => {
                    own.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        let length = buffer.len().min(own.bytes.len());
        let bytes = own.bytes.iter().copied();
        buffer
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = from);
        Poll::Ready(Ok(length))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let sides = &mut *self.sides();
        let unread = !sides[self.side].bytes.is_empty();
        sides[self.side].closed = true;
        sides[self.side].wake();
        let other = &mut sides[1 - self.side];
        if unread {
            other.receive_reset();
        }
        other.finished = true;
        other.wake();
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.poll_peek(cx, buffer.initialize_unfilled());
        read.map_ok(|length| {
            buffer.advance(length);
            let sides = &mut *self.sides();
            sides[self.side].bytes.drain(..length);
            sides[1 - self.side].wake();
        })
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sides = &mut *self.sides();
        if let Some((errno, reported)) = &mut sides[self.side].reset {
            let errno = if std::mem::replace(reported, true) {
                Errno::EPIPE
            } else {
                *errno
            };
            return Poll::Ready(Err(errno.into()));
        }
        let other = &mut sides[1 - self.side];
        if other.finished {
            return Poll::Ready(Err(Errno::EPIPE.into()));
        }
        if other.closed {
            // The kernel accepts the bytes and then receives a reset.
            sides[self.side].receive_reset();
            return Poll::Ready(Ok(bytes.len()));
        }
        let length = bytes.len().min(WINDOW.saturating_sub(other.bytes.len()));
        if length == 0 && !bytes.is_empty() {
            sides[self.side].writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        other.bytes.extend(&bytes[..length]);
        other.wake();
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shutdown_write();
        Poll::Ready(Ok(()))
    }
}

impl CustomSocket for End {
    fn poll_peek(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        End::poll_peek(self, cx, buffer)
    }

    fn local_address(&self) -> Option<SocketAddr> {
        self.local
    }

    fn peer_address(&self) -> Option<SocketAddr> {
        self.peer
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn errno<T: std::fmt::Debug>(result: io::Result<T>) -> Option<i32> {
        result.expect_err("an error").raw_os_error()
    }

    #[tokio::test]
    async fn half_close_leaves_the_other_direction_open() {
        let (mut one, mut other) = End::pair(None, None);
        one.write_all(b"last").await.expect("room");
        one.shutdown().await.expect("a shutdown");
        let mut bytes = Vec::new();
        other.read_to_end(&mut bytes).await.expect("an end");
        assert_eq!(bytes, b"last");
        other.write_all(b"answer").await.expect("room");
        drop(other);
        bytes.clear();
        one.read_to_end(&mut bytes).await.expect("an end");
        assert_eq!(bytes, b"answer");
    }

    #[tokio::test]
    async fn close_with_unread_data_is_a_reset() {
        let (mut one, other) = End::pair(None, None);
        one.write_all(b"unread").await.expect("room");
        drop(other);
        let mut byte = [0];
        assert_eq!(
            errno(one.read(&mut byte).await),
            Some(Errno::ECONNRESET as i32)
        );
        assert_eq!(errno(one.write(&byte).await), Some(Errno::EPIPE as i32));
    }

    #[tokio::test]
    async fn second_write_to_a_closed_end_fails() {
        let (mut one, other) = End::pair(None, None);
        drop(other);
        let mut byte = [0];
        assert_eq!(one.read(&mut byte).await.expect("an end"), 0);
        assert_eq!(one.write(&byte).await.expect("accepted"), 1);
        assert_eq!(errno(one.write(&byte).await), Some(Errno::EPIPE as i32));
    }

    #[tokio::test]
    async fn writer_waits_when_the_window_is_full() {
        let (mut one, mut other) = End::pair(None, None);
        one.write_all(&vec![0; WINDOW]).await.expect("room");
        let waiting = tokio::spawn(async move { one.write_all(b"x").await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let mut bytes = vec![0; WINDOW];
        other.read_exact(&mut bytes).await.expect("bytes");
        waiting.await.expect("the writer").expect("room");
    }
}
