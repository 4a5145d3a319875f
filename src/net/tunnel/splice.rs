//! One direction of a tunnel inside the kernel.

use std::io;
use std::task::{Context, Poll, ready};

use super::kernel_pipe::KernelPipe;
use crate::net::socket::Socket;
use crate::net::stream::Stream;

/// A stream whose bytes may be those of a socket.
pub trait Spliceable {
    /// The system's socket, if its bytes are the stream's.
    fn socket_to_splice(&self) -> Option<&Socket>;
}

impl Spliceable for Stream {
    fn socket_to_splice(&self) -> Option<&Socket> {
        match self {
            Stream::Plain(socket @ (Socket::Tcp(_) | Socket::Unix(_))) => Some(socket),
            Stream::Plain(Socket::Custom(_))
            | Stream::Tls(_)
            | Stream::RateLimited(_)
            | Stream::Closed => None,
        }
    }
}

/// The pipe of a direction, while it has one.
#[derive(Debug, Default)]
pub(super) struct Splice(Option<Box<KernelPipe>>);

/// The result of [`Splice::poll_fill`].
pub(super) enum Filled {
    /// This many bytes are in the pipe. 0: the reader is at its end.
    Bytes(usize),
    /// There is no pipe at the moment.
    NoPipe,
    /// The kernel cannot move bytes between these streams.
    Unsupported,
}

impl Splice {
    /// Moves the bytes in the pipe to the writer. `Ready` when none are left.
    ///
    /// # Errors
    /// The writer's.
    pub fn poll_drain<W: Spliceable>(
        &mut self,
        cx: &mut Context<'_>,
        to: &W,
        moved: &mut bool,
    ) -> Poll<io::Result<()>> {
        match (&mut self.0, to.socket_to_splice()) {
            (Some(pipe), Some(socket)) => pipe.poll_drain(cx, socket, moved),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Moves bytes from the reader into the pipe, which must be empty.
    ///
    /// # Errors
    /// The reader's.
    pub fn poll_fill<R: Spliceable, W: Spliceable>(
        &mut self,
        cx: &mut Context<'_>,
        from: &R,
        to: &W,
    ) -> Poll<io::Result<Filled>> {
        let (Some(from), Some(_)) = (from.socket_to_splice(), to.socket_to_splice()) else {
            return Poll::Ready(Ok(Filled::Unsupported));
        };
        if self.0.is_none() {
            self.0 = KernelPipe::take();
        }
        let Some(pipe) = &mut self.0 else {
            return Poll::Ready(Ok(Filled::NoPipe));
        };
        Poll::Ready(match ready!(pipe.poll_fill(cx, from)) {
            Ok(n) => Ok(Filled::Bytes(n)),
            Err(error) if is_unsupported(&error) => Ok(Filled::Unsupported),
            Err(error) => Err(error),
        })
    }

    /// Gives the pipe back.
    pub fn stop(&mut self) {
        if let Some(pipe) = self.0.take() {
            pipe.give_back();
        }
    }
}

/// Whether the call itself fails: the type of the socket or a filter of system calls does not allow it.
fn is_unsupported(error: &io::Error) -> bool {
    use nix::libc::{EINVAL, ENOSYS, EOPNOTSUPP, EPERM};
    matches!(
        error.raw_os_error(),
        Some(EINVAL | ENOSYS | EOPNOTSUPP | EPERM)
    )
}
