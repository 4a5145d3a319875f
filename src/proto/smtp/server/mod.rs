//! The SMTP server that a client talks to, from the greeting to the login.

mod commands;

use std::sync::Arc;

use super::Settings;
use super::command::{ARGUMENTS, Command};
use super::words::*;
use crate::proto::CapabilityList;
use crate::proto::line::{self, Invalid};
use crate::proto::login::Bytes;
use crate::proto::sasl::{self, Exchange, Fault};
use crate::proto::tally::Tally;
use crate::proto::{self, Helo, Input, Note, Refusal, Step, Turn, foreign};

/// Where the dialogue is.
#[derive(Debug)]
enum State {
    /// Between commands.
    Start,
    /// The client's next line is an answer to a challenge.
    Sasl(Exchange),
}

/// One client's dialogue.
#[derive(Debug)]
pub struct ServerDialogue {
    settings: Arc<Settings>,
    state: State,
    secure: bool,
    helo: Helo,
    mail: Option<Bytes>,
    tally: Tally,
    /// What the backend offers, where that is known and nothing is written about it.
    learned: Option<Arc<CapabilityList>>,
}

/// What a command came to: a turn, or the reply "invalid command".
type Outcome = Result<Turn, Fault>;

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
            helo: Helo::default(),
            mail: None,
            learned,
        }
    }

    /// Runs what was parsed, unless `max_commands` is passed.
    fn counted(
        &mut self,
        out: &mut Vec<u8>,
        run: impl FnOnce(&mut Self, &mut Vec<u8>) -> Outcome,
    ) -> Turn {
        if let Err(over) = self.tally.command() {
            out.extend_from_slice(INVALID_COMMAND);
            return over;
        }
        run(self, out).unwrap_or_else(|fault| {
            out.extend_from_slice(INVALID_COMMAND);
            fault.into()
        })
    }

    /// A line that is no command counts as an error.
    fn invalid(&mut self, out: &mut Vec<u8>) -> Turn {
        out.extend_from_slice(INVALID_COMMAND);
        self.tally.error()
    }
}

impl proto::ServerDialogue for ServerDialogue {
    fn greet(&mut self, _: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.settings.greeting);
    }

    fn early(&mut self, data: &[u8], out: &mut Vec<u8>) -> Turn {
        out.extend_from_slice(EARLY);
        Step::Close.noting(Note::Early(data.into()))
    }

    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        if self.tally.is_fresh() && foreign::speaks(input) {
            out.extend_from_slice(INVALID_COMMAND);
            return Step::Close.into();
        }
        if input.is_stuck() && memchr::memchr(b'\n', input.rest()).is_none() {
            out.extend_from_slice(INVALID_COMMAND);
            return Step::Close.noting(Note::TooLong(input.rest().into()));
        }
        let Some(line) = input.line() else {
            return Step::Read.into();
        };
        match std::mem::replace(&mut self.state, State::Start) {
            State::Start => match Command::parse(line) {
                Ok(command) => self.counted(out, |front, out| front.command(&command, line, out)),
                Err(Invalid) => self.invalid(out),
            },
            State::Sasl(exchange) => match line::answer(line, ARGUMENTS) {
                Ok(answer) => self.counted(out, |front, out| {
                    let moved = exchange.answer(answer)?;
                    Ok(front.sasl(moved, out))
                }),
                Err(Invalid) => self.invalid(out),
            },
        }
    }

    fn challenge(&mut self, salt: Bytes, out: &mut Vec<u8>) {
        out.extend_from_slice(CHALLENGE);
        out.extend_from_slice(sasl::encode(&salt).as_bytes());
        out.extend_from_slice(b"\r\n");
        self.state = State::Sasl(Exchange::CramMd5 { salt });
    }

    fn secured(&mut self) {
        self.secure = true;
    }

    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) -> Turn {
        match refusal {
            Refusal::Denied(denial) => {
                let code = denial.code.as_deref().unwrap_or(b"535 5.7.0");
                let line = [code, b" ", &*denial.text, b"\r\n"].concat();
                let (step, exchange) = denial.tell(CHALLENGE, line, out);
                self.state = exchange.map_or(State::Start, State::Sasl);
                return step.into();
            }
            Refusal::Judged { rejection, reply } => {
                match reply {
                    Some(reply) => out.extend_from_slice(reply),
                    None => out.extend_from_slice(judgement(rejection.code).as_bytes()),
                }
                return self.tally.refused(*rejection);
            }
            Refusal::Mechanism => out.extend_from_slice(UNKNOWN_MECHANISM),
            Refusal::Unavailable => out.extend_from_slice(UNAVAILABLE),
        }
        Step::Next.into()
    }

    fn accept(&mut self, _: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(LOGGED_IN);
    }

    fn fail(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(INTERNAL_ERROR);
    }

    fn time_out(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"421 4.4.2 ");
        out.extend_from_slice(&self.settings.name);
        out.extend_from_slice(b" timeout exceeded\r\n");
    }
}

#[cfg(test)]
mod tests;
