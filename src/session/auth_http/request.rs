//! The request to the auth server, made from a login and what is known about its client.

use crate::base::{Protocol, Secret};
use crate::config::settings::AuthHttp;
use crate::config::{AuthUrl, Server};
use crate::proto::Login;
use crate::proto::auth_http::{AuthRequest, Certificate, Need, Tls};
use crate::session::client::connection::Client;
use crate::session::client::identity::Identity;
use crate::tls;

/// Room for a usual request in bytes.
const USUAL: usize = 512;

/// One attempt of a client to log in.
#[derive(Debug)]
pub(in crate::session) struct Attempt<'a> {
    pub login: &'a Login,
    /// The attempt's number, from 1.
    pub number: u32,
    pub identity: &'a Identity,
    pub client: &'a Client,
}

impl Attempt<'_> {
    /// The request to the auth server at `url`. It contains the password.
    pub fn request(&self, server: &Server, settings: &AuthHttp, url: &AuthUrl) -> Secret<Vec<u8>> {
        let details = self
            .client
            .certificate
            .as_ref()
            .map(tls::ClientCertificate::details);
        let certificate = details.as_ref().map(|own| Certificate {
            verify: &own.verify,
            subject: &own.subject,
            issuer: &own.issuer,
            serial: &own.serial,
            fingerprint: &own.fingerprint,
            pem: (settings.auth_http_pass_client_cert).then_some(&*own.certificate),
        });
        let words = self.client.tls().and_then(tls::negotiated);
        let request = AuthRequest {
            uri: &url.uri,
            host: &url.host,
            keep: settings.auth_http_keepalive,
            protocol: server.protocol(),
            login: self.login,
            attempt: self.number,
            client: &self.identity.address,
            client_host: &self.identity.name,
            proxy_header: self.identity.source.header,
            tls: words.map(|(version, cipher)| Tls {
                version,
                cipher,
                certificate,
            }),
            headers: &settings.auth_http_header,
        };
        let mut bytes = Vec::with_capacity(USUAL);
        request.write(&mut bytes);
        Secret::new(bytes)
    }

    /// What the answer must contain.
    pub fn need(&self, server: &Server) -> Need {
        let credentials = &self.login.credentials;
        Need {
            server: server.authenticator.upstream().is_none(),
            // IMAP and POP3 clients are logged in at their backend with a password.
            pass: server.protocol() != Protocol::Smtp && credentials.password().is_none(),
            bearer: credentials.bearer(),
        }
    }
}
