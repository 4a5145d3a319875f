//! The bytes for one writer that it has not taken yet.

use std::io;
use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::splice::Spliceable;

/// A queue in front of a writer, and the end of what is written. It owns no memory while it is empty.
#[derive(Debug, Default)]
pub struct Outbox {
    pending: Vec<u8>,
    written: usize,
    /// The writer's sending side is closed, or it accepts nothing more.
    shut: bool,
    /// The last byte was not a line feed.
    in_line: bool,
    /// The writer may have bytes in a buffer of its own (TLS records).
    unflushed: bool,
}

impl Outbox {
    /// A queue that begins with these bytes.
    pub fn new(pending: Vec<u8>) -> Self {
        Outbox {
            in_line: pending.last().is_some_and(|byte| *byte != b'\n'),
            // An empty Vec may still own memory.
            pending: if pending.is_empty() {
                Vec::new()
            } else {
                pending
            },
            ..Outbox::default()
        }
    }

    /// The memory that it owns, in bytes.
    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.pending.capacity()
    }

    /// The number of bytes that wait.
    pub fn len(&self) -> usize {
        self.pending().len()
    }

    /// The bytes that wait.
    pub fn pending(&self) -> &[u8] {
        &self.pending[self.written..]
    }

    /// Whether no bytes wait.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nothing more is written.
    pub fn is_shut(&self) -> bool {
        self.shut
    }

    /// Appends bytes that are written later.
    pub fn queue(&mut self, bytes: &[u8]) {
        self.pending.drain(..take(&mut self.written));
        self.pending.extend_from_slice(bytes);
        self.note_line(bytes);
    }

    /// Writes bytes behind those that wait, and keeps what the writer does not take.
    ///
    /// # Errors
    /// The writer's.
    pub fn send<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        bytes: &[u8],
    ) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut taken = 0;
        if self.is_empty() {
            while let Poll::Ready(n) = Pin::new(&mut *to).poll_write(cx, &bytes[taken..]) {
                let n = n?;
                taken += n;
                if n == 0 || taken == bytes.len() {
                    break;
                }
            }
            self.unflushed = true;
            self.note_line(bytes);
        }
        self.queue(&bytes[taken..]);
        Ok(())
    }

    /// Writes the bytes that wait. `Ready` when there are none.
    ///
    /// # Errors
    /// The writer's.
    pub fn poll_drain<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        moved: &mut bool,
    ) -> Poll<io::Result<()>> {
        while self.written < self.pending.len() {
            let n = ready!(Pin::new(&mut *to).poll_write(cx, self.pending()))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += n;
            *moved = true;
            self.unflushed = true;
        }
        if !self.pending.is_empty() {
            self.pending = Vec::new();
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Makes the writer send what it has in a buffer of its own.
    ///
    /// # Errors
    /// The writer's.
    pub fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(to).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Closes the writer's sending side, once. Errors are ignored: the peer may have closed already.
    pub fn poll_shutdown<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<()> {
        if !self.shut {
            let _ = ready!(Pin::new(to).poll_shutdown(cx));
            self.shut = true;
        }
        Poll::Ready(())
    }

    /// Ends the stream where the other direction is over too. The socket is closed next, which sends the same FIN; only other streams
    /// have something to send before.
    pub fn poll_finish<W: AsyncWrite + Spliceable + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<()> {
        self.shut |= to.socket_to_splice().is_some();
        self.poll_shutdown(cx, to)
    }

    /// Ends the stream: with this last reply, unless a line is incomplete.
    ///
    /// # Errors
    /// The writer's.
    pub async fn close<W: AsyncWrite + Unpin>(&self, to: &mut W, reply: &[u8]) -> io::Result<()> {
        if self.is_empty() && !self.in_line && !self.shut {
            to.write_all(reply).await?;
        }
        to.shutdown().await
    }

    fn note_line(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.in_line = *last != b'\n';
        }
    }

    /// The writer gets bytes that pass by this queue: whether their last line is complete is not known, and counts as no.
    pub fn note_unseen(&mut self) {
        self.in_line = true;
    }

    /// Drops the bytes that wait: the writer accepts nothing more.
    pub fn abandon(&mut self) {
        *self = Outbox {
            shut: true,
            ..Outbox::default()
        };
    }
}
