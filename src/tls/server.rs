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
use crate::config::{TlsFault, TlsMaterial};
use resumption::Resumption;

/// The TLS side of one server.
#[derive(Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
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
        let keys = pair::load_all(
            &material.pairs,
            &rustls::crypto::aws_lc_rs::default_provider(),
        )?;
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
        resumption.configure(&mut config, &settings, material)?;
        Ok(Self {
            config: Arc::new(config),
            judge,
        })
    }

    /// What a connection begins with.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
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

/// Whether the material makes a TLS server, for `World::check_tls`.
///
/// # Errors
/// As `Server::new`.
pub fn check(material: &TlsMaterial) -> Result<(), TlsFault> {
    if versions::enabled(material.protocols).is_empty() {
        // That no version is left is `config`'s to say, once all else is read: nginx has no such error.
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        return pair::load_all(&material.pairs, &provider).map(drop);
    }
    Server::new(material, &Resumption::default()).map(drop)
}

#[cfg(test)]
mod tests;
