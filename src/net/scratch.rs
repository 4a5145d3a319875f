//! A buffer of each thread for bytes that are passed on at once: connections without traffic then need no buffer of their own.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// The most bytes that one read returns.
pub const SCRATCH: usize = 128 * 1024;

thread_local! {
    // The kernel provides the memory when it is first used.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// Lends the buffer, which has [`SCRATCH`] bytes. `f` must not borrow it again.
pub fn with<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    BUFFER.with_borrow_mut(|buffer| f(buffer))
}

/// Reads once into a buffer. Returns 0 at the end of the stream.
///
/// # Errors
/// The reader's.
pub fn poll_fill<R: AsyncRead + Unpin>(
    cx: &mut Context<'_>,
    from: &mut R,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(from).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}
