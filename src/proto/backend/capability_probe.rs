//! A dialogue that only asks a backend for its capabilities: greeting, capabilities, end.

use super::discovery::Discovery;
use super::wire::{CapabilityList, Offer, Wire};
use crate::proto::client::{Dialogue, Progress, then};

/// The dialogue.
pub type CapabilityProbe = Dialogue<Answer>;

/// The backend's answer.
#[derive(Debug)]
pub struct Answer {
    /// The capabilities that are announced to clients.
    pub list: CapabilityList,
    /// What it offers for logins.
    pub offer: Offer,
    /// The command that ends the session; no reply to it matters.
    pub quit: &'static [u8],
}

/// A dialogue that waits for the greeting.
pub fn dialogue(wire: Box<dyn Wire>) -> CapabilityProbe {
    let verbs = wire.verbs();
    let discovery = Discovery::new(wire, verbs.capabilities_action, |_| true);
    then(discovery, |(wire, found), reply, _| {
        match wire.announced(reply) {
            Some(words) => Progress::Done(Answer {
                list: CapabilityList {
                    words,
                    methods: found.usable(),
                },
                offer: found.offer(wire.verbs()),
                quit: wire.verbs().quit,
            }),
            None => Progress::UNEXPECTED,
        }
    })
}
