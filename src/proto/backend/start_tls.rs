//! Upgrade of a connection to TLS: greeting, capabilities, STARTTLS (RFC 3207; RFC 9051, section 6.2.1) or
//! STLS (RFC 2595, section 4).
//!
//! The dialogue that follows begins with the greeting, as if it had come through TLS: the capabilities that a backend
//! announced in clear text are discarded, except for XCLIENT in Dovecot's POP3 greeting, which is not repeated inside TLS. A forged one
//! makes the gateway send a command that the backend refuses.

use super::discovery::Discovery;
use super::reply::Expected;
use super::steps::{Ended, Step, Steps};
use super::wire::Wire;
use crate::proto::client::{Dialogue, Progress, then};

/// The dialogue up to the handshake.
pub type StartTls = Dialogue<Outcome>;

/// How the dialogue ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handshake can begin; nothing may follow in clear text. These bytes stand for the greeting inside TLS.
    Agreed(&'static [u8]),
    /// The backend does not announce the command.
    NotOffered,
}

/// A dialogue that waits for the greeting.
pub fn dialogue(wire: Box<dyn Wire>) -> StartTls {
    let verbs = wire.verbs();
    let discovery = Discovery::new(wire, verbs.capabilities_action, |found| found.starttls);
    then(discovery, move |(wire, found), _, out| {
        if !found.starttls {
            return Progress::Done(Outcome::NotOffered);
        }
        let step = Step::new(verbs.start_tls, verbs.start_tls_action, Expected::StartTls);
        let greeting = wire.greeting_inside_tls(&found);
        let sent = Steps::new(step, []).begin(wire, out);
        Progress::Read(then(sent, move |(_, ended), _, _| match ended {
            Ended::Complete(_) => Progress::Done(Outcome::Agreed(greeting)),
            Ended::Refused(_) => Progress::UNEXPECTED,
        }))
    })
}
