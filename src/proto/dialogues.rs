//! Makes the dialogues with backends that a server's configuration asks for: the only place on this side that matches on the
//! protocol.

use super::backend::authorized_login::{self, AuthorizedLogin, Errand};
use super::backend::backend_login::{self, BackendLogin, Opening, Request};
use super::backend::discovery::Discovery;
use super::backend::wire::Wire;
use super::backend::{CapabilityProbe, StartTls, capability_probe, start_tls};
use super::client::Dialogue;
use super::login::{Bytes, ClientHost, Credentials, Helo, Login, Origin};
use super::smtp::opening::{Introduction, Purpose, own_name};
use super::{imap, pop3, smtp};
use crate::base::{Protocol, Secret};
use crate::config::{BackendTls, ProxySmtpAuth, Server};

/// The upgrade of a connection to TLS, where `proxy_ssl` wants it within the connection. `helo` is the client's, if the
/// connection is for a client of SMTP.
pub fn start_tls(server: &Server, helo: Option<&Helo>) -> Option<Dialogue<start_tls::Outcome>> {
    if server.proxy_ssl.proxy_ssl != BackendTls::StartTls {
        return None;
    }
    let name = match helo {
        Some(helo) => own_name(server, helo),
        None => server.mail.server_name.clone(),
    };
    Some(Box::new(StartTls::new(wire(server.protocol, name))))
}

/// The login of a client whom the auth server let in, with `user` and `pass`. `smtp_auth` is the auth server's value for
/// `proxy_smtp_auth`.
pub fn authorized_login(
    server: &Server,
    client: ClientHost<'_>,
    login: Login,
    user: Bytes,
    pass: Option<Secret<Bytes>>,
    smtp_auth: Option<bool>,
) -> Dialogue<authorized_login::Outcome> {
    let Login {
        credentials,
        origin,
    } = login;
    Box::new(match origin {
        Origin::Smtp { helo, envelope } => {
            let how = server.proxy.proxy_smtp_auth.overruled(smtp_auth);
            let xclient_login = (how == ProxySmtpAuth::Off).then(|| user.clone());
            let purpose = Purpose::AuthorizedLogin {
                login: xclient_login,
            };
            let introduction = Introduction::of(server, client, helo, purpose);
            let errand = match envelope {
                Some(envelope) => Errand::Mail(envelope),
                None if how == ProxySmtpAuth::Off || credentials == Credentials::None => {
                    Errand::Nothing
                }
                None => Errand::Login { user, pass },
            };
            AuthorizedLogin::introduced(
                Box::new(smtp::wire::Authorized(how)),
                Box::new(smtp::opening::Opening::new(introduction)),
                errand,
            )
        }
        Origin::Imap { tag } => AuthorizedLogin::new(
            Box::new(imap::wire::Authorized(tag)),
            Errand::Login { user, pass },
        ),
        Origin::Pop3 => AuthorizedLogin::new(
            Box::new(pop3::wire::Authorized),
            Errand::Login { user, pass },
        ),
    })
}

/// The first request to a backend that authenticates by itself, on a new connection.
pub fn backend_login(
    server: &Server,
    client: ClientHost<'_>,
    request: Request,
) -> Dialogue<backend_login::Outcome> {
    let origin = request.origin();
    let (name, opening) = match origin.helo() {
        Some(helo) => {
            let introduction =
                Introduction::of(server, client, helo.clone(), Purpose::BackendLogin);
            let name = helo.name.as_ref().unwrap_or(&introduction.own_name).clone();
            let opening = smtp::opening::Opening::new(introduction);
            (name, Opening::Introduction(Box::new(opening)))
        }
        None => (Bytes::default(), Opening::Discovery(Discovery::Greeting)),
    };
    let wire = wire(server.protocol, name);
    Box::new(BackendLogin::new(wire, opening, request))
}

/// The question for capabilities, for a server whose backend authenticates and whose configuration leaves it to the backend
/// what is announced to clients.
pub fn capability_probe(server: &Server) -> Option<Dialogue<capability_probe::Answer>> {
    let configured = match server.protocol {
        Protocol::Smtp => server.smtp.smtp_capabilities.chosen,
        Protocol::Imap => server.imap.imap_capabilities.chosen,
        Protocol::Pop3 => server.pop3.pop3_capabilities.chosen,
    };
    if configured || !server.backend_authenticates() {
        return None;
    }
    let wire = wire(server.protocol, server.mail.server_name.clone());
    Some(Box::new(CapabilityProbe::new(wire)))
}

/// The protocol towards a backend; `name` goes into EHLO (SMTP).
fn wire(protocol: Protocol, name: Bytes) -> Box<dyn Wire> {
    match protocol {
        Protocol::Smtp => Box::new(smtp::wire::Wire::new(name)),
        Protocol::Imap => Box::new(imap::wire::Wire::default()),
        Protocol::Pop3 => Box::new(pop3::wire::Wire),
    }
}
