//! The commands one by one, and the answers to SASL challenges.

use super::{Front, Outcome, State};
use crate::config::{Method, StartTls};
use crate::proto::login::Bytes;
use crate::proto::smtp::command::{Command, Verb};
use crate::proto::smtp::words::*;
use crate::proto::{Credentials, Envelope, Login, Note, Origin, Step, Turn, sasl};

impl Front {
    pub(super) fn command(
        &mut self,
        command: &Command<'_>,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Turn, Option<Note>> {
        let reply: &[u8] = match command.verb {
            Verb::Helo | Verb::Ehlo => return Ok(self.hello(command, out).into()),
            Verb::Auth => return self.auth(command, out).map(Turn::from),
            Verb::Mail => return Ok(self.mail(command, line, out)),
            Verb::Rcpt => return Ok(self.rcpt(command, out).into()),
            Verb::StartTls => {
                if self.secure || self.settings.starttls == StartTls::Off {
                    return Err(None);
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
            Verb::Refused => return Err(None),
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
        let reply = if command.verb == Verb::Helo {
            &self.settings.helo
        } else {
            self.helo.extended = true;
            if self.secure {
                &self.settings.ehlo_tls
            } else {
                &self.settings.ehlo
            }
        };
        out.extend_from_slice(reply);
        Step::Next
    }

    /// TLS must come first, and has not.
    fn must_start_tls(&self) -> bool {
        !self.secure && self.settings.starttls == StartTls::Only
    }

    fn auth(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        if self.must_start_tls() {
            return Err(None);
        }
        let mut arguments = command.arguments();
        let Some(mechanism) = arguments.next() else {
            out.extend_from_slice(INVALID_ARGUMENT);
            return Ok(Step::Next);
        };
        let (initial, more) = (arguments.next(), arguments.next().is_some());
        let enabled = |method| self.settings.methods.has(method);
        let (state, challenge) = match (&*mechanism.to_ascii_uppercase(), initial) {
            _ if more => return Err(None),
            (b"PLAIN", None) => (State::PlainAnswer, CHALLENGE),
            (b"LOGIN", None) => (State::LoginUser, USERNAME),
            (b"LOGIN", Some(user)) => {
                let user = sasl::user(user, "LOGIN").map_err(Some)?;
                (State::LoginPass { user }, PASSWORD)
            }
            (b"CRAM-MD5", None) if enabled(Method::CramMd5) => {
                return Ok(Step::Challenge(self.origin(None)));
            }
            (b"EXTERNAL", None) if enabled(Method::External) => (State::ExternalAnswer, USERNAME),
            (b"PLAIN", Some(message)) => return self.login(sasl::plain(message)),
            (b"EXTERNAL", Some(user)) if enabled(Method::External) => {
                return self.login(external(user));
            }
            _ => return Err(None),
        };
        self.state = state;
        out.extend_from_slice(challenge);
        Ok(Step::Next)
    }

    /// The client's answer to a challenge.
    pub(super) fn answer(
        &mut self,
        state: State,
        text: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Turn, Option<Note>> {
        let credentials = match state {
            State::PlainAnswer => sasl::plain(text),
            State::LoginUser => {
                let user = sasl::user(text, "LOGIN").map_err(Some)?;
                self.state = State::LoginPass { user };
                out.extend_from_slice(PASSWORD);
                return Ok(Step::Next.into());
            }
            State::LoginPass { user } => {
                sasl::password(text).map(|pass| Credentials::Plain { user, pass })
            }
            State::CramAnswer { salt } => sasl::cram_md5(text, &salt),
            State::ExternalAnswer => external(text),
            State::Start => return Err(None),
        };
        self.login(credentials).map(Turn::from)
    }

    fn login(&self, credentials: Result<Credentials, Note>) -> Outcome {
        let credentials = credentials.map_err(Some)?;
        Ok(Step::Ask(Box::new(Login {
            credentials,
            origin: self.origin(None),
        })))
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

fn external(text: &[u8]) -> Result<Credentials, Note> {
    sasl::user(text, "EXTERNAL").map(|user| Credentials::External { user })
}
