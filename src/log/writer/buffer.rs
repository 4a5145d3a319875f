//! The thread's side: the lines that it holds, and what became of those it could not write.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{PAUSE, Queue, Queued};
use crate::base::Errno;
use crate::log::losses;

/// The most bytes of one write.
const LARGEST_WRITE: usize = 64 << 10;
/// The time after a failed write at which the lost lines are reported, if the destination works again.
const RETRY: Duration = Duration::from_secs(1);

/// The lines that the thread holds, by destination.
#[derive(Default)]
pub(super) struct Round {
    buffers: Vec<Buffer>,
}

struct Buffer {
    queued: Arc<Queued>,
    bytes: Vec<u8>,
    /// The time of the first line in `bytes`.
    since: Instant,
    lost: Option<Loss>,
}

/// The lines lost in failed writes since the last successful one.
struct Loss {
    lines: u64,
    /// The last error.
    cause: String,
    /// A write ended inside a line.
    inside_line: bool,
    /// The time at which to write again.
    retry: Instant,
}

impl Round {
    pub(super) fn run(mut self, queue: &Queue) {
        loop {
            let mut state = queue.wait(self.deadline());
            let lines = std::mem::take(&mut state.lines);
            state.bytes = 0;
            state.has_ended_output = false;
            let (flush, ended) = (state.flushes.0, state.ended);
            let all = ended || flush > state.flushes.1;
            drop(state);
            for (queued, line) in lines {
                self.append(queued, &line);
            }
            self.write_due(all);
            let mut state = queue.lock();
            state.flushes.1 = flush;
            queue.flushed.notify_all();
            if ended && state.lines.is_empty() {
                return;
            }
            drop(state);
            if !all {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// The time at which a buffer must be written.
    fn deadline(&self) -> Option<Instant> {
        self.buffers.iter().filter_map(Buffer::deadline).min()
    }

    fn append(&mut self, queued: Arc<Queued>, line: &[u8]) {
        let known = self
            .buffers
            .iter()
            .position(|buffer| Arc::ptr_eq(&buffer.queued, &queued));
        let at = known.unwrap_or_else(|| {
            self.buffers.push(Buffer::new(queued));
            self.buffers.len() - 1
        });
        let buffer = &mut self.buffers[at];
        let limit = buffer.queued.destination.buffer().0.max(LARGEST_WRITE);
        if buffer.bytes.len() + line.len() > limit {
            buffer.write();
        }
        if buffer.bytes.is_empty() {
            buffer.since = Instant::now();
        }
        buffer.bytes.extend_from_slice(line);
    }

    /// Writes the buffers that need not wait, or all of them. Forgets destinations that nobody else has.
    fn write_due(&mut self, all: bool) {
        let now = Instant::now();
        for buffer in &mut self.buffers {
            let size = buffer.queued.destination.buffer().0;
            let is_full = !buffer.bytes.is_empty() && buffer.bytes.len() >= size;
            let is_late = buffer.deadline().is_some_and(|at| at <= now);
            if all || is_full || is_late || buffer.is_unused() {
                buffer.write();
            }
        }
        self.buffers.retain(|buffer| !buffer.is_unused());
    }
}

impl Buffer {
    fn new(queued: Arc<Queued>) -> Self {
        Self {
            queued,
            bytes: Vec::new(),
            since: Instant::now(),
            lost: None,
        }
    }

    /// Whether the thread has the last handle of the destination: no more lines will come.
    fn is_unused(&self) -> bool {
        Arc::strong_count(&self.queued) == 1
    }

    /// The time at which the buffer must be written.
    fn deadline(&self) -> Option<Instant> {
        let flush = self.queued.destination.buffer().1;
        let flush = flush.filter(|_| !self.bytes.is_empty());
        let flush = flush.map(|time| self.since + time);
        let retry = self.lost.as_ref().map(|loss| loss.retry);
        flush.into_iter().chain(retry).min()
    }

    fn write(&mut self) {
        let dropped = self.queued.dropped.load(Ordering::Relaxed);
        let before = self.lost.take();
        if self.bytes.is_empty() && before.is_none() && dropped == 0 {
            return;
        }
        let lines = std::mem::take(&mut self.bytes);
        let lines_length = lines.len();
        let report = self.report(before.as_ref(), dropped);
        let written = match &*report {
            [] => self.queued.destination.write(&lines),
            report => self.queued.destination.write(&[report, &*lines].concat()),
        };
        // The report comes with the next successful write, unless all of it was written.
        match written {
            Ok(()) => {
                self.queued.dropped.fetch_sub(dropped, Ordering::Relaxed);
            }
            Err((count, error)) => {
                let (reported, unreported) = match count >= report.len() {
                    true => (dropped, 0),
                    false => (0, before.as_ref().map_or(0, |loss| loss.lines)),
                };
                self.queued.dropped.fetch_sub(reported, Ordering::Relaxed);
                let all = [report, lines].concat();
                let inside_line = match all[..count.min(all.len())].last() {
                    Some(last) => *last != b'\n',
                    None => before.is_some_and(|loss| loss.inside_line),
                };
                let rest = &all[count.max(all.len() - lines_length)..];
                losses::note(count_lines(rest));
                self.lost = Some(Loss {
                    lines: unreported + count_lines(rest),
                    cause: format!("write() failed{}", Errno(&error)),
                    inside_line,
                    retry: Instant::now() + RETRY,
                });
            }
        }
    }

    /// The lines that report lost lines.
    fn report(&self, loss: Option<&Loss>, dropped: u64) -> Vec<u8> {
        let mut report = Vec::new();
        if loss.is_some_and(|loss| loss.inside_line) {
            report.push(b'\n');
        }
        let (lines, cause) = match loss {
            Some(loss) if loss.lines > 0 => (loss.lines, &*loss.cause),
            _ => (0, "the log takes lines too slowly"),
        };
        if lines + dropped > 0 {
            report.extend(self.queued.destination.loss(lines + dropped, cause));
        }
        report
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
