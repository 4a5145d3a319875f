//! Asking the auth server, until it says yes or no.

use super::exchange;
use super::exchange::Exchange;
use crate::base::Secret;
use crate::base::{Level, Protocol};
use crate::proto::auth_http::{Certificate, Grant, Inquiry, Need, Tls, Verdict, request};
use crate::proto::{Denial, Login};
use crate::session::client::commands::Session;
use crate::session::{Over, cipher};
use crate::tls;

/// Room for a usual question.
const QUESTION: usize = 512;

/// What the auth server wants.
#[derive(Debug)]
pub(in crate::session) enum Outcome {
    /// A backend for this client.
    Accepted(Grant),
    /// None for this client.
    Denied(Denial),
}

impl Session {
    /// One login's way through the auth server. What cannot be answered ends the session.
    pub async fn inquire(&mut self, login: &Login) -> Result<Outcome, Over> {
        self.log.doing("in http auth state");
        let (endpoint, shared) = (self.endpoint.clone(), self.shared.clone());
        let Some(auth_server) = &endpoint.auth_server else {
            return Err(self.fail().await);
        };
        let url = &auth_server.url;
        let keep = endpoint.server.auth_http.auth_http_keepalive;
        let details = self.client.certificate.as_ref().map(tls::Client::details);
        let certificate = details.as_ref().map(|own| Certificate {
            verify: &own.verify,
            subject: &own.subject,
            issuer: &own.issuer,
            serial: &own.serial,
            fingerprint: &own.fingerprint,
            pem: (endpoint.server.auth_http.auth_http_pass_client_cert)
                .then_some(&*own.certificate),
        });
        let words = self.client.tls().and_then(cipher::words);
        let mut question = Vec::with_capacity(QUESTION);
        let inquiry = Inquiry {
            uri: &url.uri,
            host: &url.host,
            keep,
            protocol: endpoint.server.protocol,
            login,
            attempt: self.attempts,
            client: &self.identity.address,
            client_host: &self.identity.host,
            told: self.identity.source.told,
            tls: words.map(|(version, cipher)| Tls {
                version,
                cipher,
                certificate,
            }),
            headers: &endpoint.server.auth_http.auth_http_header,
        };
        request(&inquiry, &mut question);
        let question = Secret::new(question);
        let addresses = auth_server.addresses(&endpoint.log);
        let exchange = Exchange {
            server: auth_server,
            addresses: &addresses,
            keep,
            question: &question,
            patience: endpoint.server.auth_http.auth_http_timeout,
        };
        let need = Need {
            server: endpoint.server.proxy.proxy_pass.is_none(),
            // IMAP and POP3 know no other way to bring a client to its backend.
            pass: endpoint.server.protocol != Protocol::Smtp
                && login.credentials.password().is_none(),
            bearer: login.credentials.bearer(),
        };
        loop {
            let answer = tokio::select! {
                answer = exchange.run(&self.log, &shared) => answer,
                () = self.client.leaves() => return Err(Over),
            };
            let verdict = match answer {
                Err(exchange::Reported) => return Err(self.fail().await),
                Ok((address, answer)) => answer.verdict(need).map_err(|fault| (address, fault)),
            };
            match verdict {
                Ok(Verdict::Accept(grant)) => return Ok(Outcome::Accepted(grant)),
                Ok(Verdict::Deny(denial)) => return Ok(Outcome::Denied(denial)),
                Ok(Verdict::Again(wait)) => self.pause(wait).await?,
                Err((address, fault)) => {
                    self.log.line(
                        Level::Error,
                        format_args!("auth http server {address} {fault}"),
                    );
                    return Err(self.fail().await);
                }
            }
        }
    }
}
