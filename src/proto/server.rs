//! What the shell asks of the server that a client talks to, whichever protocol it speaks.

use std::fmt::Debug;

use super::login::Bytes;
use super::{Input, Refusal, Turn};

/// One client's dialogue, from the greeting to the login.
pub trait ServerDialogue: Debug + Send + Sync {
    /// The greeting. `stamp` makes a challenge, for protocols that greet with one.
    fn greet(&mut self, stamp: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>);

    /// The answer to a client that spoke before the greeting.
    fn early(&mut self, data: &[u8], out: &mut Vec<u8>) -> Turn;

    /// Looks at one command, if one is whole.
    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn;

    /// The challenge for CRAM-MD5, with its angle brackets.
    fn challenge(&mut self, salt: Bytes, out: &mut Vec<u8>);

    /// The TLS handshake is done.
    fn secured(&mut self);

    /// The login came to nothing. The step says whether the session may go on.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) -> Turn;

    /// A login that the backend accepted with this reply.
    fn accept(&mut self, reply: &[u8], out: &mut Vec<u8>);

    /// Something broke on our side.
    fn fail(&mut self, out: &mut Vec<u8>);

    /// The client took too long.
    fn time_out(&mut self, out: &mut Vec<u8>);
}
