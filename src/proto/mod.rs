//! The dialogues, pure: bytes and answers in, bytes and a [`Step`] out.
//!
//! Nothing here knows tokio, a clock, randomness or the log. The shell in `session` reads, writes, waits and asks,
//! and tells the core what came of it. This file is the only place that matches on the protocol.

pub mod auth_http;
pub mod input;
pub mod login;
pub mod note;
pub mod proxy_protocol;
pub mod sasl;
pub mod secret;
pub mod smtp;

pub use input::Input;
pub use login::{Credentials, Envelope, Helo, Login};
pub use note::Note;
pub use secret::Secret;

/// What the shell has to do next.
#[derive(Debug)]
pub enum Step {
    /// No whole command is there: send what is in `out`, read more, call `advance` again.
    Read,
    /// A command was answered: call `advance` again.
    Next,
    /// Send `out`, throw away all that the client sent in clear text, shake hands, call `secured`.
    StartTls,
    /// The client asked for CRAM-MD5: make or fetch a challenge, call `challenge` or `refuse`.
    Challenge,
    /// The client said all that a login needs: find a backend or call `refuse`.
    Ask(Box<Login>),
    /// Send `out` and close.
    Close,
}

/// One call's result: what to do, and what to write into the log first.
#[derive(Debug)]
pub struct Turn {
    /// What to do.
    pub step: Step,
    /// What the log should say about it.
    pub note: Option<Note>,
}

impl From<Step> for Turn {
    fn from(step: Step) -> Self {
        Turn { step, note: None }
    }
}

impl Step {
    /// This step, with a line for the log.
    pub fn noting(self, note: Note) -> Turn {
        Turn {
            step: self,
            note: Some(note),
        }
    }
}

/// Why a login did not lead to a backend.
#[derive(Debug)]
pub enum Refusal {
    /// The auth server said no.
    Denied {
        /// `Auth-Error-Code`, where it sent one.
        code: Option<Box<[u8]>>,
        /// The text after the code.
        text: Box<[u8]>,
    },
    /// The backend, as the judge, said no.
    Judged {
        /// The backend's code, 400 to 599.
        code: u16,
        /// The backend's own reply, where `proxy_pass_error_message` is on: whole lines.
        reply: Option<Box<[u8]>>,
    },
    /// The backend does not know this way to log in.
    Mechanism,
    /// There is no backend to be had just now.
    Unavailable,
}
