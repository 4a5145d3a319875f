//! The commands one by one, and what SASL messages lead to.

use super::{Fault, Outcome, ServerDialogue, State};
use crate::config::{Method, StartTls};
use crate::proto::login::Bytes;
use crate::proto::sasl::{self, Move};
use crate::proto::smtp::Settings;
use crate::proto::smtp::command::{Command, Verb};
use crate::proto::smtp::words::*;
use crate::proto::{Credentials, Envelope, Login, Note, Origin, Step, Turn};

impl ServerDialogue {
    pub(super) fn command(
        &mut self,
        command: &Command<'_>,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Outcome {
        let reply: &[u8] = match command.verb {
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
                out.extend_from_slice(START_TLS);
                return Ok(Step::StartTls.into());
            }
            Verb::Quit => {
                out.extend_from_slice(BYE);
                return Ok(Step::Close.into());
            }
            Verb::Rset => {
                self.mail = None;
                OK
            }
            Verb::Noop => OK,
            Verb::Refused => return Err(Fault::default()),
        };
        out.extend_from_slice(reply);
        Ok(Step::Next.into())
    }

    fn hello(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Step {
        let Some(name) = command
            .only_argument()
            .filter(|_| !command.has_control_bytes())
        else {
            out.extend_from_slice(INVALID_ARGUMENT);
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
        match &self.learned {
            Some(words) => out.extend(self.settings.ehlo_with(words, self.secure)),
            None => out.extend_from_slice(if self.secure { ehlo_tls } else { ehlo }),
        }
        Step::Next
    }

    /// TLS must come first, and has not.
    fn must_start_tls(&self) -> bool {
        !self.secure && self.settings.starttls == StartTls::Only
    }

    fn auth(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        if self.must_start_tls() {
            return Err(Fault::default());
        }
        let mut arguments = command.arguments();
        let Some(mechanism) = arguments.next() else {
            out.extend_from_slice(INVALID_ARGUMENT);
            return Ok(Step::Next.into());
        };
        let moved = sasl::begin(mechanism, arguments, self.settings.methods)?;
        Ok(self.sasl(moved, out))
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
            Move::Salt => Step::Challenge(self.origin(None)).into(),
            Move::Done(credentials) => Step::Ask(Box::new(Login {
                credentials,
                origin: self.origin(None),
            }))
            .into(),
            Move::Fail { line, closing } => {
                out.extend_from_slice(&line);
                if closing { Step::Close } else { Step::Next }.into()
            }
        }
    }

    fn mail(&mut self, command: &Command<'_>, line: &[u8], out: &mut Vec<u8>) -> Turn {
        if !self.settings.methods.has(Method::None) {
            out.extend_from_slice(AUTH_REQUIRED);
            return Step::Next.noting(Note::Rejected(line.into()));
        }
        let reply = if self.must_start_tls() {
            TLS_REQUIRED
        } else if self.mail.is_some() {
            BAD_SEQUENCE
        } else if command.arguments().next().is_none() || command.has_control_bytes() {
            INVALID_ARGUMENT
        } else if self.settings.judged {
            return self.send(command.text.into(), None).into();
        } else {
            self.mail = Some(command.text.into());
            OK
        };
        out.extend_from_slice(reply);
        Step::Next.into()
    }

    fn rcpt(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Step {
        let Some(mail) = &self.mail else {
            out.extend_from_slice(BAD_SEQUENCE);
            return Step::Next;
        };
        if command.arguments().next().is_none() || command.has_control_bytes() {
            out.extend_from_slice(INVALID_ARGUMENT);
            return Step::Next;
        }
        self.send(mail.clone(), Some(command.text.into()))
    }

    /// Mail without a login.
    fn send(&self, mail: Bytes, rcpt: Option<Bytes>) -> Step {
        Step::Ask(Box::new(Login {
            credentials: Credentials::None,
            origin: self.origin(Some(Envelope { mail, rcpt })),
        }))
    }

    /// What a backend must know of this dialogue.
    fn origin(&self, envelope: Option<Envelope>) -> Origin {
        Origin::Smtp {
            helo: self.helo.clone(),
            envelope,
        }
    }
}
