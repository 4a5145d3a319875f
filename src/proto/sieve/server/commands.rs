//! The ManageSieve commands one by one.

use super::{Fault, Outcome, Security, SieveServer};
use crate::config::StartTls;
use crate::proto::sasl::{self, Exchange, client};
use crate::proto::sieve::command::{Command, Verb};
use crate::proto::sieve::replies::{self, CHALLENGE, Reply};
use crate::proto::{Objection, Origin, Step, Turn};

impl SieveServer {
    pub(super) fn command(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Turn {
        match command.verb {
            Verb::Unknown => self.invalid(out),
            verb => self.counted(out, |server, out| {
                let arguments = match verb {
                    Verb::Later => Vec::new(),
                    _ => command.strings().ok_or_else(Fault::default)?,
                };
                server.known(verb, &arguments, out)
            }),
        }
    }

    fn known(&mut self, verb: Verb, arguments: &[&[u8]], out: &mut Vec<u8>) -> Outcome {
        let (reply, step) = match (verb, arguments) {
            (Verb::Authenticate, [mechanism, initial @ ..]) => {
                return self.authenticate(mechanism, initial, out);
            }
            (Verb::StartTls, []) => match (self.security, self.settings.starttls) {
                (Security::Clear, StartTls::On | StartTls::Only) => {
                    (Reply::StartTls, Step::StartTls)
                }
                _ => (Reply::NoStartTls, Step::Next),
            },
            (Verb::Logout, []) => (Reply::Logout, Step::Quit),
            (Verb::Capability, []) => {
                self.announce(Reply::Capabilities, out);
                return Ok(Step::Next.into());
            }
            (Verb::Noop, []) => (Reply::Noop, Step::Next),
            (Verb::Noop, [tag]) => {
                out.extend_from_slice(&replies::tagged(tag));
                return Ok(Step::Next.into());
            }
            (Verb::Later, _) => (Reply::LoginRequired, Step::Next),
            _ => return Err(Fault::default()),
        };
        reply.write(out);
        Ok(step.into())
    }

    fn authenticate(&mut self, mechanism: &[u8], initial: &[&[u8]], out: &mut Vec<u8>) -> Outcome {
        if self.security == Security::Clear && self.settings.starttls == StartTls::Only {
            Reply::TlsRequired.write(out);
            return Ok(Step::Next.objecting(Objection::TlsRequired));
        }
        let methods = self.settings.methods;
        let asked = client::announced(std::iter::once(mechanism));
        if asked.common(methods).is_empty() {
            Reply::UnknownMechanism.write(out);
            return Ok(Step::Next.into());
        }
        let outcome = sasl::begin(mechanism, initial.iter().copied(), methods)?;
        Ok(self.sasl(outcome, out))
    }

    /// Takes the client's answer to a challenge. `*` cancels the exchange, unless it has failed already.
    pub(super) fn answer(&mut self, exchange: Exchange, text: &[u8], out: &mut Vec<u8>) -> Outcome {
        if text == b"*" && !matches!(exchange, Exchange::Failed { .. }) {
            Reply::Cancelled.write(out);
            return Ok(Step::Next.into());
        }
        let outcome = exchange.answer(text)?;
        Ok(self.sasl(outcome, out))
    }

    /// Carries out the next step after a SASL message.
    pub(super) fn sasl(&mut self, outcome: sasl::Outcome, out: &mut Vec<u8>) -> Turn {
        let (turn, exchange) = outcome.apply(CHALLENGE, || Origin::Sieve, out);
        self.exchange = exchange;
        turn
    }
}
