//! The greeting alone: whether a backend takes sessions at all.

use super::reply::{Class, Expected, Replies};
use crate::proto::client::{Action, ClientDialogue, Dialogue, Progress, READING};

/// A dialogue that ends with the greeting. A backend that refuses sessions ends it with an unexpected reply.
pub fn dialogue(replies: Box<dyn Replies>) -> Dialogue<()> {
    Box::new(Greeting(replies))
}

#[derive(Debug)]
struct Greeting(Box<dyn Replies>);

impl ClientDialogue for Greeting {
    type Outcome = ();

    fn action(&self) -> Action {
        READING
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        self.0.whole(Expected::Greeting, bytes)
    }

    fn advance(self: Box<Self>, reply: &[u8], _: &mut Vec<u8>) -> Progress<()> {
        match self.0.class(Expected::Greeting, reply) {
            Class::Ok => Progress::Done(()),
            _ => Progress::Unexpected {
                shown_from: self.0.shown_from(Expected::Greeting, reply),
            },
        }
    }
}
