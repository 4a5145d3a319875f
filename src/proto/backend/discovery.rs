//! The start of a dialogue in which the backend's capabilities decide what follows: greeting, command, answer.

use super::wire::{Capabilities, Class, Expected, Wire};

/// Which reply is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// The greeting.
    Greeting,
    /// The answer to the command that asks for capabilities.
    Asked,
}

/// What follows from a reply.
#[derive(Debug)]
pub enum Discovered {
    /// The command was sent.
    Read(Discovery),
    /// These are the capabilities.
    Found(Capabilities),
    /// The greeting is negative.
    Unwelcome,
    /// The reply is not an answer.
    Unexpected,
}

impl Discovery {
    /// The reply that is awaited.
    pub fn expected(self) -> Expected {
        match self {
            Discovery::Greeting => Expected::Greeting,
            Discovery::Asked => Expected::Capabilities,
        }
    }

    /// Takes a reply. Capabilities in a greeting spare the command if they are `enough`.
    pub fn advance(
        self,
        wire: &dyn Wire,
        enough: impl Fn(&Capabilities) -> bool,
        reply: &[u8],
        out: &mut Vec<u8>,
    ) -> Discovered {
        match self {
            Discovery::Greeting if wire.class(Expected::Greeting, reply) != Class::Ok => {
                Discovered::Unwelcome
            }
            Discovery::Greeting => match wire.greeted_capabilities(reply).filter(enough) {
                Some(capabilities) => Discovered::Found(capabilities),
                None => {
                    out.extend(wire.capability_command());
                    out.extend_from_slice(b"\r\n");
                    Discovered::Read(Discovery::Asked)
                }
            },
            Discovery::Asked => match wire.capabilities(reply) {
                Some(capabilities) => Discovered::Found(capabilities),
                None => Discovered::Unexpected,
            },
        }
    }
}
