//! Makes the dialogues with backends that a server's configuration asks for: the only place on this side that matches on the
//! protocol.

use super::backend::authorized_login::{self, Task};
use super::backend::backend_login;
use super::backend::reply::{Class, Expected, Rejection, Replies};
use super::backend::wire::Wire;
use super::backend::{AvailabilityProbe, CapabilityProbe, StartTls};
use super::backend::{availability_probe, capability_probe, identification, start_tls};
use super::client::{Progress, then};
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

/// The login of a client that the auth server accepted.
#[derive(Debug)]
pub struct Authorization {
    /// What the client has sent.
    pub login: Login,
    /// The login that the auth server chose.
    pub user: Bytes,
    /// The password that it chose, or the client's.
    pub pass: Option<Secret<Bytes>>,
    /// Its value for `proxy_smtp_auth`.
    pub smtp_auth: Option<bool>,
}

impl Authorization {
    /// The dialogue from the greeting to the point where the login follows.
    pub fn opening(&self, server: &Server, client: ClientHost<'_>) -> authorized_login::Opening {
        let replies: Box<dyn Replies> = match &self.login.origin {
            Origin::Smtp { helo, .. } => {
                let is_told = self.proxy_smtp_auth(server) == ProxySmtpAuth::Off;
                let login = is_told.then(|| self.user.clone());
                let purpose = Purpose::AuthorizedLogin { login };
                let introduction = Introduction::of(server, client, helo.clone(), purpose);
                let replies: Box<dyn Replies> = Box::new(smtp::wire::Wire::default());
                return opening::introduce(replies, introduction);
            }
            Origin::Sieve => {
                let opening = backend_login::discovery(wire(server, Bytes::default()));
                return then(opening, |(wire, found), _, _| {
                    let replies: Box<dyn Replies> = wire;
                    Progress::Done((replies, found))
                });
            }
            Origin::Imap { tag } => Box::new(imap::wire::Authorized { tag: tag.clone() }),
            Origin::Pop3 => Box::new(pop3::wire::Authorized),
        };
        match client.identification {
            Some(argument) => identified(server, argument, replies),
            None => authorized_login::greeting(replies),
        }
    }

    /// The login, or the mail of a client without one.
    pub fn task(self, server: &Server) -> Task {
        const LAST: &str = "sending password to upstream";
        let how = self.proxy_smtp_auth(server);
        let (user, pass) = (self.user, self.pass);
        let login = match self.login.origin {
            Origin::Smtp {
                envelope: Some(envelope),
                ..
            } => return Task::Mail(envelope),
            Origin::Smtp { .. } if self.login.credentials == Credentials::None => {
                return Task::Nothing;
            }
            Origin::Smtp { .. } => return smtp::wire::authorized(how, &user, pass.as_ref()),
            Origin::Sieve => pass.map(|pass| sieve::wire::authorized(&user, &pass)),
            Origin::Imap { tag } => {
                pass.map(|pass| Task::Login(imap::wire::login(&tag, &user, &pass, LAST)))
            }
            Origin::Pop3 => pass.map(|pass| Task::Login(pop3::wire::login(&user, &pass, LAST))),
        };
        login.unwrap_or(Task::NoPassword)
    }

    fn proxy_smtp_auth(&self, server: &Server) -> ProxySmtpAuth {
        server.proxy.proxy_smtp_auth.overruled(self.smtp_auth)
    }
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

/// The dialogue with a backend that authenticates by itself, from the greeting to the point where a request of this origin follows.
pub fn backend_opening(
    server: &Server,
    client: ClientHost<'_>,
    origin: &Origin,
) -> backend_login::Opening {
    match origin {
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
    }
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
