//! The commands one by one, and what SASL messages lead to.

use super::{Fault, Outcome, ServerDialogue, State};
use crate::base::Secret;
use crate::config::StartTls;
use crate::proto::imap::command::{Command, Verb};
use crate::proto::imap::words::*;
use crate::proto::sasl::{self, Move};
use crate::proto::{Credentials, Login, Note, Origin, Step, Turn};

impl ServerDialogue {
    pub(super) fn command(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        match command.verb {
            Verb::Login => return self.log_in(command),
            Verb::Authenticate => return self.authenticate(command, out),
            Verb::StartTls => {
                if self.secure || self.settings.starttls == StartTls::Off {
                    return Err(Fault::default());
                }
                self.tagged(out, OK);
                return Ok(Step::StartTls.into());
            }
            Verb::Logout => {
                out.extend_from_slice(BYE);
                self.tagged(out, OK);
                return Ok(Step::Close.into());
            }
            Verb::Capability => match &self.learned {
                Some(words) => out.extend(self.settings.capability_with(words, self.secure)),
                None if self.secure => out.extend_from_slice(&self.settings.capability_tls),
                None => out.extend_from_slice(&self.settings.capability),
            },
            Verb::Noop => {}
        }
        self.tagged(out, OK);
        Ok(Step::Next.into())
    }

    /// TLS must come first, and has not.
    fn must_start_tls(&self) -> bool {
        !self.secure && self.settings.starttls == StartTls::Only
    }

    fn log_in(&self, command: &Command<'_>) -> Outcome {
        match &*command.arguments {
            _ if self.must_start_tls() => Err(Fault::default()),
            [user, pass] if [user, pass].iter().any(|said| sasl::forbidden(said)) => {
                Err(Note::Forbidden("LOGIN").into())
            }
            [user, pass] if !user.is_empty() => Ok(self.ask(Credentials::Plain {
                user: (**user).into(),
                pass: Secret::new((**pass).into()),
            })),
            _ => Err(Fault::default()),
        }
    }

    fn authenticate(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        let mut arguments = command.arguments.iter().map(|argument| &**argument);
        match arguments.next() {
            Some(mechanism) if !self.must_start_tls() => {
                let moved = sasl::begin(mechanism, arguments, self.settings.methods)?;
                Ok(self.sasl(moved, out))
            }
            _ => Err(Fault::default()),
        }
    }

    /// Goes where a SASL message leads.
    pub(super) fn sasl(&mut self, moved: Move, out: &mut Vec<u8>) -> Turn {
        match moved {
            Move::Challenge(text, exchange) => {
                for piece in [CHALLENGE, text.as_bytes(), b"\r\n"] {
                    out.extend_from_slice(piece);
                }
                let login = exchange.login().cloned();
                self.state = State::Sasl(exchange);
                Turn {
                    login,
                    ..Step::Next.into()
                }
            }
            Move::Salt => Step::Challenge(self.origin()).into(),
            Move::Done(credentials) => self.ask(credentials),
            Move::Fail { line, closing } => {
                out.extend_from_slice(&line);
                if closing { Step::Close } else { Step::Next }.into()
            }
        }
    }

    fn ask(&self, credentials: Credentials) -> Turn {
        let origin = self.origin();
        Step::Ask(Box::new(Login {
            credentials,
            origin,
        }))
        .into()
    }

    /// What a backend must know of this dialogue.
    fn origin(&self) -> Origin {
        Origin::Imap {
            tag: self.tag.clone(),
        }
    }
}
