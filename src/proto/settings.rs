//! Which dialogue a server speaks: the only place that matches on the protocol.

use std::sync::Arc;

use super::learn::{Learner, Words};
use super::login::Bytes;
use super::smtp::opening::{Introduction, own_name};
use super::{Back, Helo, Judge, Login, Origin, ServerDialogue, Upgrade, imap, pop3, smtp};
use crate::base::Protocol;
use crate::base::Secret;
use crate::config::{BackendTls, Server};

/// What a server says to every client, made once when the configuration is loaded.
#[derive(Clone, Debug)]
pub enum Settings {
    /// SMTP
    Smtp(Arc<smtp::Settings>),
    /// IMAP
    Imap(Arc<imap::Settings>),
    /// POP3
    Pop3(Arc<pop3::Settings>),
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
    pub fn of(server: &Server) -> Self {
        match server.protocol {
            Protocol::Smtp => Settings::Smtp(Arc::new(smtp::Settings::of(server))),
            Protocol::Imap => Settings::Imap(Arc::new(imap::Settings::of(server))),
            Protocol::Pop3 => Settings::Pop3(Arc::new(pop3::Settings::of(server))),
        }
    }

    /// A dialogue that has not begun; `secure` when TLS was there from the first byte.
    /// `learned` is what the backend offers, as far as it was asked.
    pub fn front(&self, secure: bool, learned: Option<Arc<Words>>) -> Box<dyn ServerDialogue> {
        match self {
            Settings::Smtp(settings) => {
                Box::new(smtp::ServerDialogue::new(settings.clone(), secure, learned))
            }
            Settings::Imap(settings) => {
                Box::new(imap::ServerDialogue::new(settings.clone(), secure, learned))
            }
            Settings::Pop3(settings) => {
                Box::new(pop3::ServerDialogue::new(settings.clone(), secure, learned))
            }
        }
    }
}

/// What has a backend begin TLS within the open connection, where the configuration wants it so. `helo` is the client's, if the
/// connection is for a client of SMTP.
pub fn upgrade(server: &Server, helo: Option<&Helo>) -> Option<Box<dyn Upgrade>> {
    if server.proxy_ssl.proxy_ssl != BackendTls::StartTls {
        return None;
    }
    Some(match server.protocol {
        Protocol::Smtp => {
            let name = helo.map(|helo| own_name(server, helo));
            let name = name.unwrap_or_else(|| server.mail.server_name.clone());
            Box::new(smtp::upgrade::Upgrade::new(name))
        }
        Protocol::Imap => Box::new(imap::upgrade::Upgrade::default()),
        Protocol::Pop3 => Box::new(pop3::upgrade::Upgrade::default()),
    })
}

/// The conversation with a backend that fits a login which the auth server let in, with `user` and `pass` to pass on.
/// `smtp_auth` is the auth server's word on `proxy_smtp_auth`.
pub fn back(
    server: &Server,
    seen: Seen<'_>,
    login: Login,
    user: Bytes,
    pass: Option<Secret<Bytes>>,
    smtp_auth: Option<bool>,
) -> Box<dyn Back> {
    match login.origin {
        Origin::Smtp { helo, envelope } => {
            let introduction = Introduction::of(server, seen, helo);
            let method = &login.credentials;
            let how = server.proxy.proxy_smtp_auth.overruled(smtp_auth);
            let back = smtp::Back::of(how, introduction, method, envelope, user, pass);
            Box::new(back)
        }
        Origin::Imap { tag } => Box::new(imap::Back::new(tag, user, pass)),
        Origin::Pop3 => Box::new(pop3::Back::new(user, pass)),
    }
}

/// The conversation with a backend that decides for itself.
pub fn judge(server: &Server, seen: Seen<'_>, origin: &Origin) -> Box<dyn Judge> {
    match origin {
        Origin::Smtp { helo, .. } => {
            let introduction = Introduction::of(server, seen, helo.clone()).by_offers();
            Box::new(smtp::Judge::new(introduction))
        }
        Origin::Imap { .. } => Box::new(imap::Judge::new()),
        Origin::Pop3 => Box::new(pop3::Judge::default()),
    }
}

/// The conversation that learns what the backend offers, for a server whose backend decides about logins and whose
/// configuration leaves it to the backend to say.
pub fn learner(server: &Server) -> Option<Box<dyn Learner>> {
    if !server.backend_authenticates() {
        return None;
    }
    match server.protocol {
        Protocol::Smtp if server.smtp.smtp_capabilities.chosen => None,
        Protocol::Smtp => Some(Box::new(smtp::learn::Learn::new(
            server.mail.server_name.clone(),
        ))),
        Protocol::Imap if server.imap.imap_capabilities.chosen => None,
        Protocol::Imap => Some(Box::new(imap::Learn::default())),
        Protocol::Pop3 if server.pop3.pop3_capabilities.chosen => None,
        Protocol::Pop3 => Some(Box::new(pop3::Learn::default())),
    }
}
