//! A connection that is made only to ask a backend what it can do: greeting, capabilities, end.

use super::discovery::{Discovered, Discovery};
use super::wire::{CapabilityList, Wire};
use crate::proto::client::{ClientDialogue, Progress, READING};

/// The backend's answer.
#[derive(Debug)]
pub struct Answer {
    /// What clients are told of it.
    pub list: CapabilityList,
    /// The command that ends the session; no reply to it matters.
    pub quit: &'static [u8],
}

/// The dialogue.
#[derive(Debug)]
pub struct CapabilityProbe {
    wire: Box<dyn Wire>,
    discovery: Discovery,
}

impl CapabilityProbe {
    /// A dialogue that waits for the greeting.
    pub fn new(wire: Box<dyn Wire>) -> Self {
        CapabilityProbe {
            wire,
            discovery: Discovery::Greeting,
        }
    }
}

impl ClientDialogue for CapabilityProbe {
    type Outcome = Answer;

    fn action(&self) -> &'static str {
        match self.discovery {
            Discovery::Greeting => READING,
            Discovery::Asked => self.wire.verbs().capabilities_action,
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        self.wire.whole(self.discovery.expected(), bytes)
    }

    fn advance(mut self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<Answer> {
        match self.discovery.advance(&*self.wire, |_| true, reply, out) {
            Discovered::Read(discovery) => {
                self.discovery = discovery;
                Progress::Read(self)
            }
            Discovered::Found(_) => match self.wire.announced(reply) {
                Some(list) => Progress::Done(Answer {
                    list,
                    quit: self.wire.verbs().quit,
                }),
                None => Progress::UNEXPECTED,
            },
            Discovered::Unwelcome | Discovered::Unexpected => Progress::UNEXPECTED,
        }
    }
}
