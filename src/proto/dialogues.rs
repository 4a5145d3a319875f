//! Makes the dialogues with backends that a server's configuration asks for: the only place on this side that matches on the
//! protocol.

use super::backend::authorized_login::{self, Task};
use super::backend::backend_login::{self, Request};
use super::backend::greeting;
use super::backend::reply::{Class, Expected, Rejection, Replies};
use super::backend::wire::Wire;
use super::backend::{AuthorizedLogin, AvailabilityProbe, BackendLogin, CapabilityProbe, StartTls};
use super::backend::{availability_probe, capability_probe, identification, start_tls};
use super::client::{Dialogue, Progress, then};
use super::login::{Bytes, ClientHost, Credentials, Helo, Login, Origin};
use super::smtp::opening::{self, Introduction, Purpose, own_name};
use super::{imap, pop3, sieve, smtp};
use crate::base::{Protocol, Secret};
use crate::config::{ProtocolSettings, ProxySmtpAuth, Server, TlsMode};

/// The upgrade of a connection to TLS, if `proxy_ssl` asks for STARTTLS or STLS. `helo` is the client's, if the
/// connection is for a client of SMTP.
pub fn start_tls(server: &Server, helo: Option<&Helo>) -> Option<StartTls> {
    if !matches!(server.backend_tls, TlsMode::StartTls { .. }) {
        return None;
    }
    let name = match helo {
        Some(helo) => own_name(server, helo),
        None => server.name.clone(),
    };
    Some(start_tls::dialogue(wire(server, name)))
}

/// The login of a client that the auth server accepted, with `user` and `pass`. `smtp_auth` is the auth server's value for
/// `proxy_smtp_auth`.
pub fn authorized_login(
    server: &Server,
    client: ClientHost<'_>,
    login: Login,
    user: Bytes,
    pass: Option<Secret<Bytes>>,
    smtp_auth: Option<bool>,
) -> AuthorizedLogin {
    const LAST: &str = "sending password to upstream";
    let (opening, task) = match login.origin {
        Origin::Smtp { helo, envelope } => {
            let how = server.proxy.proxy_smtp_auth.overruled(smtp_auth);
            let task = match envelope {
                Some(envelope) => Task::Mail(envelope),
                None if login.credentials == Credentials::None => Task::Nothing,
                None => smtp::wire::authorized(how, &user, pass.as_ref()),
            };
            let login = (how == ProxySmtpAuth::Off).then_some(user);
            let purpose = Purpose::AuthorizedLogin { login };
            let introduction = Introduction::of(server, client, helo, purpose);
            let replies: Box<dyn Replies> = Box::new(smtp::wire::Wire::default());
            (opening::introduce(replies, introduction), task)
        }
        Origin::Imap { tag } => {
            let login = pass.map(|pass| imap::wire::login(&tag, &user, &pass, LAST));
            let replies = Box::new(imap::wire::Authorized { tag });
            let opening = match client.identification {
                Some(argument) => identified(server, argument, replies),
                None => authorized_login::greeting(replies),
            };
            (opening, login.map_or(Task::NoPassword, Task::Login))
        }
        Origin::Pop3 => {
            let login = pass.map(|pass| pop3::wire::login(&user, &pass, LAST));
            let replies = Box::new(pop3::wire::Authorized);
            let opening = match client.identification {
                Some(argument) => identified(server, argument, replies),
                None => authorized_login::greeting(replies),
            };
            (opening, login.map_or(Task::NoPassword, Task::Login))
        }
        Origin::Sieve => {
            let login = pass.map(|pass| sieve::wire::authorized(&user, &pass));
            let wire = wire(server, Bytes::default());
            let opening = then(backend_login::discovery(wire), |(wire, found), _, _| {
                let replies: Box<dyn Replies> = wire;
                Progress::Done((replies, found))
            });
            (opening, login.unwrap_or(Task::NoPassword))
        }
    };
    authorized_login::dialogue(opening, task)
}

