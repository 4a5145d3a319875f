//! The requests that the backend has yet to answer.

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// HELO or EHLO.
    Hello,
    /// AUTH, or Exchange's X-EXPS.
    Auth,
    /// A line of the client in a SASL dialogue.
    AuthResponse,
    Mail,
    Rcpt,
    Data,
    /// The final dot line after DATA.
    EndOfData,
    /// One recipient of a message, after its end (PRDR).
    RecipientData,
    /// BDAT without LAST.
    Chunk,
    /// BDAT with LAST.
    LastChunk,
    Reset,
    Quit,
    /// Any other command.
    Other,
}

/// Capacity in runs of equal requests. A transaction has three: MAIL, RCPT and DATA.
const RUNS: usize = 16;
/// Runs reserved for [`Outstanding::push_front`].
const SPARE: usize = 2;

/// A queue of requests, oldest first, run-length encoded so that it needs no heap memory.
#[derive(Debug)]
pub(super) struct Outstanding {
    runs: [Run; RUNS],
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    request: Request,
    count: u16,
}

impl Outstanding {
    pub(super) fn new() -> Self {
        let none = Run {
            request: Request::Other,
            count: 0,
        };
        Outstanding {
            runs: [none; RUNS],
            len: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether at most one request is in the queue.
    pub(super) fn is_last(&self) -> bool {
        match &self.runs[..self.len] {
            [] => true,
            [run] => run.count == 1,
            _ => false,
        }
    }

    /// Whether another command may pass before the next reply.
    pub(super) fn has_room(&self) -> bool {
        self.len < RUNS - SPARE
    }

    /// Appends a request. There must be [room](Self::has_room), or the queue must be empty.
    pub(super) fn push(&mut self, request: Request) {
        let last = self.len.checked_sub(1).map(|last| &mut self.runs[last]);
        match last {
            Some(run) if run.request == request && run.count < u16::MAX => run.count += 1,
            _ => {
                self.runs[self.len] = Run { request, count: 1 };
                self.len += 1;
            }
        }
    }

    /// Inserts a run at the front, in place of a request that was popped.
    pub(super) fn push_front(&mut self, request: Request, count: u16) {
        self.runs.copy_within(..self.len, 1);
        self.runs[0] = Run { request, count };
        self.len += 1;
    }

    /// Removes the oldest request.
    pub(super) fn pop(&mut self) -> Option<Request> {
        let first = self.runs[..self.len].first_mut()?;
        let request = first.request;
        first.count -= 1;
        if first.count == 0 {
            self.runs.copy_within(1..self.len, 0);
            self.len -= 1;
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_a_run_and_the_order_stays() {
        let mut queue = Outstanding::new();
        queue.push(Request::Mail);
        for _ in 0..70_000 {
            queue.push(Request::Rcpt);
        }
        queue.push(Request::Data);
        assert_eq!(queue.len, 4);
        assert_eq!(queue.pop(), Some(Request::Mail));
        queue.push_front(Request::EndOfData, 1);
        queue.push_front(Request::RecipientData, 2);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order.len(), 70_004);
        assert_eq!(order[..2], [Request::RecipientData; 2]);
        assert_eq!(order[2], Request::EndOfData);
        assert!(order[3..70_003].iter().all(|r| *r == Request::Rcpt));
        assert_eq!(order[70_003], Request::Data);
    }

    #[test]
    fn room_ends_before_the_array_does() {
        let mut queue = Outstanding::new();
        for request in [Request::Mail, Request::Other].into_iter().cycle() {
            if !queue.has_room() {
                break;
            }
            queue.push(request);
        }
        assert_eq!(queue.pop(), Some(Request::Mail));
        queue.push_front(Request::EndOfData, 1);
        queue.push_front(Request::RecipientData, 5);
        assert_eq!(queue.pop(), Some(Request::RecipientData));
    }
}
