//! Which dialogue a server speaks: the only place that matches on the protocol.

use std::sync::Arc;

use super::learn::{Learner, Words};
use super::login::Bytes;
use super::smtp::opening::Introduction;
use super::{Back, Front, Judge, Login, Origin, Secret, smtp};
use crate::config::{Protocol, Server};

/// What a server says to every client, made once when the configuration is loaded.
#[derive(Clone, Debug)]
pub enum Settings {
    /// SMTP
    Smtp(Arc<smtp::Settings>),
}

/// What a backend can be told about a client besides its login.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The client's address, in XCLIENT's form (`IPV6:` before IPv6).
    pub address: &'a str,
    /// The client's host name, or `[UNAVAILABLE]`, or `[TEMPUNAVAIL]`.
    pub host: &'a str,
}

impl Settings {
    /// Puts a server's words together.
    pub fn of(server: &Server) -> Option<Self> {
        match server.protocol {
            Protocol::Smtp => Some(Settings::Smtp(Arc::new(smtp::Settings::of(server)))),
            Protocol::Imap | Protocol::Pop3 => None,
        }
    }

    /// A dialogue that has not begun; `secure` when TLS was there from the first byte.
    /// `learned` is what the backend offers, as far as it was asked.
    pub fn front(&self, secure: bool, learned: Option<Arc<Words>>) -> Box<dyn Front> {
        match self {
            Settings::Smtp(settings) => {
                Box::new(smtp::Front::new(settings.clone(), secure, learned))
            }
        }
    }
}

/// The conversation with a backend that fits a login which the auth server let in, with `user` and `pass` to pass on.
pub fn back(
    server: &Server,
    seen: Seen<'_>,
    login: Login,
    user: Bytes,
    pass: Option<Secret<Bytes>>,
) -> Box<dyn Back> {
    match login.origin {
        Origin::Smtp { helo, envelope } => {
            let introduction = Introduction::of(server, seen, helo);
            let method = &login.credentials;
            let back = smtp::Back::of(&server.proxy, introduction, method, envelope, user, pass);
            Box::new(back)
        }
    }
}

/// The conversation with a backend that decides for itself.
pub fn judge(server: &Server, seen: Seen<'_>, origin: &Origin) -> Box<dyn Judge> {
    match origin {
        Origin::Smtp { helo, .. } => {
            let introduction = Introduction::of(server, seen, helo.clone()).by_offers();
            Box::new(smtp::Judge::new(introduction))
        }
    }
}

/// The conversation that learns what the backend offers, for a server whose backend decides about logins and whose
/// configuration leaves it to the backend to say.
pub fn learner(server: &Server) -> Option<Box<dyn Learner>> {
    if !server.is_judged() {
        return None;
    }
    match server.protocol {
        Protocol::Smtp if server.smtp.smtp_capabilities.chosen => None,
        Protocol::Smtp => Some(Box::new(smtp::learn::Learn::new(
            server.mail.server_name.clone(),
        ))),
        Protocol::Imap | Protocol::Pop3 => None,
    }
}
