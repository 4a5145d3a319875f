//! A dialogue that only asks a backend for its capabilities: greeting, capabilities, end.

use super::discovery::Discovery;
use super::wire::{CapabilityList, Wire};
use crate::proto::client::{Dialogue, Progress, then};

/// The dialogue.
pub type CapabilityProbe = Dialogue<Answer>;

/// The backend's answer.
#[derive(Debug)]
pub struct Answer {
    /// The capabilities that are announced to clients.
    pub list: CapabilityList,
    /// The command that ends the session; no reply to it matters.
    pub quit: &'static [u8],
}

/// A dialogue that waits for the greeting.
pub fn dialogue(wire: Box<dyn Wire>) -> CapabilityProbe {
    let verbs = wire.verbs();
    let discovery = Discovery::new(wire, verbs.capabilities_action, |_| true);
    then(discovery, |(wire, _), reply, _| {
        match wire.announced(reply) {
            Some(list) => Progress::Done(Answer {
                list,
                quit: verbs.quit,
            }),
            None => Progress::UNEXPECTED,
        }
    })
}
