//! POP3 towards backends: classes of replies, and commands.

use super::replies::USER;
use super::{capabilities, reply};
use crate::base::Secret;
use crate::proto::backend::reply::{Class, Expected, Rejection, Replies};
use crate::proto::backend::steps::{SENDING_AUTH, Step, Steps};
use crate::proto::backend::wire::{self, Capabilities, Identification, Verbs};
use crate::proto::client::Action;
use crate::proto::login::{Bytes, Credentials};

/// The shortest reply that nginx parses, in bytes.
const SHORTEST: usize = 4;

static VERBS: Verbs = Verbs {
    capabilities_action: "sending CAPA to upstream",
    login_capabilities_action: "sending CAPA to upstream",
    start_tls: "STLS",
    start_tls_name: "STLS",
    start_tls_action: "sending STLS to upstream",
    greeting: b"+OK\r\n",
    quit: b"QUIT\r\n",
};

/// The greeting of a Dovecot that trusts the gateway.
const GREETING_WITH_XCLIENT: &[u8] = b"+OK [XCLIENT]\r\n";

static XCLIENT: Identification = Identification {
    command: b"XCLIENT",
    action: "sending XCLIENT to upstream",
    expected: Expected::Anything,
};

/// POP3.
#[derive(Debug)]
pub struct Wire;

impl Replies for Wire {
    fn whole(&self, expected: Expected, bytes: &[u8]) -> Option<usize> {
        match expected {
            Expected::Capabilities => reply::list(bytes),
            _ => reply::line(bytes),
        }
    }

    fn class<'a>(&self, expected: Expected, reply: &'a [u8]) -> Class<'a> {
        match expected {
            Expected::Challenge | Expected::Refusal => {}
            _ if reply::is_ok(reply) => return Class::Ok,
            _ => {}
        }
        if reply::is_refusal(reply) {
            return Class::Refused(Rejection {
                code: reply::smtp_code(reply),
                closing: false,
            });
        }
        match expected {
            Expected::Challenge | Expected::LoggedIn if !reply::is_ok(reply) => {
                reply::challenge(reply).map_or(Class::Other, Class::Challenge)
            }
            _ => Class::Other,
        }
    }
}

impl wire::Wire for Wire {
    fn verbs(&self) -> &'static Verbs {
        &VERBS
    }

    fn capability_command(&self) -> Vec<u8> {
        b"CAPA".into()
    }

    fn greets_with_identification(&self, greeting: &[u8]) -> bool {
        capabilities::greeting_has_xclient(greeting)
    }

    fn greeting_inside_tls(&self, before: &Capabilities) -> &'static [u8] {
        match before.identification {
            true => GREETING_WITH_XCLIENT,
            false => VERBS.greeting,
        }
    }

    /// A backend that does not know CAPA has the commands of RFC 1939.
    fn capabilities(&self, answer: &[u8]) -> Option<Capabilities> {
        if reply::is_ok(answer) {
            Some(capabilities::read(answer))
        } else {
            reply::is_refusal(answer).then(|| Capabilities {
                password_command: true,
                ..Capabilities::default()
            })
        }
    }

    /// USER, which the gateway offers itself, and the capabilities that it passes on.
    fn announced(&self, reply: &[u8]) -> Option<Box<[Bytes]>> {
        let passed_on = reply::is_ok(reply).then(|| capabilities::passed_on(reply));
        let words = [USER].into_iter().chain(passed_on.into_iter().flatten());
        Some(words.map(Into::into).collect())
    }

    fn identification(&self) -> Option<&'static Identification> {
        Some(&XCLIENT)
    }

    fn auth_command(&self, mechanism: &str) -> Vec<u8> {
        [b"AUTH ", mechanism.as_bytes()].concat()
    }

    fn login_without_sasl(
        &self,
        credentials: &Credentials,
        capabilities: &Capabilities,
    ) -> Option<Steps> {
        match credentials {
            Credentials::Plain { user, pass } if capabilities.password_command => {
                Some(login(user, pass, SENDING_AUTH))
            }
            _ => None,
        }
    }
}

/// USER and PASS. `last` is the action after the password was sent.
pub fn login(user: &[u8], pass: &Secret<Bytes>, last: Action) -> Steps {
    let user = [b"USER ", user].concat();
    let pass = [b"PASS ", &**pass.reveal()].concat();
    Steps::new(
        Step::new(user, "sending user name to upstream", Expected::Completion),
        [Step::new(pass, last, Expected::LoggedIn)],
    )
}

/// POP3 as nginx reads it, after the auth server has decided: a reply has at least four bytes, and a refusal consists of all
/// bytes that have arrived.
#[derive(Debug)]
pub struct Authorized;

impl Replies for Authorized {
    fn whole(&self, _expected: Expected, bytes: &[u8]) -> Option<usize> {
        if bytes.len() < SHORTEST {
            None
        } else if reply::is_ok(bytes) {
            reply::line(bytes)
        } else {
            bytes.ends_with(b"\r\n").then_some(bytes.len())
        }
    }

    fn class<'a>(&self, _expected: Expected, reply: &'a [u8]) -> Class<'a> {
        match reply::is_ok(reply) {
            true => Class::Ok,
            false => Class::Other,
        }
    }
}
