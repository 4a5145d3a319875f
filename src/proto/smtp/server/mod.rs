//! The SMTP server that clients talk to, from the greeting to the login.

mod chunks;
mod commands;

use std::sync::Arc;

use super::command::{ARGUMENTS, Command};
use super::replies::{CHALLENGE, Reply};
use super::{Settings, bdat, reply};
use crate::proto::CapabilityList;
use crate::proto::line::{self, Invalid};
use crate::proto::login::Bytes;
use crate::proto::sasl::scram::Scram;
use crate::proto::sasl::{Exchange, Fault};
use crate::proto::tally::Tally;
use crate::proto::{Helo, Input, Note, Objection, Refusal, ServerDialogue, Step, Turn, foreign};

/// One client's dialogue.
#[derive(Debug)]
pub struct SmtpServer {
    settings: Arc<Settings>,
    /// Takes the client's next line as the answer to a challenge.
    exchange: Option<Exchange>,
    secure: bool,
    helo: Helo,
    mail: Option<Bytes>,
    /// Octets follow BDAT: the client has been told of CHUNKING, or it may have pipelined BDAT with a MAIL or RCPT that was refused.
    takes_chunks: bool,
    /// The octets of a BDAT command that are still to come.
    chunk: Option<u64>,
    tally: Tally,
    /// The backend's capabilities, where they are known and `smtp_capabilities` is not set.
    capabilities: Option<Arc<CapabilityList>>,
}

/// The result of a command: a turn, or the reply "invalid command".
type Outcome = Result<Turn, Fault>;

impl SmtpServer {
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
            helo: Helo::default(),
            mail: None,
            takes_chunks: false,
            chunk: None,
            capabilities,
        }
    }

    fn reply(&self, reply: Reply, out: &mut Vec<u8>) {
        out.extend_from_slice(&reply.text(&self.settings.name));
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

    /// Counts a line that is not a command.
    fn invalid(&mut self, out: &mut Vec<u8>) -> Turn {
        self.reply(Reply::InvalidCommand, out);
        self.tally.error()
    }
}

impl ServerDialogue for SmtpServer {
    fn greet(&mut self, _: &mut dyn FnMut() -> Bytes, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.settings.greeting);
    }

    fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        if let Some(left) = self.chunk.take() {
            return self.discard(left, input, out);
        }
        if self.tally.is_fresh() && foreign::is_foreign(input) {
            self.reply(Reply::InvalidCommand, out);
            return Step::Close.objecting(Objection::ForeignProtocol);
        }
        if input.is_stuck() && memchr::memchr(b'\n', input.rest()).is_none() {
            self.reply(Reply::InvalidCommand, out);
            let shown = Exchange::shown(self.exchange.as_ref(), input.rest());
            return Step::Close.noting(Note::TooLong(shown));
        }
        let Some(line) = input.line() else {
            return Step::Read.into();
        };
        match self.exchange.take() {
            None if self.takes_chunks && bdat::is_bdat(line) => {
                self.counted(out, |server, out| Ok(server.chunk(line, out)))
            }
            None => match Command::parse(line) {
                Ok(command) => self.counted(out, |server, out| server.command(&command, line, out)),
                Err(Invalid) => self.invalid(out),
            },
            Some(exchange) => match line::answer(line, ARGUMENTS) {
                Ok(answer) => self.counted(out, |server, out| {
                    let outcome = exchange.answer(answer)?;
                    Ok(server.sasl(outcome, out))
                }),
                Err(Invalid) => self.invalid(out),
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
                let code = denial.code.as_deref().unwrap_or(b"535 5.7.0");
                let line = [code, b" ", &*denial.text, b"\r\n"].concat();
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

    fn accept(&mut self, _: &[u8], out: &mut Vec<u8>) {
        self.reply(Reply::LoggedIn, out);
    }
}

#[cfg(test)]
mod tests;
