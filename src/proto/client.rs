//! The client that backends talk to, for any purpose: the interface between a dialogue and the driver in `session`.
//!
//! The driver sends the bytes in `out`, reads until [`ClientDialogue::whole`] finds a complete reply, and passes the reply to
//! [`ClientDialogue::advance`], which consumes the dialogue and returns the rest of it or the outcome.

use std::fmt::{self, Debug};

/// The action of a session, as nginx's log lines name it after `while`.
pub type Action = &'static str;

/// The action before anything was sent, and after a reply.
pub const READING: Action = "reading response from upstream";

/// A dialogue that ends with an `O`.
pub type Dialogue<O> = Box<dyn ClientDialogue<Outcome = O>>;

/// One exchange of commands and replies with a backend, up to its outcome.
pub trait ClientDialogue: Debug + Send + Sync {
    /// How the dialogue can end, other than with a reply that is not allowed.
    type Outcome;

    /// The action while the next reply is awaited.
    fn action(&self) -> Action;

    /// Length of the first whole reply in `bytes`, in bytes; `None` while it is incomplete.
    fn whole(&self, bytes: &[u8]) -> Option<usize>;

    /// Takes the reply to the last command, and writes the next one to `out`.
    fn advance(self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<Self::Outcome>;
}

/// The next step after a reply.
#[derive(Debug)]
pub enum Progress<O> {
    /// Send `out` and read the next reply.
    Read(Dialogue<O>),
    /// The dialogue has ended; there is nothing to send.
    Done(O),
    /// The protocol does not allow this reply here.
    Unexpected {
        /// Where the part of the reply begins that the log shows, in bytes.
        shown_from: usize,
    },
}

impl<O> Progress<O> {
    /// A reply that the protocol does not allow here; the log shows all of it.
    pub const UNEXPECTED: Self = Progress::Unexpected { shown_from: 0 };
}

/// A dialogue that goes on where another one ends: `next` takes the outcome with the reply that led to it.
pub fn then<A, B>(
    first: Dialogue<A>,
    next: impl FnOnce(A, &[u8], &mut Vec<u8>) -> Progress<B> + Send + Sync + 'static,
) -> Dialogue<B>
where
    A: 'static,
    B: 'static,
{
    Box::new(Then { first, next })
}

struct Then<A, F> {
    first: Dialogue<A>,
    next: F,
}

impl<A, F> Debug for Then<A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)
    }
}

impl<A: 'static, B: 'static, F> ClientDialogue for Then<A, F>
where
    F: FnOnce(A, &[u8], &mut Vec<u8>) -> Progress<B> + Send + Sync + 'static,
{
    type Outcome = B;

    fn action(&self) -> Action {
        self.first.action()
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        self.first.whole(bytes)
    }

    fn advance(mut self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<B> {
        match self.first.advance(reply, out) {
            Progress::Read(first) => {
                self.first = first;
                Progress::Read(self)
            }
            Progress::Done(outcome) => (self.next)(outcome, reply, out),
            Progress::Unexpected { shown_from } => Progress::Unexpected { shown_from },
        }
    }
}
