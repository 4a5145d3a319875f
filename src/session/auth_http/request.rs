//! The request to the auth server, made from a login and what is known about its client.

use crate::base::{Protocol, Secret};
use crate::config::settings::AuthHttp;
use crate::config::{AuthUrl, Server};
use crate::proto::Login;
use crate::proto::auth_http::{AuthRequest, Certificate, Need, Replacement, Tls};
use crate::session::client::connection::Client;
use crate::session::client::identity::Identity;
use crate::tls;

/// Room for a usual request in bytes.
const USUAL: usize = 512;

/// One attempt of a client to log in.
#[derive(Debug)]
pub(in crate::session) struct Attempt<'a> {
    login: &'a Login,
    /// The attempt's number, from 1.
    number: u32,
    identity: &'a Identity,
    /// The version and the cipher of the client's TLS connection.
    tls: Option<(&'static str, &'static str)>,
    certificate: Option<tls::Details>,
}

impl<'a> Attempt<'a> {
    /// The attempt with this number, from 1.
    pub fn new(login: &'a Login, number: u32, identity: &'a Identity, client: &Client) -> Self {
        Self {
            login,
            number,
            identity,
            tls: client.tls().and_then(tls::negotiated),
            certificate: client
                .certificate
                .as_deref()
                .map(tls::ClientCertificate::details),
        }
    }

    /// The request to the auth server at `url`, with the login and the password of earlier answers. It contains the password.
    pub fn request(
        &self,
        server: &Server,
        settings: &AuthHttp,
        url: &AuthUrl,
        replacement: &Replacement,
    ) -> Secret<Vec<u8>> {
        let certificate = self.certificate.as_ref().map(|own| Certificate {
            verify: &own.verify,
            subject: &own.subject,
            issuer: &own.issuer,
            serial: &own.serial,
            fingerprint: &own.fingerprint,
            pem: (settings.auth_http_pass_client_cert).then_some(&*own.certificate),
        });
        let port = self.identity.source.peer.port();
        let request = AuthRequest {
            uri: &url.uri,
            host: &url.host,
            keep: settings.auth_http_keepalive,
            protocol: server.protocol(),
            login: self.login,
            replacement,
            attempt: self.number,
            client: &self.identity.address,
            client_port: port.filter(|_| settings.auth_http_client_port),
            client_host: self.identity.name(),
            proxy_header: self.identity.source.header(),
            tls: self.tls.map(|(version, cipher)| Tls {
                version,
                cipher,
                certificate,
            }),
            session: (settings.auth_http_session_id).then(|| self.identity.session()),
            headers: &settings.auth_http_header,
        };
        let mut bytes = Vec::with_capacity(USUAL);
        request.write(&mut bytes);
        Secret::new(bytes)
    }

    /// The requirements for the answer.
    pub fn need(&self, server: &Server) -> Need {
        let credentials = &self.login.credentials;
        Need {
            server: server.authenticator.proxy_pass().is_none(),
            // IMAP and POP3 clients are logged in at their backend with a password.
            pass: server.protocol() != Protocol::Smtp && credentials.password().is_none(),
            bearer: credentials.bearer(),
        }
    }
}
