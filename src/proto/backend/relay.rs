//! One message of a client that is relayed to the backend, in an exchange in which both prove that they know a secret.

use super::reply::{Class, Expected, Rejection};
use super::steps::{Context, SENDING_AUTH};
use crate::proto::client::{Action, ClientDialogue, Dialogue, Progress};
use crate::proto::login::Bytes;
use crate::proto::sasl::scram;

/// The backend's answer to a message.
#[derive(Debug)]
pub enum Answered {
    /// The next message for the client, in base64.
    Message(Bytes),
    /// The login is complete.
    Complete,
    /// The backend refuses.
    Refused(Rejection),
}

/// Sends a message, in the form of the protocol. `context` is returned with the answer.
pub fn dialogue<C: Context>(
    message: &[u8],
    context: C,
    out: &mut Vec<u8>,
) -> Dialogue<(C, Answered)> {
    out.extend_from_slice(message);
    out.extend_from_slice(b"\r\n");
    Box::new(Relay(context))
}

/// A backend's message, if it is one that a client can get.
pub fn message(text: &[u8]) -> Option<Bytes> {
    (!text.is_empty() && scram::is_message(text)).then(|| text.into())
}

/// Waits for the answer.
#[derive(Debug)]
struct Relay<C>(C);

impl<C: Context> ClientDialogue for Relay<C> {
    type Outcome = (C, Answered);

    fn action(&self) -> Action {
        SENDING_AUTH
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        self.0.replies().whole(Expected::LoggedIn, bytes)
    }

    fn advance(self: Box<Self>, reply: &[u8], _: &mut Vec<u8>) -> Progress<(C, Answered)> {
        let answered = match self.0.replies().class(Expected::LoggedIn, reply) {
            Class::Ok => Answered::Complete,
            Class::Refused(rejection) => Answered::Refused(rejection),
            Class::Challenge(text) => match message(text.trim_ascii_end()) {
                Some(text) => Answered::Message(text),
                None => return Progress::UNEXPECTED,
            },
            Class::Other => return Progress::UNEXPECTED,
        };
        Progress::Done((self.0, answered))
    }
}
