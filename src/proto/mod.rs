//! The dialogues of the protocols as pure code: the input is bytes and results, the output bytes and the next step.
//!
//! Nothing here uses tokio, a clock, randomness or the log. `session` reads, writes, waits and connects, and reports the results
//! back. It sees the protocols through two traits: [`ServerDialogue`] towards clients and [`ClientDialogue`] towards backends.

pub mod auth_http;
pub mod backend;
pub mod client;
pub mod dialogues;
pub mod echo;
pub mod foreign;
pub mod identification;
pub mod imap;
pub mod input;
pub mod line;
pub mod login;
pub mod note;
pub mod objection;
pub mod pop3;
pub mod proxy_protocol;
pub mod redact;
pub mod refusal;
pub mod replies;
pub mod sasl;
pub mod server;
pub mod settings;
pub mod sieve;
pub mod smtp;
pub mod strings;
pub mod tally;
#[cfg(test)]
mod testing;

pub use backend::reply::Rejection;
pub use backend::wire::CapabilityList;
pub use client::ClientDialogue;
pub use identification::Fields;
pub use input::Input;
pub use login::{ClientHost, Credentials, Envelope, Helo, Login, Origin, Response};
pub use note::Note;
pub use objection::Objection;
pub use refusal::{Denial, Excess, HELD, Refusal};
pub use replies::LastReply;
pub use server::ServerDialogue;
pub use settings::Settings;

/// The next action of the session.
#[derive(Debug)]
pub enum Step {
    /// The command is incomplete: send `out`, read more, call `advance` again.
    Read,
    /// A command is answered: call `advance` again.
    Next,
    /// The client has identified itself (IMAP's ID): log that, call `advance` again.
    Identified(Fields),
    /// Send `out`, discard what the client sent in clear text, run the TLS handshake, call `secured`.
    StartTls,
    /// The client asks for CRAM-MD5: make a challenge or get the backend's, call `challenge` or `refuse`.
    Challenge(Origin),
    /// The client responds to a message of the backend: pass it on, call `relay`, `accept` or `refuse`.
    Respond(Box<Response>),
    /// A login is complete: find its backend and call `accept`, or call `refuse`.
    Authenticate(Box<Login>),
    /// The client wants the end (QUIT, LOGOUT): send `out` and close.
    Quit,
    /// Send `out` and close, although the client may be sending.
    Close,
}

/// The result of one call: the next step, and a line for the log before it.
#[derive(Debug)]
pub struct Turn {
    /// The next step.
    pub step: Step,
    /// A line for the log.
    pub note: Option<Note>,
    /// The login, if the client sent one. Later log lines show it; after an empty one they show none.
    pub login: Option<login::Bytes>,
    /// Why a command was refused, where a session's result may depend on it.
    pub objection: Option<Objection>,
}

impl From<Step> for Turn {
    fn from(step: Step) -> Self {
        Turn {
            step,
            note: None,
            login: None,
            objection: None,
        }
    }
}

impl From<sasl::Fault> for Turn {
    /// The turn after the reply "invalid command", which the server writes.
    fn from(fault: sasl::Fault) -> Self {
        let closing = fault.closing;
        Turn {
            step: if closing { Step::Close } else { Step::Next },
            note: fault.note,
            login: fault.login,
            objection: fault.objection,
        }
    }
}

impl Step {
    /// The step with a line for the log.
    pub fn noting(self, note: Note) -> Turn {
        Turn {
            note: Some(note),
            ..self.into()
        }
    }

    /// The step after a refusal.
    pub fn objecting(self, objection: Objection) -> Turn {
        Turn {
            objection: Some(objection),
            ..self.into()
        }
    }
}

/// A backend's reply without its last line end, as the log shows it.
pub fn shown(reply: &[u8]) -> &[u8] {
    reply.strip_suffix(b"\r\n").unwrap_or(reply)
}
