//! The SMTP commands one by one.

use super::{Fault, Outcome, SmtpServer};
use crate::config::{Method, StartTls};
use crate::proto::login::Bytes;
use crate::proto::sasl;
use crate::proto::smtp::command::{Command, Verb};
use crate::proto::smtp::follower::hides_command;
use crate::proto::smtp::replies::{CHALLENGE, Reply};
use crate::proto::smtp::{Settings, capabilities};
use crate::proto::{Credentials, Envelope, Login, Note, Objection, Origin, Step, Turn};

impl SmtpServer {
    pub(super) fn command(
        &mut self,
        command: &Command<'_>,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Outcome {
        let reply = match command.verb {
            Verb::Helo | Verb::Ehlo => return Ok(self.hello(command, out).into()),
            Verb::Auth => return self.auth(command, out),
            Verb::Mail => return Ok(self.mail(command, line, out)),
            Verb::Rcpt => return Ok(self.rcpt(command, out).into()),
            Verb::StartTls => {
                if self.secure || self.settings.starttls == StartTls::Off {
                    return Err(Fault::default());
                }
                self.helo.name = None;
                self.mail = None;
                self.reply(Reply::StartTls, out);
                return Ok(Step::StartTls.into());
            }
            Verb::Quit => {
                self.reply(Reply::Bye, out);
                return Ok(Step::Quit.into());
            }
            Verb::Rset => {
                self.mail = None;
                Reply::Ok
            }
            Verb::Noop => Reply::Ok,
            Verb::Refused => return Err(Fault::default()),
        };
        self.reply(reply, out);
        Ok(Step::Next.into())
    }

    fn hello(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Step {
        let Some(name) = command.only_argument().filter(|_| !is_unusable(command)) else {
            self.reply(Reply::InvalidArgument, out);
            return Step::Next;
        };
        self.helo.name = Some(name.into());
        self.mail = None;
        let Settings {
            helo,
            ehlo,
            ehlo_tls,
            ..
        } = &*self.settings;
        if command.verb == Verb::Helo {
            out.extend_from_slice(helo);
            return Step::Next;
        }
        self.helo.extended = true;
        let before = out.len();
        match &self.capabilities {
            Some(lines) => out.extend(self.settings.ehlo_with(lines, self.secure)),
            None => out.extend_from_slice(if self.secure { ehlo_tls } else { ehlo }),
        }
        self.takes_chunks |= capabilities::has_chunking(&out[before..]);
        Step::Next
    }

    /// Whether STARTTLS must come first.
    fn must_start_tls(&self) -> bool {
        !self.secure && self.settings.starttls == StartTls::Only
    }

    fn auth(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        if self.must_start_tls() {
            return Err(Objection::TlsRequired.into());
        }
        let mut arguments = command.arguments();
        let Some(mechanism) = arguments.next() else {
            self.reply(Reply::InvalidArgument, out);
            return Ok(Step::Next.into());
        };
        let outcome = sasl::begin(mechanism, arguments, self.settings.methods)?;
        Ok(self.sasl(outcome, out))
    }

    /// Carries out the next step after a SASL message.
    pub(super) fn sasl(&mut self, outcome: sasl::Outcome, out: &mut Vec<u8>) -> Turn {
        let (turn, exchange) = outcome.apply(CHALLENGE, || self.origin(None), out);
        self.exchange = exchange;
        turn
    }

    fn mail(&mut self, command: &Command<'_>, line: &[u8], out: &mut Vec<u8>) -> Turn {
        if !self.settings.methods.has(Method::None) {
            self.takes_chunks = true;
            self.reply(Reply::AuthRequired, out);
            return Turn {
                note: Some(Note::Rejected(line.into())),
                ..Step::Next.objecting(Objection::LoginRequired)
            };
        }
        let reply = if self.must_start_tls() {
            self.takes_chunks = true;
            self.reply(Reply::TlsRequired, out);
            return Step::Next.objecting(Objection::TlsRequired);
        } else if self.mail.is_some() {
            Reply::BadSequence
        } else if command.arguments().next().is_none() || is_unusable(command) {
            Reply::InvalidArgument
        } else if self.settings.backend_authenticates {
            self.takes_chunks = true;
            return self.send(command.text.into(), None).into();
        } else {
            self.mail = Some(command.text.into());
            self.reply(Reply::Ok, out);
            // The mail is sent without a login: an earlier one, which failed, is forgotten.
            return Turn {
                login: Some(Bytes::default()),
                ..Step::Next.into()
            };
        };
        self.takes_chunks |= reply != Reply::Ok;
        self.reply(reply, out);
        Step::Next.into()
    }

    fn rcpt(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Step {
        // If it is not refused, the backend takes over.
        self.takes_chunks = true;
        let Some(mail) = &self.mail else {
            self.reply(Reply::BadSequence, out);
            return Step::Next;
        };
        if command.arguments().next().is_none() || is_unusable(command) {
            self.reply(Reply::InvalidArgument, out);
            return Step::Next;
        }
        self.send(mail.clone(), Some(command.text.into()))
    }

    /// Asks for a backend for mail without a login.
    fn send(&self, mail: Bytes, rcpt: Option<Bytes>) -> Step {
        Step::Authenticate(Box::new(Login {
            credentials: Credentials::None,
            origin: self.origin(Some(Envelope { mail, rcpt })),
        }))
    }

    /// The part of the dialogue that a backend needs.
    fn origin(&self, envelope: Option<Envelope>) -> Origin {
        Origin::Smtp {
            helo: self.helo.clone(),
            envelope,
        }
    }
}

/// Whether the command has bytes that no backend should get: control bytes, or a part that some backends take for a command of
/// its own.
fn is_unusable(command: &Command<'_>) -> bool {
    command.has_control_bytes() || hides_command(command.text)
}
