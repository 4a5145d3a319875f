//! SMTP towards backends: classes of replies, and commands.

use super::reply::{code, texts, whole};
use super::{capabilities, opening};
use crate::base::Secret;
use crate::config::ProxySmtpAuth;
use crate::proto::backend::authorized_login::Task;
use crate::proto::backend::framing::Framing;
use crate::proto::backend::reply::{Class, Expected, Rejection, Replies};
use crate::proto::backend::steps::{SENDING_AUTH, Step, Steps};
use crate::proto::backend::wire::{self, Capabilities, Verbs};
use crate::proto::login::{Bytes, Credentials};
use crate::proto::sasl::client::Exchange;

static VERBS: Verbs = Verbs {
    capabilities_action: opening::SENDING_HELLO,
    login_capabilities_action: opening::SENDING_HELLO,
    start_tls: "STARTTLS",
    start_tls_name: "STARTTLS",
    start_tls_action: "sending STARTTLS to upstream",
    greeting: b"220 \r\n",
    quit: b"QUIT\r\n",
};

/// SMTP.
#[derive(Debug, Default)]
pub struct Wire {
    /// The name in EHLO.
    pub name: Bytes,
}

impl Replies for Wire {
    fn whole(&self, _expected: Expected, bytes: &[u8]) -> Option<usize> {
        whole(bytes)
    }

    fn class<'a>(&self, expected: Expected, reply: &'a [u8]) -> Class<'a> {
        match (expected, code(reply)) {
            (Expected::Anything, _)
            | (Expected::Greeting | Expected::StartTls, Some(220))
            | (Expected::Capabilities | Expected::Completion, Some(250))
            | (Expected::Xclient, Some(220 | 250))
            | (Expected::LoggedIn, Some(235))
            | (Expected::Decision, Some(250 | 400..=599)) => Class::Ok,
            (Expected::Challenge | Expected::LoggedIn, Some(334)) => {
                Class::Challenge(texts(reply).next().unwrap_or_default())
            }
            (_, Some(code @ 400..=599)) => Class::Refused(Rejection {
                code,
                closing: code == 421,
            }),
            _ => Class::Other,
        }
    }
}

impl wire::Wire for Wire {
    fn verbs(&self) -> &'static Verbs {
        &VERBS
    }

    fn capability_command(&self) -> Vec<u8> {
        opening::hello(true, &self.name)
    }

    /// A backend that does not know EHLO announces nothing.
    fn capabilities(&self, answer: &[u8]) -> Option<Capabilities> {
        match code(answer) {
            Some(250) => Some(capabilities::read(answer)),
            Some(500..=599) => Some(Capabilities::default()),
            _ => None,
        }
    }

    fn announced(&self, reply: &[u8]) -> Option<Box<[Bytes]>> {
        Some(match code(reply) {
            Some(250) => capabilities::announced(reply),
            _ => Box::default(),
        })
    }

    fn auth_command(&self, mechanism: &str) -> Vec<u8> {
        auth_command(mechanism)
    }

    /// XCLIENT in place of EXTERNAL: the gateway has verified the client's certificate, so it can name its owner.
    fn login_without_sasl(
        &self,
        credentials: &Credentials,
        capabilities: &Capabilities,
    ) -> Option<Steps> {
        let Credentials::External { user } = credentials else {
            return None;
        };
        capabilities.xclient.login.then(|| {
            let mut xclient = b"XCLIENT LOGIN=".to_vec();
            opening::xtext(user, &mut xclient);
            let hello = opening::hello(true, &self.name);
            Steps::new(
                Step::new(xclient, SENDING_AUTH, Expected::Xclient),
                [Step::new(hello, SENDING_AUTH, Expected::Completion)],
            )
        })
    }
}

fn auth_command(mechanism: &str) -> Vec<u8> {
    [b"AUTH ", mechanism.as_bytes()].concat()
}

/// The login of a client that the auth server accepted, according to `proxy_smtp_auth`.
pub fn authorized(how: ProxySmtpAuth, user: &[u8], pass: Option<&Secret<Bytes>>) -> Task {
    let steps = |exchange: Exchange| {
        let command = auth_command(exchange.mechanism);
        let exchange = Exchange {
            acknowledgement: None,
            ..exchange
        };
        Steps::sasl(exchange, command, Some(usize::MAX), Framing::Bare)
    };
    let plain = |pass| steps(Exchange::plain(user, pass));
    let login = |pass| steps(Exchange::login(user, pass));
    match (how, pass) {
        (ProxySmtpAuth::Off, _) => Task::Nothing,
        (_, None) => Task::NoPassword,
        (ProxySmtpAuth::Plain, Some(pass)) => Task::Login(plain(pass)),
        (ProxySmtpAuth::Login, Some(pass)) => Task::Login(login(pass)),
        (ProxySmtpAuth::On, Some(pass)) => Task::Plain {
            plain: plain(pass),
            login: login(pass),
        },
    }
}
