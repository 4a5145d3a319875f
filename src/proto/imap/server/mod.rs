//! The IMAP server that a client talks to, from the greeting to the login.

mod commands;

use std::sync::Arc;

use super::Settings;
use super::command::{Scan, Stop};
use super::words::*;
use crate::proto::CapabilityList;
use crate::proto::login::Bytes;
use crate::proto::sasl::{self, Exchange, Fault};
use crate::proto::tally::Tally;
use crate::proto::{self, Input, Note, Refusal, Step, Turn, foreign};

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
    /// The tag of the command at hand, or `*` where it had none.
    tag: Bytes,
    /// Literals of the command at hand that the client was asked for.
    invited: usize,
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
            tag: b"*".as_slice().into(),
            invited: 0,
            learned,
        }
    }

    /// Answers the command at hand.
    fn tagged(&self, out: &mut Vec<u8>, text: &[u8]) {
        out.extend_from_slice(&self.tag);
        out.push(b' ');
        out.extend_from_slice(text);
    }

    /// Runs what was parsed, unless `max_commands` is passed.
    fn counted(
        &mut self,
        out: &mut Vec<u8>,
        run: impl FnOnce(&mut Self, &mut Vec<u8>) -> Outcome,
    ) -> Turn {
        if let Err(over) = self.tally.command() {
            self.tagged(out, INVALID_COMMAND);
            return over;
        }
        run(self, out).unwrap_or_else(|fault| {
            self.tagged(out, INVALID_COMMAND);
            fault.into()
        })
    }

    /// The command at hand is read to its end.
    fn take(&mut self, scan: &Scan<'_>, input: &mut Input<'_>) {
        input.take(scan.length());
        self.invited = 0;
    }

    /// What follows when there is no command yet, or none at all.
    fn stopped(
        &mut self,
        stop: Stop,
        scan: &Scan<'_>,
        input: &mut Input<'_>,
        out: &mut Vec<u8>,
    ) -> Turn {
        match stop {
            Stop::Part if input.is_stuck() => {
                self.tagged(out, INVALID_COMMAND);
                Step::Close.noting(Note::TooLong(scan.shown().into()))
            }
            Stop::Part => Step::Read.into(),
            Stop::Literal => {
                self.invited += 1;
                out.extend_from_slice(NEXT);
                Step::Next.into()
            }
            Stop::Invalid { literal } => {
                self.take(scan, input);
                self.tagged(out, INVALID_COMMAND);
                let turn = self.tally.error();
                if literal { Step::Close.into() } else { turn }
            }
        }
    }
}

impl proto::ServerDialogue for ServerDialogue {
    fn greet(&mut self, _: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>) {
        out.extend_from_slice(GREETING);
    }

    /// Only SMTP makes clients wait for the greeting.
    fn early(&mut self, _: &[u8], _: &mut Vec<u8>) -> Turn {
        Step::Close.into()
    }

    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        if self.tally.is_fresh() && foreign::speaks(input) {
            self.tag = b"*".as_slice().into();
            self.tagged(out, INVALID_COMMAND);
            return Step::Close.into();
        }
        let mut scan = Scan::new(input.rest(), self.invited);
        match std::mem::replace(&mut self.state, State::Start) {
            State::Start => {
                let read = scan.command();
                self.tag = scan.tag().unwrap_or(b"*").into();
                match read {
                    Ok(command) => {
                        self.take(&scan, input);
                        self.counted(out, |front, out| front.command(&command, out))
                    }
                    Err(stop) => self.stopped(stop, &scan, input, out),
                }
            }
            State::Sasl(exchange) => match scan.answer() {
                Ok(text) => {
                    self.take(&scan, input);
                    self.counted(out, |front, out| {
                        let moved = exchange.answer(text)?;
                        Ok(front.sasl(moved, out))
                    })
                }
                Err(stop @ Stop::Invalid { .. }) => self.stopped(stop, &scan, input, out),
                Err(stop) => {
                    self.state = State::Sasl(exchange);
                    self.stopped(stop, &scan, input, out)
                }
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
                let line = [&*self.tag, b" NO ", &*denial.text, b"\r\n"].concat();
                let (step, exchange) = denial.tell(CHALLENGE, line, out);
                self.state = exchange.map_or(State::Start, State::Sasl);
                return step.into();
            }
            Refusal::Judged { rejection, reply } => {
                match reply {
                    Some(reply) => out.extend_from_slice(reply),
                    None => self.tagged(out, judgement(rejection.code).as_bytes()),
                }
                return self.tally.refused(*rejection);
            }
            Refusal::Mechanism => self.tagged(out, UNKNOWN_MECHANISM),
            Refusal::Unavailable => self.tagged(out, UNAVAILABLE),
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
