//! The IMAP server that clients talk to, from the greeting to the login.

mod commands;

use std::sync::Arc;

use super::command::{Scan, Stop};
use super::replies::{CHALLENGE, Reply};
use super::{Settings, reply};
use crate::proto::CapabilityList;
use crate::proto::login::Bytes;
use crate::proto::sasl::scram::Scram;
use crate::proto::sasl::{Exchange, Fault};
use crate::proto::tally::Tally;
use crate::proto::{Input, Note, Objection, Refusal, ServerDialogue, Step, Turn, foreign};

/// One client's dialogue.
#[derive(Debug)]
pub struct ImapServer {
    settings: Arc<Settings>,
    /// Takes the client's next line as the answer to a challenge.
    exchange: Option<Exchange>,
    secure: bool,
    /// The tag of the current command, or `*` if it has none.
    tag: Bytes,
    /// Literals of the current command that were requested.
    requested: usize,
    tally: Tally,
    /// The backend's capabilities, where they are known and `imap_capabilities` is not set.
    capabilities: Option<Arc<CapabilityList>>,
}

/// The result of a command: a turn, or the reply "invalid command".
type Outcome = Result<Turn, Fault>;

impl ImapServer {
    /// A dialogue before its greeting. `secure`: the connection began with TLS.
    pub fn new(
        settings: Arc<Settings>,
        secure: bool,
        capabilities: Option<Arc<CapabilityList>>,
    ) -> Self {
        Self {
            tally: settings.tally.clone(),
            settings,
            exchange: None,
            secure,
            tag: b"*".as_slice().into(),
            requested: 0,
            capabilities,
        }
    }

    fn reply(&self, reply: Reply, out: &mut Vec<u8>) {
        reply.write(&self.tag, out);
    }

    /// Runs a command, unless it is over `max_commands`.
    fn counted(
        &mut self,
        out: &mut Vec<u8>,
        run: impl FnOnce(&mut Self, &mut Vec<u8>) -> Outcome,
    ) -> Turn {
        if let Err(over) = self.tally.command() {
            self.reply(Reply::InvalidCommand, out);
            return over;
        }
        run(self, out).unwrap_or_else(|fault| {
            self.reply(Reply::InvalidCommand, out);
            fault.into()
        })
    }

    /// Takes the current command off the input.
    fn take(&mut self, scan: &Scan<'_>, input: &mut Input<'_>) {
        input.take(scan.length());
        self.requested = 0;
    }

    /// Handles an incomplete or invalid command.
    fn stopped(
        &mut self,
        stop: Stop,
        scan: &Scan<'_>,
        input: &mut Input<'_>,
        out: &mut Vec<u8>,
    ) -> Turn {
        match stop {
            Stop::Part if input.is_stuck() => {
                self.reply(Reply::InvalidCommand, out);
                Step::Close.noting(Note::TooLong(scan.shown()))
            }
            Stop::Part => Step::Read.into(),
            Stop::Literal => {
                self.requested += 1;
                self.reply(Reply::Continue, out);
                Step::Next.into()
            }
            Stop::Invalid { literal } => {
                self.take(scan, input);
                self.reply(Reply::InvalidCommand, out);
                let turn = self.tally.error();
                if literal {
                    Step::Close.objecting(Objection::Malformed)
                } else {
                    turn
                }
            }
        }
    }
}

impl ServerDialogue for ImapServer {
    fn greet(&mut self, _: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>) {
        self.reply(Reply::Greeting, out);
    }

    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        if self.tally.is_fresh() && foreign::is_foreign(input) {
            self.tag = b"*".as_slice().into();
            self.reply(Reply::InvalidCommand, out);
            return Step::Close.objecting(Objection::ForeignProtocol);
        }
        let mut scan = Scan::new(input.rest(), self.requested);
        match self.exchange.take() {
            None => {
                let read = scan.command();
                self.tag = scan.tag().unwrap_or(b"*").into();
                match read {
                    Ok(command) => {
                        self.take(&scan, input);
                        self.counted(out, |server, out| server.command(&command, out))
                    }
                    Err(stop) => self.stopped(stop, &scan, input, out),
                }
            }
            Some(exchange) => match scan.answer() {
                Ok(text) => {
                    self.take(&scan, input);
                    self.counted(out, |server, out| {
                        let outcome = exchange.answer(text)?;
                        Ok(server.sasl(outcome, out))
                    })
                }
                Err(stop @ Stop::Invalid { .. }) => self.stopped(stop, &scan, input, out),
                Err(stop) => {
                    self.exchange = Some(exchange);
                    self.stopped(stop, &scan, input, out)
                }
            },
        }
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
                let line = [&*self.tag, b" NO ", &*denial.text, b"\r\n"].concat();
                let (step, exchange) = denial.tell(CHALLENGE, line, out);
                self.exchange = exchange;
                return step.into();
            }
            Refusal::Rejected { rejection, reply } => {
                match reply {
                    Some(reply) => out.extend_from_slice(reply),
                    None => self.reply(Reply::Refused(rejection.code), out),
                }
                return self.tally.refused(*rejection);
            }
            Refusal::Limited(excess) => {
                self.reply(Reply::Limited(*excess), out);
                return self.tally.refused(excess.rejection());
            }
            Refusal::Held => {
                self.reply(Reply::Held, out);
                return self.tally.error();
            }
            Refusal::Mechanism => Reply::UnknownMechanism,
            Refusal::Unavailable => Reply::Unavailable,
        };
        self.reply(reply, out);
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
