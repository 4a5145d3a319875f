//! The server side of a dialogue: the interface between the session and the server that a client talks to, in any protocol.
//!
//! The session calls `greet` once and `advance` until it returns a step other than [`Step::Next`]. It carries out the step and
//! reports the result: `secured` after [`Step::StartTls`]; `challenge` or `refuse` after [`Step::Challenge`]; `accept`, `relay` or
//! `refuse` after [`Step::Authenticate`] and [`Step::Respond`].
//!
//! [`Step::Next`]: super::Step::Next
//! [`Step::StartTls`]: super::Step::StartTls
//! [`Step::Challenge`]: super::Step::Challenge
//! [`Step::Authenticate`]: super::Step::Authenticate
//! [`Step::Respond`]: super::Step::Respond

use std::fmt::Debug;

use super::login::Bytes;
use super::sasl::scram::Scram;
use super::{Input, Refusal, Turn};

/// One client's dialogue, from the greeting to the login.
pub trait ServerDialogue: Debug + Send + Sync {
    /// Writes the greeting. `challenge` makes a challenge, for protocols that greet with one.
    fn greet(&mut self, challenge: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>);

    /// Takes one command, if one is complete, and writes the reply.
    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn;

    /// Writes a challenge for CRAM-MD5, given with its angle brackets.
    fn challenge(&mut self, salt: Bytes, out: &mut Vec<u8>);

    /// Writes a message of the backend in an exchange that the gateway relays. It is in base64.
    fn relay(&mut self, mechanism: Scram, message: &[u8], out: &mut Vec<u8>);

    /// Records that the TLS handshake is complete.
    fn secured(&mut self);

    /// Writes the reply to a login that did not lead to a backend. The step determines whether the session goes on.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) -> Turn;

    /// Whether the client could take these bytes of a backend as an acceptance of its login, or as a request to go on: they must
    /// not be passed on then.
    fn advances(&self, reply: &[u8]) -> bool;

    /// Writes the reply to a login that the backend accepted with `reply`.
    fn accept(&mut self, reply: &[u8], out: &mut Vec<u8>);
}
