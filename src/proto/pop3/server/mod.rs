//! The POP3 server that clients talk to, from the greeting to the login.

use std::sync::Arc;

use super::command::{ARGUMENTS, Command, Verb};
use super::replies::{CHALLENGE, GREETING, Reply};
use super::{Settings, reply};
use crate::base::Secret;
use crate::config::{Method, StartTls};
use crate::proto::CapabilityList;
use crate::proto::line::{self, Invalid};
use crate::proto::login::Bytes;
use crate::proto::sasl::scram::Scram;
use crate::proto::sasl::{self, Exchange, Fault};
use crate::proto::tally::Tally;
use crate::proto::{
    Credentials, Input, Login, Note, Objection, Origin, Refusal, ServerDialogue, Step, Turn,
    foreign,
};

/// The position in the dialogue.
#[derive(Debug)]
enum State {
    /// Between commands.
    Start,
    /// The client sent USER, and PASS must follow.
    User(Bytes),
    /// The client's next line is the answer to a challenge.
    Sasl(Exchange),
}

/// One client's dialogue.
#[derive(Debug)]
pub struct Pop3Server {
    settings: Arc<Settings>,
    state: State,
    secure: bool,
    /// The challenge of the greeting, which APOP and CRAM-MD5 answer to.
    stamp: Option<Bytes>,
    tally: Tally,
    /// The backend's capabilities, where they are known and `pop3_capabilities` is not set.
    capabilities: Option<Arc<CapabilityList>>,
}

impl Pop3Server {
    /// A dialogue before its greeting. `secure`: the connection began with TLS.
    pub fn new(
        settings: Arc<Settings>,
        secure: bool,
        capabilities: Option<Arc<CapabilityList>>,
    ) -> Self {
        Self {
            tally: settings.tally.clone(),
            settings,
            state: State::Start,
            secure,
            stamp: None,
            capabilities,
        }
    }

