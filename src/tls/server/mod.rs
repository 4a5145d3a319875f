//! TLS towards clients: what one `server {}` shakes hands with, and what it makes of a client's certificate.

mod alpn;
mod choose;
mod names;
pub(super) mod resumption;
mod ticket;
mod zone;

use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

use super::peer::{self, Client, Judge};
use super::settings::Settings;
use super::{pair, provider, versions};
use crate::config::{TlsFault, TlsFile, TlsMaterial};
use resumption::{OneConnection, Resumption, Tickets};

/// The TLS side of one server.
#[derive(Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
    tickets: Option<Arc<Tickets>>,
    /// Who looks at certificates of clients, where they are asked for one.
    judge: Option<Judge>,
}

impl Server {
    /// Builds it. Sessions go on that were begun before, as far as `resumption` knows them.
    ///
    /// # Errors
    /// The first fault in nginx's order: pair by pair the certificate, its key, whether they match; then the ciphers.
    pub fn new(material: &TlsMaterial, resumption: &Resumption) -> Result<Self, TlsFault> {
        let settings = Settings::of(material);
        let versions = versions::enabled(settings.versions);
        let own = rustls::crypto::aws_lc_rs::default_provider();
        let keys = pair::load_all(&material.pairs, material.passwords.reveal(), &own)?;
        let provider = Arc::new(provider::limited(&settings, &versions)?);
        let judge = Judge::new(material)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|error| TlsFault::Other(format!("no usable \"ssl_protocols\": {error}")))?;
        let builder = match &judge {
            Some(judge) => builder.with_client_cert_verifier(peer::verifier(judge, &provider)),
            None => builder.with_no_client_auth(),
        };
        let choice = choose::ByName::new(keys, settings.prefer_own_order);
        let mut config = builder.with_cert_resolver(Arc::new(choice));
        config.alpn_protocols = alpn::names(material.protocol);
        config.ignore_client_order = settings.prefer_own_order;
        if !settings.compression {
            config.cert_compressors.clear();
        }
        // A client's certificate is small, and what unpacks large is no friend.
        config.cert_decompressors.clear();
        let tickets = resumption.configure(&mut config, &settings, material)?;
        Ok(Self {
            config: Arc::new(config),
            tickets,
            judge,
        })
    }

    /// What a connection begins with.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        let Some(tickets) = &self.tickets else {
            return Arc::clone(&self.config);
        };
        let mut own = ServerConfig::clone(&self.config);
        own.ticketer = Arc::new(OneConnection::new(tickets));
        Arc::new(own)
    }

    /// The client of a finished handshake: its certificate, and what that is worth today. `None` where none is asked for.
    ///
    /// A resumed session carries its certificate along, and is judged anew: what was revoked meanwhile does not come back.
    #[must_use]
    pub fn client(&self, connection: &ServerConnection) -> Option<Client> {
        let chain = connection.peer_certificates().unwrap_or_default();
        Some(self.judge.as_ref()?.client(chain))
    }
}

/// Whether a certificate and a key can be used together, for `World::check_pair`.
///
/// # Errors
/// The certificate's fault, the key's, or that they do not match.
pub fn check_pair(
    certificate: &TlsFile,
    key: &TlsFile,
    passwords: &[Box<[u8]>],
) -> Result<(), TlsFault> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    pair::load(certificate, key, passwords, &provider).map(drop)
}

/// Whether the material, whose pairs have been checked, makes a TLS server: for `World::check_tls`.
///
/// # Errors
/// As `Server::new`.
pub fn check(material: &TlsMaterial) -> Result<(), TlsFault> {
    if versions::enabled(material.protocols).is_empty() {
        // That no version is left is `config`'s to say, once all else is read: nginx has no such error.
        return Ok(());
    }
    Server::new(material, &Resumption::default()).map(drop)
}

#[cfg(test)]
mod tests;
