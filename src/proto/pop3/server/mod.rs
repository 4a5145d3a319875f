//! The POP3 server that a client talks to, from the greeting to the login.

use std::sync::Arc;

use super::command::{ARGUMENTS, Command, Verb};
use super::words::*;
use super::{Settings, reply};
use crate::base::Secret;
use crate::config::{Method, StartTls};
use crate::proto;
use crate::proto::CapabilityList;
use crate::proto::line::{self, Invalid};
use crate::proto::login::Bytes;
use crate::proto::sasl::{self, Exchange, Fault, Move};
use crate::proto::tally::Tally;
use crate::proto::{Credentials, Input, Login, Note, Origin, Refusal, Step, Turn, foreign};

/// Where the dialogue is.
#[derive(Debug)]
enum State {
    /// Between commands.
    Start,
    /// USER was said: PASS is due.
    User(Bytes),
    /// The client's next line is an answer to a challenge.
    Sasl(Exchange),
}

/// One client's dialogue.
#[derive(Debug)]
pub struct ServerDialogue {
    settings: Arc<Settings>,
    state: State,
    secure: bool,
    /// The challenge of the greeting, which APOP and CRAM-MD5 answer to.
    stamp: Option<Bytes>,
    tally: Tally,
    /// What the backend offers, where that is known and nothing is written about it.
    learned: Option<Arc<CapabilityList>>,
}

impl ServerDialogue {
    /// A dialogue that has not begun; `secure` when TLS was there from the first byte.
    pub fn new(
        settings: Arc<Settings>,
        secure: bool,
        learned: Option<Arc<CapabilityList>>,
    ) -> Self {
        ServerDialogue {
            tally: settings.tally.clone(),
            settings,
            state: State::Start,
            secure,
            stamp: None,
            learned,
        }
    }