    /// Takes a line.
    ///
    /// # Errors
    /// The turn that follows the reply "invalid command".
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<Turn, Turn> {
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
                out.extend_from_slice(Reply::Ok.text());
                return Ok(Step::Quit.into());
            }
            (Verb::Pass, State::User(user)) => return self.pass(user, command),
            (Verb::Noop, state) => {
                self.state = state;
                Reply::Ok.text()
            }
            (Verb::Capa, state) => {
                // STLS is not valid between USER and PASS.
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
                out.extend_from_slice(Reply::Ok.text());
                return Ok(Step::StartTls.into());
            }
            _ => return Err(Fault::default()),
        };
        out.extend_from_slice(reply);
        Ok(Step::Next.into())
    }

    fn capa(&self, clear: bool, out: &mut Vec<u8>) {
        match &self.capabilities {
            Some(words) => out.extend_from_slice(&self.settings.capa_with(words, clear)),
            None if clear => out.extend_from_slice(&self.settings.capa_clear),
            None => out.extend_from_slice(&self.settings.capa),
        }
    }

    /// Refuses logins in clear text under `starttls only`.
    fn may_log_in(&self) -> Result<(), Fault> {
        if !self.secure && self.settings.starttls == StartTls::Only {
            return Err(Objection::TlsRequired.into());
        }
        Ok(())
    }

    fn user(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Result<Turn, Fault> {
        self.may_log_in()?;
        let user = fit(command.text(), "USER")?;
        self.state = State::User(user.clone());
        out.extend_from_slice(Reply::Ok.text());
        Ok(Turn {
            login: Some(user),
            ..Step::Next.into()
        })
    }

    fn pass(&self, user: Bytes, command: &Command<'_>) -> Result<Turn, Fault> {
        let pass = Secret::new(fit(command.text(), "PASS")?);
        Ok(login(Credentials::Plain { user, pass }))
    }

    fn apop(&self, command: &Command<'_>) -> Result<Turn, Fault> {
        self.may_log_in()?;
        let mut arguments = command.arguments();
        let said = (arguments.next(), arguments.next(), arguments.next());
        let enabled = self.settings.methods.has(Method::Apop);
        match (said, &self.stamp) {
            ((user, digest @ Some(_), None), Some(stamp)) if enabled => {
                Ok(login(Credentials::Apop {
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
            match &self.capabilities {
                Some(list) => out.extend_from_slice(&self.settings.mechanisms_with(list)),
                None => out.extend_from_slice(&self.settings.mechanisms),
            }
            return Ok(Step::Next.into());
        };
        let outcome = sasl::begin(mechanism, arguments, self.settings.methods)?;
        Ok(self.sasl(outcome, out))
    }

    /// Carries out the next step after a SASL message.
    fn sasl(&mut self, outcome: sasl::Outcome, out: &mut Vec<u8>) -> Turn {
        let outcome = match (outcome, &self.stamp) {
            (sasl::Outcome::CramMd5, Some(stamp)) => Exchange::cram_md5(stamp.clone()),
            (outcome, _) => outcome,
        };
        let (turn, exchange) = outcome.apply(CHALLENGE, || Origin::Pop3, out);
        self.state = exchange.map_or(State::Start, State::Sasl);
        turn
    }
}

/// A complete login.
fn login(credentials: Credentials) -> Turn {
    let origin = Origin::Pop3;
    Step::Authenticate(Box::new(Login {
        credentials,
        origin,
    }))
    .into()
}

/// An argument that can be sent to a backend.
fn fit(argument: Option<&[u8]>, command: &'static str) -> Result<Bytes, Fault> {
    match argument {
        Some(argument) if !sasl::forbidden(argument) => Ok(argument.into()),
        Some(_) => Err(Note::Forbidden(command).into()),
        None => Err(Fault::default()),
    }
}

impl ServerDialogue for Pop3Server {
    fn greet(&mut self, challenge: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>) {
        out.extend_from_slice(GREETING);
        if self.settings.stamped {
            let stamp = challenge();
            out.push(b' ');
            out.extend_from_slice(&stamp);
            self.stamp = Some(stamp);
        }
        out.extend_from_slice(b"\r\n");
    }

    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        if self.tally.is_fresh() && foreign::is_foreign(input) {
            out.extend_from_slice(Reply::InvalidCommand.text());
            return Step::Close.objecting(Objection::ForeignProtocol);
        }
        let turn = match input.line() {
            Some(line) => self.line(line, out),
            None if input.is_stuck() => {
                let exchange = match &self.state {
                    State::Sasl(exchange) => Some(exchange),
                    State::Start | State::User(_) => None,
                };
                let shown = Exchange::shown(exchange, input.rest());
                Err(Step::Close.noting(Note::TooLong(shown)))
            }
            None => Ok(Step::Read.into()),
        };
        turn.unwrap_or_else(|turn| {
            out.extend_from_slice(Reply::InvalidCommand.text());
            turn
        })
    }

    fn challenge(&mut self, salt: Bytes, out: &mut Vec<u8>) {
        self.sasl(Exchange::cram_md5(salt), out);
    }

    fn relay(&mut self, mechanism: Scram, message: &[u8], out: &mut Vec<u8>) {
        self.sasl(Exchange::relayed(mechanism, message), out);
    }

    fn secured(&mut self) {
        self.secure = true;
    }

    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) -> Turn {
        let reply = match refusal {
            Refusal::Denied(denial) => {
                let line = [b"-ERR ", &*denial.text, b"\r\n"].concat();
                let (step, exchange) = denial.tell(CHALLENGE, line, out);
                self.state = exchange.map_or(State::Start, State::Sasl);
                return step.into();
            }
            Refusal::Rejected { rejection, reply } => {
                let own = Reply::Refused(rejection.code).text();
                out.extend_from_slice(reply.as_deref().unwrap_or(own));
                return self.tally.refused(*rejection);
            }
            Refusal::Limited(excess) => {
                out.extend_from_slice(Reply::Limited(*excess).text());
                return self.tally.refused(excess.rejection());
            }
            Refusal::Held => {
                out.extend_from_slice(Reply::Held.text());
                return self.tally.error();
            }
            Refusal::Mechanism => Reply::UnknownMechanism,
            Refusal::Unavailable => Reply::Unavailable,
        };
        out.extend_from_slice(reply.text());
        Step::Next.into()
    }

    fn advances(&self, reply: &[u8]) -> bool {
        reply::advances(reply)
    }

    fn accept(&mut self, reply: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(reply);
    }
}

#[cfg(test)]
mod tests;
