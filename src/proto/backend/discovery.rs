//! The start of a dialogue in which the backend's capabilities decide what follows: greeting, command, answer.

use super::reply::{Class, Expected};
use super::wire::{Capabilities, Wire};
use crate::proto::client::{Action, ClientDialogue, Progress, READING};

/// The result: the backend's capabilities, and the wire for what follows.
pub type Discovered = (Box<dyn Wire>, Capabilities);

/// The dialogue.
#[derive(Debug)]
pub struct Discovery {
    wire: Box<dyn Wire>,
    /// The command was sent.
    asked: bool,
    /// The greeting announces the command that identifies the client.
    identification: bool,
    asking: Action,
    enough: fn(&Capabilities) -> bool,
}

impl Discovery {
    /// A dialogue that waits for the greeting. Capabilities in the greeting spare the command if they are `enough`.
    /// `asking` is the action while the answer is awaited.
    pub fn new(
        wire: Box<dyn Wire>,
        asking: Action,
        enough: fn(&Capabilities) -> bool,
    ) -> Box<Self> {
        Box::new(Discovery {
            wire,
            asked: false,
            identification: false,
            asking,
            enough,
        })
    }

    fn expected(&self) -> Expected {
        match self.asked {
            false => Expected::Greeting,
            true => Expected::Capabilities,
        }
    }
}

impl ClientDialogue for Discovery {
    type Outcome = Discovered;

    fn action(&self) -> Action {
        if self.asked { self.asking } else { READING }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        self.wire.whole(self.expected(), bytes)
    }

    fn advance(mut self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<Discovered> {
        let found = if self.asked {
            match self.wire.capabilities(reply) {
                None => return Progress::UNEXPECTED,
                found => found,
            }
        } else if self.wire.class(Expected::Greeting, reply) != Class::Ok {
            return Progress::UNEXPECTED;
        } else {
            self.identification = self.wire.greets_with_identification(reply);
            self.wire.greeted_capabilities(reply).filter(self.enough)
        };
        match found {
            Some(mut found) => {
                found.identification |= self.identification;
                Progress::Done((self.wire, found))
            }
            None => {
                out.extend(self.wire.capability_command());
                out.extend_from_slice(b"\r\n");
                self.asked = true;
                Progress::Read(self)
            }
        }
    }
}