/// An opening that asks for the capabilities and identifies the client. The rest of the dialogue is read with `replies`.
fn identified(
    server: &Server,
    argument: &[u8],
    replies: Box<dyn Replies>,
) -> authorized_login::Opening {
    let opening = backend_login::discovery(wire(server, Bytes::default()));
    let opening = identification::identified(opening, argument);
    then(opening, |(_, capabilities), _, _| {
        Progress::Done((replies, capabilities))
    })
}

/// The first request to a backend that authenticates by itself, on a new connection.
pub fn backend_login(server: &Server, client: ClientHost<'_>, request: Request) -> BackendLogin {
    let opening = match request.origin() {
        Origin::Smtp { helo, .. } => {
            let purpose = Purpose::BackendLogin;
            let introduction = Introduction::of(server, client, helo.clone(), purpose);
            let name = helo.name.as_ref().unwrap_or(&introduction.own_name).clone();
            opening::introduce(wire(server, name), introduction)
        }
        Origin::Imap { .. } | Origin::Pop3 | Origin::Sieve => {
            let opening = backend_login::discovery(wire(server, Bytes::default()));
            match client.identification {
                Some(argument) => identification::identified(opening, argument),
                None => opening,
            }
        }
    };
    backend_login::dialogue(opening, request)
}

/// The request for capabilities, for a server whose backend authenticates and whose clients get the backend's capabilities.
pub fn capability_probe(server: &Server) -> Option<CapabilityProbe> {
    let capabilities = match &server.settings {
        ProtocolSettings::Smtp(own) => &own.smtp_capabilities,
        ProtocolSettings::Imap(own) => &own.imap_capabilities,
        ProtocolSettings::Pop3(own) => &own.pop3_capabilities,
        ProtocolSettings::Sieve(own) => &own.sieve_capabilities,
    };
    if capabilities.is_configured() || !server.backend_authenticates() {
        return None;
    }
    let wire = wire(server, server.name.clone());
    Some(capability_probe::dialogue(wire))
}

/// The question whether a backend of a server works.
pub fn availability_probe(server: &Server) -> AvailabilityProbe {
    availability_probe::dialogue(wire(server, server.name.clone()))
}

/// The greeting of a backend, before the dialogue that begins with it.
pub fn greeting(server: &Server) -> Dialogue<()> {
    let replies: Box<dyn Replies> = match server.protocol() {
        Protocol::Smtp => Box::new(smtp::wire::Wire::default()),
        Protocol::Imap => Box::new(imap::wire::Wire::default()),
        Protocol::Pop3 => Box::new(pop3::wire::Wire),
        Protocol::Sieve => Box::new(sieve::wire::Wire),
    };
    greeting::dialogue(replies)
}

/// A backend's refusal of a login, if the reply is one.
pub fn rejection(protocol: Protocol, reply: &[u8]) -> Option<Rejection> {
    let replies: Box<dyn Replies> = match protocol {
        Protocol::Smtp => Box::new(smtp::wire::Wire::default()),
        Protocol::Imap => Box::new(imap::wire::Wire::answering(reply)),
        Protocol::Pop3 => Box::new(pop3::wire::Wire),
        Protocol::Sieve => Box::new(sieve::wire::Wire),
    };
    match replies.class(Expected::LoggedIn, reply) {
        Class::Refused(rejection) => Some(rejection),
        Class::Ok | Class::Challenge(_) | Class::Other => None,
    }
}

/// The protocol towards a backend; `name` goes into EHLO (SMTP).
fn wire(server: &Server, name: Bytes) -> Box<dyn Wire> {
    match server.protocol() {
        Protocol::Smtp => Box::new(smtp::wire::Wire { name }),
        Protocol::Imap => Box::new(imap::wire::Wire::default()),
        Protocol::Pop3 => Box::new(pop3::wire::Wire),
        Protocol::Sieve => Box::new(sieve::wire::Wire),
    }
}
