//! The dialogues, pure: bytes and answers in, bytes and a [`Step`] out.
//!
//! Nothing here knows tokio, a clock, randomness or the log. The shell in `session` reads, writes, waits and asks,
//! and tells the core what came of it. It knows the protocols by two traits: [`ServerDialogue`] towards clients, and
//! [`ClientDialogue`] towards backends.

pub mod auth_http;
pub mod backend;
pub mod client;
pub mod dialogues;
pub mod foreign;
pub mod imap;
pub mod input;
pub mod line;
pub mod login;
pub mod note;
pub mod pop3;
pub mod proxy_protocol;
pub mod refusal;
pub mod replies;
pub mod sasl;
pub mod server;
pub mod settings;
pub mod smtp;
pub mod tally;

pub use backend::wire::{CapabilityList, Rejection};
pub use client::ClientDialogue;
pub use input::Input;
pub use login::{ClientHost, Credentials, Envelope, Helo, Login, Origin};
pub use note::Note;
pub use refusal::{Denial, Refusal};
pub use replies::LastReply;
pub use server::ServerDialogue;
pub use settings::Settings;

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
    Challenge(Origin),
    /// The client said all that a login needs: find a backend or call `refuse`.
    Authenticate(Box<Login>),
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
    /// The login, if the client told one: the log shows it from now on.
    pub login: Option<login::Bytes>,
}

impl From<Step> for Turn {
    fn from(step: Step) -> Self {
        Turn {
            step,
            note: None,
            login: None,
        }
    }
}

impl From<sasl::Fault> for Turn {
    /// The reply "invalid command" is the front's to write.
    fn from(fault: sasl::Fault) -> Self {
        let closing = fault.closing;
        Turn {
            step: if closing { Step::Close } else { Step::Next },
            note: fault.note,
            login: fault.login,
        }
    }
}

impl Step {
    /// This step, with a line for the log.
    pub fn noting(self, note: Note) -> Turn {
        Turn {
            note: Some(note),
            ..self.into()
        }
    }
}

/// A backend's reply without its last line end, as the log shows it.
pub fn shown(reply: &[u8]) -> &[u8] {
    reply.strip_suffix(b"\r\n").unwrap_or(reply)
}
