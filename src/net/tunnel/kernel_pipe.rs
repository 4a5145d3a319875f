//! Pipes for `splice(2)`, which moves bytes from one socket to another without a copy in this process.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

use crate::net::socket::Socket;

/// The size of a pipe, and the most bytes that one call moves.
const PIPE: usize = 256 * 1024;
/// The most pipes of this process: half of what the kernel gives to an unprivileged user
/// (`/proc/sys/fs/pipe-user-pages-soft`).
const PIPES: usize = 128;
/// The most pipes that a thread keeps for later.
const SPARE: usize = 4;

static OPEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // Boxed, as in the tunnels that own one.
    #[expect(clippy::vec_box, reason = "a pipe moves between here and its owner without an allocation")]
    static SPARES: RefCell<Vec<Box<KernelPipe>>> = const { RefCell::new(Vec::new()) };
}

/// A pipe, and the number of bytes in it.
#[derive(Debug)]
pub struct KernelPipe {
    output: OwnedFd,
    input: OwnedFd,
    filled: usize,
    _counted: Counted,
}

/// One of the pipes that this process may have.
#[derive(Debug)]
struct Counted(());

impl Counted {
    fn new() -> Option<Self> {
        // The value exists from here on: dropping it takes the count back.
        let counted = Counted(());
        (OPEN.fetch_add(1, Ordering::Relaxed) < PIPES).then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

impl KernelPipe {
    /// An empty pipe, one that this thread has kept if possible. `None` if the process has enough of them, or if the kernel gives
    /// no descriptors or only a small pipe: copying is faster then.
    pub fn take() -> Option<Box<Self>> {
        SPARES
            .with_borrow_mut(Vec::pop)
            .or_else(|| Self::open().map(Box::new))
    }

    /// Keeps an empty pipe for later, and closes another one.
    pub fn give_back(self: Box<Self>) {
        SPARES.with_borrow_mut(|spares| {
            if self.filled == 0 && spares.len() < SPARE {
                spares.push(self);
            }
        });
    }

    /// The number of pipes that this thread keeps.
    #[cfg(test)]
    pub fn spares() -> usize {
        SPARES.with_borrow(Vec::len)
    }

    fn open() -> Option<Self> {
        let counted = Counted::new()?;
        let (output, input) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        fcntl_setpipe_size(&input, PIPE).ok()?;
        Some(KernelPipe {
            output,
            input,
            filled: 0,
            _counted: counted,
        })
    }

    /// Moves bytes from a socket into the pipe, which must be empty. Returns 0 at the end of the stream.
    ///
    /// # Errors
    /// The socket's.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>, from: &Socket) -> Poll<io::Result<usize>> {
        let input = &self.input;
        let n = ready!(from.poll_read_with(cx, |from| {
            let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
            Ok(splice(from, None, input, None, PIPE, flags)?)
        }))?;
        self.filled = n;
        Poll::Ready(Ok(n))
    }

    /// Moves the bytes in the pipe to a socket. `Ready` when the pipe is empty.
    ///
    /// # Errors
    /// The socket's.
    pub fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        to: &Socket,
        moved: &mut bool,
    ) -> Poll<io::Result<()>> {
        while self.filled > 0 {
            let (output, filled) = (&self.output, self.filled);
            let n = ready!(to.poll_write_with(cx, |to| {
                let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
                Ok(splice(output, None, to, None, filled, flags)?)
            }))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.filled = filled.saturating_sub(n);
            *moved = true;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use tokio::sync::RwLock;

    /// Held by tests that need pipes, and exclusively by one that takes all of them.
    pub static PIPES_TAKEN: RwLock<()> = RwLock::const_new(());

    #[test]
    fn a_pipe_is_used_again_unless_bytes_are_in_it() {
        let _lock = PIPES_TAKEN.blocking_read();
        let (mut first, second) = (KernelPipe::take().unwrap(), KernelPipe::take().unwrap());
        second.give_back();
        assert_eq!(KernelPipe::spares(), 1);
        first.filled = 1;
        first.give_back();
        assert_eq!(KernelPipe::spares(), 1);
        let many: Vec<_> = std::iter::from_fn(KernelPipe::take)
            .take(SPARE + 2)
            .collect();
        assert_eq!(KernelPipe::spares(), 0);
        many.into_iter().for_each(KernelPipe::give_back);
        assert_eq!(KernelPipe::spares(), SPARE);
    }
}
