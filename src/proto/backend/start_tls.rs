//! Upgrade of a connection to TLS: greeting, capabilities, STARTTLS (RFC 3207; RFC 9051, section 6.2.1) or STLS (RFC 2595, section 4).
//!
//! The dialogue that follows begins with the greeting, as if it had come through TLS: what a backend said in clear text is
//! forgotten.

use super::discovery::{Discovered, Discovery};
use super::wire::{Class, Expected, Wire};
use crate::proto::client::{ClientDialogue, Progress, READING};

/// How the dialogue ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handshake can begin; nothing may follow in clear text. These bytes stand for the greeting inside TLS.
    Agreed(&'static [u8]),
    /// The backend does not announce that it can.
    NotOffered,
    /// The greeting is negative.
    Unwelcome,
}

/// The dialogue up to the handshake.
#[derive(Debug)]
pub struct StartTls {
    wire: Box<dyn Wire>,
    state: State,
}

#[derive(Debug)]
enum State {
    Discovery(Discovery),
    /// STARTTLS was sent.
    Sent,
}

impl StartTls {
    /// A dialogue that waits for the greeting.
    pub fn new(wire: Box<dyn Wire>) -> Self {
        StartTls {
            wire,
            state: State::Discovery(Discovery::Greeting),
        }
    }
}

impl ClientDialogue for StartTls {
    type Outcome = Outcome;

    fn action(&self) -> &'static str {
        match self.state {
            State::Discovery(Discovery::Greeting) => READING,
            State::Discovery(Discovery::Asked) => self.wire.verbs().capabilities_action,
            State::Sent => self.wire.verbs().start_tls_action,
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        let expected = match self.state {
            State::Discovery(discovery) => discovery.expected(),
            State::Sent => Expected::StartTls,
        };
        self.wire.whole(expected, bytes)
    }

    fn advance(mut self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<Outcome> {
        let verbs = self.wire.verbs();
        self.state = match self.state {
            State::Discovery(discovery) => {
                match discovery.advance(&*self.wire, |found| found.starttls, reply, out) {
                    Discovered::Read(discovery) => State::Discovery(discovery),
                    Discovered::Found(capabilities) if capabilities.starttls => {
                        out.extend_from_slice(verbs.start_tls);
                        State::Sent
                    }
                    Discovered::Found(_) => return Progress::Done(Outcome::NotOffered),
                    Discovered::Unwelcome => return Progress::Done(Outcome::Unwelcome),
                    Discovered::Unexpected => return Progress::UNEXPECTED,
                }
            }
            State::Sent => {
                return match self.wire.class(Expected::StartTls, reply) {
                    Class::Ok => Progress::Done(Outcome::Agreed(verbs.greeting)),
                    _ => Progress::UNEXPECTED,
                };
            }
        };
        Progress::Read(self)
    }
}
