//! Writes log lines in a thread of its own, so that no session waits for a disk, a pipe or a socket.
//!
//! The queue is bounded: a line that does not fit is dropped and counted, and the count is logged at the destination itself as soon
//! as it takes lines again. Lines of one destination that wait together are written with one system call.

mod buffer;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::buffer::Round;
use super::losses;

/// The most bytes that wait in a queue.
const CAPACITY: usize = 4 << 20;
/// The pause between two rounds of writing. Lines of busy sessions gather in it, and need not wake the thread.
const PAUSE: Duration = Duration::from_millis(2);

/// A destination of lines, written to by one thread only.
pub(super) trait Destination: Send + Sync {
    /// Writes all of the bytes, which are whole lines.
    ///
    /// # Errors
    /// Those of the system call, with the number of bytes written before.
    fn write(&self, lines: &[u8]) -> Result<(), (usize, io::Error)>;

    /// The bytes that may wait for more, and how long at most. The default is not to wait.
    fn buffer(&self) -> (usize, Option<Duration>) {
        (0, None)
    }

    /// A line which says that `count` lines were lost, and why.
    fn loss(&self, count: u64, cause: &str) -> Vec<u8>;
}

/// A queue of lines and the thread that writes them. The thread ends with the last handle, after the last line.
#[derive(Clone, Debug)]
pub(super) struct Writer(Arc<Handle>);

#[derive(Debug)]
struct Handle(Arc<Queue>);

/// The queue's end for the lines of one destination. Lines that are queued are written, also after its end.
#[derive(Debug)]
pub(super) struct Output {
    queued: Arc<Queued>,
    writer: Writer,
}

/// A destination in the queue.
struct Queued {
    destination: Box<dyn Destination>,
    /// Lines that did not fit into the queue.
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    /// The thread waits for lines, for the end or for a flush.
    wake: Condvar,
    /// The callers of `flush` wait for the thread.
    flushed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<(Arc<Queued>, Box<[u8]>)>,
    bytes: usize,
    /// The thread waits, and must be woken by the next line.
    idle: bool,
    ended: bool,
    /// An output has ended, and its buffer can be written.
    has_ended_output: bool,
    /// Flushes that were asked for, and those that are done.
    flushes: (u64, u64),
}

impl Writer {
    /// Starts a thread.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            wake: Condvar::new(),
            flushed: Condvar::new(),
        });
        let shared = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || Round::default().run(&shared))?;
        Ok(Self(Arc::new(Handle(queue))))
    }

    /// Adds a destination.
    pub(super) fn add(&self, destination: Box<dyn Destination>) -> Output {
        let queued = Arc::new(Queued {
            destination,
            dropped: AtomicU64::new(0),
        });
        Output {
            queued,
            writer: self.clone(),
        }
    }

    /// Whether any output is left.
    pub(super) fn has_outputs(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Waits until all lines are written, buffers included, or for `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let queue = &self.0.0;
        let deadline = Instant::now() + limit;
        let mut state = queue.lock();
        state.flushes.0 += 1;
        let wanted = state.flushes.0;
        queue.wake.notify_one();
        while state.flushes.1 < wanted && !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = queue.flushed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued").finish_non_exhaustive()
    }
}

impl Output {
    /// Queues a line, or counts it as lost where the queue is full.
    pub(super) fn push(&self, line: &[u8]) {
        let queue = &self.writer.0.0;
        let mut state = queue.lock();
        if state.bytes + line.len() > CAPACITY {
            self.queued.dropped.fetch_add(1, Ordering::Relaxed);
            losses::note(1);
            return;
        }
        state.bytes += line.len();
        let queued = Arc::clone(&self.queued);
        state.lines.push_back((queued, line.into()));
        if std::mem::take(&mut state.idle) {
            drop(state);
            queue.wake.notify_one();
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let queue = &self.writer.0.0;
        queue.lock().has_ended_output = true;
        queue.wake.notify_one();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines, a flush, the end, or until `deadline`.
    fn wait(&self, deadline: Option<Instant>) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        while state.has_nothing() {
            state.idle = true;
            let limit = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            state = match limit {
                Some(limit) if limit.is_zero() => break,
                Some(limit) => {
                    let waited = self.wake.wait_timeout(state, limit);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.wake.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        state.idle = false;
        state
    }
}

impl State {
    /// Whether the thread has nothing to do.
    fn has_nothing(&self) -> bool {
        let is_flushed = self.flushes.0 == self.flushes.1;
        self.lines.is_empty() && is_flushed && !self.ended && !self.has_ended_output
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.wake.notify_one();
    }
}
