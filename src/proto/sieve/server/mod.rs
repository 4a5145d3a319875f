//! The ManageSieve server that clients talk to, from the greeting to the login.

mod commands;

use std::sync::Arc;

use super::command::{Scan, Stop};
use super::replies::{self, CHALLENGE, Reply};
use super::{Settings, reply};
use crate::proto::CapabilityList;
use crate::proto::login::Bytes;
use crate::proto::sasl::scram::Scram;
use crate::proto::sasl::{Exchange, Fault};
use crate::proto::tally::Tally;
use crate::proto::{Input, Note, Objection, Refusal, ServerDialogue, Step, Turn, foreign};

/// One client's dialogue.
#[derive(Debug)]
pub struct SieveServer {
    settings: Arc<Settings>,
    /// Takes the client's next string as the answer to a challenge.
    exchange: Option<Exchange>,
    security: Security,
    tally: Tally,
    /// The backend's capabilities, where they are known and `sieve_capabilities` is not set.
    capabilities: Option<Arc<CapabilityList>>,
}

/// Whether the connection uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    Clear,
    /// TLS is established, and the capabilities must be sent again (RFC 5804, section 2.2).
    Established,
    Tls,
}

/// The result of a command: a turn, or the reply "invalid command".
type Outcome = Result<Turn, Fault>;

impl SieveServer {
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
            security: if secure {
                Security::Tls
            } else {
                Security::Clear
            },
            capabilities,
        }
    }

    /// Writes the capabilities and the response after them.
    fn announce(&self, reply: Reply, out: &mut Vec<u8>) {
        let secure = self.security != Security::Clear;
        match &self.capabilities {
            Some(list) => out.extend_from_slice(&self.settings.capability_with(list, secure)),
            None if secure => out.extend_from_slice(&self.settings.capability_tls),
            None => out.extend_from_slice(&self.settings.capability),
        }
        reply.write(out);
    }

    /// Runs a command, unless it is over `max_commands`.
    fn counted(
        &mut self,
        out: &mut Vec<u8>,
        run: impl FnOnce(&mut Self, &mut Vec<u8>) -> Outcome,
    ) -> Turn {
        if let Err(over) = self.tally.command() {
            Reply::InvalidCommandBye.write(out);
            return over;
        }
        run(self, out).unwrap_or_else(|fault| {
            Reply::InvalidCommand.write(out);
            fault.into()
        })
    }

    /// Counts an invalid command and answers it.
    fn invalid(&mut self, out: &mut Vec<u8>) -> Turn {
        let turn = self.tally.error();
        let reply = match turn.step {
            Step::Close => Reply::InvalidCommandBye,
            _ => Reply::InvalidCommand,
        };
        reply.write(out);
        turn
    }

    /// Handles an incomplete or malformed command.
    fn stopped(
        &mut self,
        stop: Stop,
        scan: &Scan<'_>,
        input: &mut Input<'_>,
        out: &mut Vec<u8>,
    ) -> Turn {
        match stop {
            Stop::Part if input.is_stuck() => {
                Reply::InvalidCommandBye.write(out);
                Step::Close.noting(Note::TooLong(scan.shown()))
            }
            Stop::Part => Step::Read.into(),
            Stop::Invalid { literal: true } => {
                Reply::InvalidCommandBye.write(out);
                Step::Close.objecting(Objection::Malformed)
            }
            Stop::Invalid { literal: false } => {
                input.take(scan.length());
                self.invalid(out)
            }
        }
    }
}

impl ServerDialogue for SieveServer {
    fn greet(&mut self, _: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>) {
        self.announce(Reply::Greeting, out);
    }

    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        if self.security == Security::Established {
            self.security = Security::Tls;
            self.announce(Reply::Secured, out);
            return Step::Next.into();
        }
        if self.tally.is_fresh() && foreign::is_foreign(input) {
            Reply::InvalidCommandBye.write(out);
            return Step::Close.objecting(Objection::ForeignProtocol);
        }
        let mut scan = Scan::new(input.rest());
        match self.exchange.take() {
            None => match scan.command() {
                Ok(command) => {
                    input.take(scan.length());
                    self.command(&command, out)
                }
                Err(stop) => self.stopped(stop, &scan, input, out),
            },
            Some(exchange) => match scan.answer() {
                Ok(text) => {
                    input.take(scan.length());
                    self.counted(out, |server, out| server.answer(exchange, &text, out))
                }
                Err(Stop::Part) => {
                    self.exchange = Some(exchange);
                    self.stopped(Stop::Part, &scan, input, out)
                }
                Err(stop) => self.stopped(stop, &scan, input, out),
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
        self.security = Security::Established;
    }

    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) -> Turn {
        let reply = match refusal {
            Refusal::Denied(denial) => {
                let line = replies::refusal(&denial.text);
                let (step, exchange) = denial.tell(CHALLENGE, line, out);
                self.exchange = exchange;
                return step.into();
            }
            Refusal::Rejected { rejection, reply } => {
                match reply {
                    Some(reply) => out.extend_from_slice(reply),
                    None if rejection.closing => Reply::Closing(rejection.code).write(out),
                    None => Reply::Refused(rejection.code).write(out),
                }
                return self.tally.refused(*rejection);
            }
            Refusal::Limited(excess) => {
                Reply::Limited(*excess).write(out);
                return self.tally.refused(excess.rejection());
            }
            Refusal::Held => {
                Reply::Held.write(out);
                return self.tally.error();
            }
            Refusal::Mechanism => Reply::UnknownMechanism,
            Refusal::Unavailable => Reply::Unavailable,
        };
        reply.write(out);
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
