//! The IMAP commands one by one.

use super::{Fault, ImapServer, Outcome};
use crate::base::Secret;
use crate::config::StartTls;
use crate::proto::imap::command::{Command, Verb};
use crate::proto::imap::replies::{CHALLENGE, Reply};
use crate::proto::sasl;
use crate::proto::{Credentials, Fields, Login, Note, Objection, Origin, Step, Turn};

impl ImapServer {
    pub(super) fn command(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        match command.verb {
            Verb::Login => return self.log_in(command),
            Verb::Authenticate => return self.authenticate(command, out),
            Verb::StartTls => {
                if self.secure || self.settings.starttls == StartTls::Off {
                    return Err(Fault::default());
                }
                self.reply(Reply::Ok, out);
                return Ok(Step::StartTls.into());
            }
            Verb::Logout => {
                self.reply(Reply::Bye, out);
                self.reply(Reply::Ok, out);
                return Ok(Step::Quit.into());
            }
            Verb::Capability => match &self.capabilities {
                Some(words) => out.extend(self.settings.capability_with(words, self.secure)),
                None if self.secure => out.extend_from_slice(&self.settings.capability_tls),
                None => out.extend_from_slice(&self.settings.capability),
            },
            Verb::Noop => {}
            Verb::Id => return Ok(self.identify(command, out)),
        }
        self.reply(Reply::Ok, out);
        Ok(Step::Next.into())
    }

    /// Answers ID (RFC 2971) with the gateway's fields.
    fn identify(&self, command: &Command<'_>, out: &mut Vec<u8>) -> Turn {
        let (pairs, _) = command.arguments.as_chunks::<2>();
        let fields = Fields::of_client(pairs.iter().map(|[name, value]| (&**name, &**value)));
        out.extend_from_slice(&self.settings.id);
        self.reply(Reply::Ok, out);
        Step::Identified(fields).into()
    }

    /// Whether STARTTLS must come first.
    fn must_start_tls(&self) -> bool {
        !self.secure && self.settings.starttls == StartTls::Only
    }

    fn log_in(&self, command: &Command<'_>) -> Outcome {
        match &*command.arguments {
            _ if self.must_start_tls() => Err(Objection::TlsRequired.into()),
            [user, pass] if [user, pass].iter().any(|said| sasl::forbidden(said)) => {
                Err(Note::Forbidden("LOGIN").into())
            }
            [user, pass] if !user.is_empty() => Ok(self.login(Credentials::Plain {
                user: (**user).into(),
                pass: Secret::new((**pass).into()),
            })),
            _ => Err(Fault::default()),
        }
    }

    fn authenticate(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        let mut arguments = command.arguments.iter().map(|argument| &**argument);
        match arguments.next() {
            _ if self.must_start_tls() => Err(Objection::TlsRequired.into()),
            Some(mechanism) => {
                let outcome = sasl::begin(mechanism, arguments, self.settings.methods)?;
                Ok(self.sasl(outcome, out))
            }
            None => Err(Fault::default()),
        }
    }

    /// Carries out the next step after a SASL message.
    pub(super) fn sasl(&mut self, outcome: sasl::Outcome, out: &mut Vec<u8>) -> Turn {
        let (turn, exchange) = outcome.apply(CHALLENGE, || self.origin(), out);
        self.exchange = exchange;
        turn
    }

    /// A complete login.
    fn login(&self, credentials: Credentials) -> Turn {
        let origin = self.origin();
        Step::Authenticate(Box::new(Login {
            credentials,
            origin,
        }))
        .into()
    }

    /// The part of the dialogue that a backend needs.
    fn origin(&self) -> Origin {
        Origin::Imap {
            tag: self.tag.clone(),
        }
    }
}