    /// Takes a line. The error is what follows "invalid command".
    fn hear(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<Turn, Turn> {
        match std::mem::replace(&mut self.state, State::Start) {
            State::Sasl(exchange) => {
                let answer = line::answer(line, ARGUMENTS).map_err(|Invalid| self.tally.error())?;
                self.tally.command()?;
                Ok(self.sasl(exchange.answer(answer)?, out))
            }
            state => {
                let command = Command::parse(line).map_err(|Invalid| self.tally.error())?;
                self.tally.command()?;
                Ok(self.command(state, &command, out)?)
            }
        }
    }

    fn command(
        &mut self,
        state: State,
        command: &Command<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Turn, Fault> {
        let reply = match (command.verb, state) {
            (Verb::Quit, _) => {
                out.extend_from_slice(OK);
                return Ok(Step::Close.into());
            }
            (Verb::Pass, State::User(user)) => return self.pass(user, command),
            (Verb::Noop, state) => {
                self.state = state;
                OK
            }
            (Verb::Capa, state) => {
                // After USER, STLS has to wait.
                self.capa(!self.secure && matches!(state, State::Start), out);
                self.state = state;
                b""
            }
            (Verb::User, State::Start) => return self.user(command, out),
            (Verb::Apop, State::Start) => return self.apop(command),
            (Verb::Auth, State::Start) => return self.auth(command, out),
            (Verb::Stls, State::Start) => {
                if self.secure || self.settings.starttls == StartTls::Off {
                    return Err(Fault::default());
                }
                out.extend_from_slice(OK);
                return Ok(Step::StartTls.into());
            }
            _ => return Err(Fault::default()),
        };
        out.extend_from_slice(reply);
        Ok(Step::Next.into())
    }

    fn capa(&self, clear: bool, out: &mut Vec<u8>) {
        match &self.learned {
            Some(words) => out.extend_from_slice(&self.settings.capa_with(words, clear)),
            None if clear => out.extend_from_slice(&self.settings.capa_clear),
            None => out.extend_from_slice(&self.settings.capa),
        }
    }

    /// Logins wait for TLS, where `starttls only` says so.
    fn may_log_in(&self) -> Result<(), Fault> {
        if !self.secure && self.settings.starttls == StartTls::Only {
            return Err(Fault::default());
        }
        Ok(())
    }

    fn user(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Result<Turn, Fault> {
        self.may_log_in()?;
        let user = fit(command.text(), "USER")?;
        self.state = State::User(user.clone());
        out.extend_from_slice(OK);
        Ok(Turn {
            login: Some(user),
            ..Step::Next.into()
        })
    }

    fn pass(&self, user: Bytes, command: &Command<'_>) -> Result<Turn, Fault> {
        let pass = Secret::new(fit(command.text(), "PASS")?);
        Ok(ask(Credentials::Plain { user, pass }))
    }

    fn apop(&self, command: &Command<'_>) -> Result<Turn, Fault> {
        self.may_log_in()?;
        let mut arguments = command.arguments();
        let said = (arguments.next(), arguments.next(), arguments.next());
        let enabled = self.settings.methods.has(Method::Apop);
        match (said, &self.stamp) {
            ((user, digest @ Some(_), None), Some(stamp)) if enabled => {
                Ok(ask(Credentials::Apop {
                    user: fit(user, "APOP")?,
                    salt: stamp.clone(),
                    digest: Secret::new(fit(digest, "APOP")?),
                }))
            }
            _ => Err(Fault::default()),
        }
    }

    fn auth(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Result<Turn, Fault> {
        self.may_log_in()?;
        let mut arguments = command.arguments();
        let Some(mechanism) = arguments.next() else {
            out.extend_from_slice(&self.settings.mechanisms);
            return Ok(Step::Next.into());
        };
        let moved = sasl::begin(mechanism, arguments, self.settings.methods)?;
        Ok(self.sasl(moved, out))
    }

    /// Goes where a SASL message leads.
    fn sasl(&mut self, moved: Move, out: &mut Vec<u8>) -> Turn {
        match moved {
            Move::Challenge(text, exchange) => {
                let login = exchange.login().cloned();
                self.ask_for(text, exchange, out);
                Turn {
                    login,
                    ..Step::Next.into()
                }
            }
            Move::Salt => match self.stamp.clone() {
                Some(stamp) => {
                    proto::ServerDialogue::challenge(self, stamp, out);
                    Step::Next.into()
                }
                None => Step::Challenge(Origin::Pop3).into(),
            },
            Move::Done(credentials) => ask(credentials),
            Move::Fail { line, closing } => {
                out.extend_from_slice(&line);
                if closing { Step::Close } else { Step::Next }.into()
            }
        }
    }

    /// Sends a challenge that is in base64.
    fn ask_for(&mut self, text: &str, exchange: Exchange, out: &mut Vec<u8>) {
        for piece in [CHALLENGE, text.as_bytes(), b"\r\n"] {
            out.extend_from_slice(piece);
        }
        self.state = State::Sasl(exchange);
    }
}

/// A complete login.
fn ask(credentials: Credentials) -> Turn {
    let origin = Origin::Pop3;
    Step::Ask(Box::new(Login {
        credentials,
        origin,
    }))
    .into()
}

/// An argument that is there and that a backend can be told.
fn fit(argument: Option<&[u8]>, command: &'static str) -> Result<Bytes, Fault> {
    match argument {
        Some(argument) if !sasl::forbidden(argument) => Ok(argument.into()),
        Some(_) => Err(Note::Forbidden(command).into()),
        None => Err(Fault::default()),
    }
}

impl proto::ServerDialogue for ServerDialogue {
    fn greet(&mut self, stamp: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>) {
        out.extend_from_slice(GREETING);
        if self.settings.stamped {
            let stamp = stamp();
            out.push(b' ');
            out.extend_from_slice(&stamp);
            self.stamp = Some(stamp);
        }
        out.extend_from_slice(b"\r\n");
    }

    fn early(&mut self, data: &[u8], out: &mut Vec<u8>) -> Turn {
        out.extend_from_slice(INVALID_COMMAND);
        Step::Close.noting(Note::Early(data.into()))
    }

    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        if self.tally.is_fresh() && foreign::speaks(input) {
            out.extend_from_slice(INVALID_COMMAND);
            return Step::Close.into();
        }
        let turn = match input.line() {
            Some(line) => self.hear(line, out),
            None if input.is_stuck() => Err(Step::Close.noting(Note::TooLong(input.rest().into()))),
            None => Ok(Step::Read.into()),
        };
        turn.unwrap_or_else(|turn| {
            out.extend_from_slice(INVALID_COMMAND);
            turn
        })
    }

    fn challenge(&mut self, salt: Bytes, out: &mut Vec<u8>) {
        self.ask_for(&sasl::encode(&salt), Exchange::CramMd5 { salt }, out);
    }

    fn secured(&mut self) {
        self.secure = true;
    }

    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) -> Turn {
        match refusal {
            Refusal::Denied(denial) => {
                let line = [b"-ERR ", &*denial.text, b"\r\n"].concat();
                let (step, exchange) = denial.tell(CHALLENGE, line, out);
                self.state = exchange.map_or(State::Start, State::Sasl);
                return step.into();
            }
            Refusal::Judged { rejection, reply } => {
                let own = judgement(reply::of_smtp_code(rejection.code));
                out.extend_from_slice(reply.as_deref().unwrap_or(own));
                return self.tally.refused(*rejection);
            }
            Refusal::Mechanism => out.extend_from_slice(UNKNOWN_MECHANISM),
            Refusal::Unavailable => out.extend_from_slice(UNAVAILABLE),
        }
        Step::Next.into()
    }

    fn accept(&mut self, reply: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(reply);
    }

    fn fail(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(INTERNAL_ERROR);
    }

    fn time_out(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(TIMEOUT);
    }
}

#[cfg(test)]
mod tests;
