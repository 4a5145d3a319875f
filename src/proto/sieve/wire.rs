//! ManageSieve towards backends: classes of replies, and commands.

use super::reply::{self, Word};
use super::{capabilities, response_code};
use crate::base::Secret;
use crate::proto::backend::authorized_login::Task;
use crate::proto::backend::framing::Framing;
use crate::proto::backend::reply::{Class, Expected, Rejection, Replies};
use crate::proto::backend::steps::Steps;
use crate::proto::backend::wire::{self, Capabilities, Verbs};
use crate::proto::login::{Bytes, Credentials};
use crate::proto::sasl::client::Exchange;

static VERBS: Verbs = Verbs {
    capabilities_action: "sending CAPABILITY to upstream",
    login_capabilities_action: "sending CAPABILITY to upstream",
    start_tls: "STARTTLS",
    start_tls_name: "STARTTLS",
    start_tls_action: "sending STARTTLS to upstream",
    // RFC 5804, section 2.2: the backend sends its capabilities again.
    greeting: b"",
    quit: b"LOGOUT\r\n",
};

/// ManageSieve.
#[derive(Debug)]
pub struct Wire;

impl Replies for Wire {
    fn whole(&self, expected: Expected, bytes: &[u8]) -> Option<usize> {
        match expected {
            Expected::Greeting | Expected::Capabilities => reply::group(bytes),
            _ => reply::line(bytes),
        }
    }

    fn class<'a>(&self, expected: Expected, reply: &'a [u8]) -> Class<'a> {
        let response = match expected {
            Expected::Greeting | Expected::Capabilities => reply::last(reply),
            _ => reply,
        };
        match (reply::word(response), expected) {
            (Some((Word::Ok, _)), Expected::Challenge | Expected::Refusal) => Class::Other,
            (Some((Word::Ok, _)), _) => Class::Ok,
            (Some((word, text)), _) => Class::Refused(rejection(word, text)),
            (None, Expected::Challenge | Expected::LoggedIn) => {
                reply::string(response).map_or(Class::Other, |(text, _)| Class::Challenge(text))
            }
            (None, _) => Class::Other,
        }
    }
}

/// The reason of NO or BYE. A backend that closes without a known reason may take the login later.
fn rejection(word: Word, text: &[u8]) -> Rejection {
    let closing = word == Word::Bye;
    let code = match response_code::reason(reply::code(text)) {
        500 if closing => 454,
        code => code,
    };
    Rejection { code, closing }
}

impl wire::Wire for Wire {
    fn verbs(&self) -> &'static Verbs {
        &VERBS
    }

    fn capability_command(&self) -> Vec<u8> {
        b"CAPABILITY".into()
    }

    fn greeted_capabilities(&self, greeting: &[u8]) -> Option<Capabilities> {
        Some(capabilities::read(greeting))
    }

    fn capabilities(&self, answer: &[u8]) -> Option<Capabilities> {
        match reply::word(reply::last(answer)) {
            Some((Word::Ok | Word::No, _)) => Some(capabilities::read(answer)),
            Some((Word::Bye, _)) | None => None,
        }
    }

    fn announced(&self, reply: &[u8]) -> Option<Box<[Bytes]>> {
        Some(capabilities::passed_on(reply).map(Into::into).collect())
    }

    fn auth_command(&self, mechanism: &str) -> Vec<u8> {
        format!("AUTHENTICATE \"{mechanism}\"").into_bytes()
    }

    fn framing(&self) -> Framing {
        Framing::Strings
    }

    fn login_without_sasl(&self, _: &Credentials, _: &Capabilities) -> Option<Steps> {
        None
    }
}

/// The login of a client that the auth server accepted.
pub fn authorized(user: &[u8], pass: &Secret<Bytes>) -> Task {
    let steps = |exchange: Exchange| {
        let command = wire::Wire::auth_command(&Wire, exchange.mechanism);
        let exchange = Exchange {
            acknowledgement: None,
            ..exchange
        };
        Steps::sasl(exchange, command, Some(usize::MAX), Framing::Strings)
    };
    Task::Plain {
        plain: steps(Exchange::plain(user, pass)),
        login: steps(Exchange::login(user, pass)),
    }
}
