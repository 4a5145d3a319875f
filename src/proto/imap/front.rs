//! The IMAP server that a client talks to, from the greeting to the login.

mod commands;

use std::sync::Arc;

use super::Settings;
use super::command::{Scan, Stop};
use super::words::*;
use crate::proto::login::Bytes;
use crate::proto::tally::Tally;
use crate::proto::{self, Input, Note, Refusal, Step, Turn, foreign, sasl};

/// Where the dialogue is.
#[derive(Debug)]
enum State {
    /// Between commands.
    Start,
    /// `AUTHENTICATE PLAIN` asked for its message.
    PlainAnswer,
    /// `AUTHENTICATE LOGIN` asked for the user name.
    LoginUser,
    /// … and for the password.
    LoginPass { user: Bytes },
    /// `AUTHENTICATE CRAM-MD5` sent its challenge.
    CramAnswer { salt: Bytes },
    /// `AUTHENTICATE EXTERNAL` asked for the user name.
    ExternalAnswer,
}

/// One client's dialogue.
#[derive(Debug)]
pub struct Front {
    settings: Arc<Settings>,
    state: State,
    secure: bool,
    /// The tag of the command at hand, or `*` where it had none.
    tag: Bytes,
    /// Literals of the command at hand that the client was asked for.
    invited: usize,
    tally: Tally,
}

/// What a command came to: a step, or the reply "invalid command".
type Outcome = Result<Step, Option<Note>>;

impl Front {
    /// A dialogue that has not begun; `secure` when TLS was there from the first byte.
    pub fn new(settings: Arc<Settings>, secure: bool) -> Self {
        Front {
            tally: settings.tally.clone(),
            settings,
            state: State::Start,
            secure,
            tag: b"*".as_slice().into(),
            invited: 0,
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
        run(self, out).map_or_else(
            |note| {
                self.tagged(out, INVALID_COMMAND);
                Turn {
                    step: Step::Next,
                    note,
                }
            },
            Turn::from,
        )
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
                input.take(scan.length());
                self.invited = 0;
                self.state = State::Start;
                self.tagged(out, INVALID_COMMAND);
                let turn = self.tally.error();
                if literal { Step::Close.into() } else { turn }
            }
        }
    }
}

impl proto::Front for Front {
    fn greet(&mut self, _: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>) {
        out.extend_from_slice(GREETING);
    }

    /// Only SMTP makes clients wait for the greeting.
    fn early(&mut self, _: &[u8], _: &mut Vec<u8>) -> Turn {
        Step::Close.into()
    }

    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        if self.tally.is_fresh() && foreign::speaks(input) {
            self.tagged(out, INVALID_COMMAND);
            return Step::Close.into();
        }
        let mut scan = Scan::new(input.rest(), self.invited);
        if matches!(self.state, State::Start) {
            let read = scan.command();
            self.tag = scan.tag().unwrap_or(b"*").into();
            match read {
                Ok(command) => {
                    input.take(scan.length());
                    self.invited = 0;
                    self.counted(out, |front, out| front.command(&command, out))
                }
                Err(stop) => self.stopped(stop, &scan, input, out),
            }
        } else {
            match scan.answer() {
                Ok(text) => {
                    input.take(scan.length());
                    self.invited = 0;
                    let state = std::mem::replace(&mut self.state, State::Start);
                    self.counted(out, |front, out| front.answer(state, text, out))
                }
                Err(stop) => self.stopped(stop, &scan, input, out),
            }
        }
    }

    fn challenge(&mut self, salt: Bytes, out: &mut Vec<u8>) {
        out.extend_from_slice(b"+ ");
        out.extend_from_slice(sasl::encode(&salt).as_bytes());
        out.extend_from_slice(b"\r\n");
        self.state = State::CramAnswer { salt };
    }

    fn secured(&mut self) {
        self.secure = true;
    }

    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) -> Turn {
        match refusal {
            Refusal::Denied { text, .. } => {
                self.tagged(out, b"NO ");
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            Refusal::Judged { rejection, reply } => {
                match reply {
                    Some(reply) => out.extend_from_slice(reply),
                    None => self.tagged(out, judgement(rejection.code).as_bytes()),
                }
                return if rejection.closing {
                    Step::Close.into()
                } else {
                    self.tally.error()
                };
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
