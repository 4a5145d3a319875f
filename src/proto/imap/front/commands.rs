//! The commands one by one, and the answers to SASL challenges.

use super::{Front, Outcome, State};
use crate::config::{Method, StartTls};
use crate::proto::imap::command::{Command, Verb};
use crate::proto::imap::words::*;
use crate::proto::{Credentials, Login, Note, Origin, Step, sasl};

impl Front {
    pub(super) fn command(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        match command.verb {
            Verb::Login => return self.log_in(command),
            Verb::Authenticate => return self.authenticate(command, out),
            Verb::StartTls => {
                if self.secure || self.settings.starttls == StartTls::Off {
                    return Err(None);
                }
                self.tagged(out, OK);
                return Ok(Step::StartTls);
            }
            Verb::Logout => {
                out.extend_from_slice(BYE);
                self.tagged(out, OK);
                return Ok(Step::Close);
            }
            Verb::Capability => out.extend_from_slice(if self.secure {
                &self.settings.capability_tls
            } else {
                &self.settings.capability
            }),
            Verb::Noop => {}
        }
        self.tagged(out, OK);
        Ok(Step::Next)
    }

    /// TLS must come first, and has not.
    fn must_start_tls(&self) -> bool {
        !self.secure && self.settings.starttls == StartTls::Only
    }

    fn log_in(&self, command: &Command<'_>) -> Outcome {
        match &*command.arguments {
            _ if self.must_start_tls() => Err(None),
            [user, pass] if !user.is_empty() => self.ask(sasl::told(user, pass, "LOGIN")),
            _ => Err(None),
        }
    }

    fn authenticate(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        let (mechanism, initial) = match &*command.arguments {
            _ if self.must_start_tls() => return Err(None),
            [mechanism] => (mechanism, None),
            [mechanism, initial] => (mechanism, Some(&**initial)),
            _ => return Err(None),
        };
        let enabled = |method| self.settings.methods.has(method);
        // PLAIN and LOGIN always work, as in nginx; the others only where they are listed.
        let (state, challenge) = match (&*mechanism.to_ascii_uppercase(), initial) {
            (b"PLAIN", None) => (State::PlainAnswer, CHALLENGE),
            (b"PLAIN", Some(message)) => return self.ask(sasl::plain(message)),
            (b"LOGIN", None) => (State::LoginUser, USERNAME),
            (b"LOGIN", Some(user)) => {
                let user = sasl::user(user, "LOGIN").map_err(Some)?;
                (State::LoginPass { user }, PASSWORD)
            }
            (b"CRAM-MD5", None) if enabled(Method::CramMd5) => {
                return Ok(Step::Challenge(self.origin()));
            }
            (b"EXTERNAL", None) if enabled(Method::External) => (State::ExternalAnswer, USERNAME),
            (b"EXTERNAL", Some(user)) if enabled(Method::External) => {
                return self.ask(external(user));
            }
            _ => return Err(None),
        };
        self.state = state;
        out.extend_from_slice(challenge);
        Ok(Step::Next)
    }

    /// The client's answer to a challenge.
    pub(super) fn answer(&mut self, state: State, text: &[u8], out: &mut Vec<u8>) -> Outcome {
        match state {
            State::PlainAnswer => self.ask(sasl::plain(text)),
            State::LoginUser => {
                let user = sasl::user(text, "LOGIN").map_err(Some)?;
                self.state = State::LoginPass { user };
                out.extend_from_slice(PASSWORD);
                Ok(Step::Next)
            }
            State::LoginPass { user } => {
                self.ask(sasl::password(text).map(|pass| Credentials::Plain { user, pass }))
            }
            State::CramAnswer { salt } => self.ask(sasl::cram_md5(text, &salt)),
            State::ExternalAnswer => self.ask(external(text)),
            State::Start => Err(None),
        }
    }

    fn ask(&self, credentials: Result<Credentials, Note>) -> Outcome {
        let credentials = credentials.map_err(Some)?;
        Ok(Step::Ask(Box::new(Login {
            credentials,
            origin: self.origin(),
        })))
    }

    /// What a backend must know of this dialogue.
    fn origin(&self) -> Origin {
        Origin::Imap {
            tag: self.tag.clone(),
        }
    }
}

fn external(text: &[u8]) -> Result<Credentials, Note> {
    sasl::user(text, "EXTERNAL").map(|user| Credentials::External { user })
}
