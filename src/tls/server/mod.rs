//! TLS towards clients: the rustls configuration of one `server {}`, and its verification of client certificates.

mod choose;
pub(super) mod resumption;
mod session_context;
mod ticket;
mod zone;

use std::sync::Arc;

use rustls::server::ClientHello;
use rustls::{ServerConfig, ServerConnection};

use super::pair::{self, Pairs};
use super::peer::{CertificateAlgorithms, ClientCertificate, ClientPolicy, client_verifier};
use super::settings::Settings;
use super::{own, provider, signatures};
use crate::config::{Alpn, TlsFault, TlsFile, TlsMaterial};
use resumption::{ConnectionTickets, Resumption, Tickets};

/// The TLS side of one server.
#[derive(Debug)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    /// The configuration for clients that offer other protocols alone, where they are not refused: `ssl_alpn lenient`.
    without_alpn: Option<Arc<ServerConfig>>,
    tickets: Option<Arc<Tickets>>,
    own: Arc<choose::ByName>,
    /// How client certificates are verified, where clients are asked for one.
    clients: Option<ClientPolicy>,
}

impl ServerTls {
    /// Builds it. `resumption` has the sessions that clients may resume, `known` the pairs that are in use already.
    ///
    /// # Errors
    /// The first error in nginx's order: pair by pair the certificate, its key, whether they match; then the ciphers.
    pub fn new(
        material: &TlsMaterial,
        resumption: &Resumption,
        known: &Pairs,
    ) -> Result<Self, TlsFault> {
        Self::with_pairs(&material.pairs, material, resumption, known)
    }

    /// Builds it with these pairs in place of its own.
    fn with_pairs(
        pairs: &[(TlsFile, TlsFile)],
        material: &TlsMaterial,
        resumption: &Resumption,
        known: &Pairs,
    ) -> Result<Self, TlsFault> {
        let settings = Settings::of(material);
        let versions = provider::versions(settings.versions);
        let all = rustls::crypto::aws_lc_rs::default_provider();
        let passwords = material.passwords.reveal();
        let keys = known.load_all(pairs, passwords, &all)?;
        let provider = Arc::new(provider::limited(&settings, &versions)?);
        let clients = ClientPolicy::new(material)?;
        let keys = own::replace(keys, &material.command_files, passwords, &all)?;
        let keys = signatures::limit(keys, settings.signs);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|error| TlsFault::Other(format!("no usable \"ssl_protocols\": {error}")))?;
        if settings.peer.is_late() {
            let text = "a certificate cannot be requested after the handshake: \"VerifyMode\" of \"ssl_conf_command\" can be \"Request\" or \"Require\"";
            return Err(TlsFault::Other(text.to_owned()));
        }
        let builder = match settings.peer.is_on() {
            true => {
                let verifier = client_verifier(clients.as_ref(), material, &settings, &provider)?;
                builder.with_client_cert_verifier(verifier)
            }
            false => builder.with_no_client_auth(),
        };
        let choice = Arc::new(choose::ByName::new(keys, settings.prefer_own_order));
        let mut config = builder.with_cert_resolver(choice.clone());
        // ALPN (RFC 7301): rustls answers a client that offers other protocols alone with the alert no_application_protocol; a client that
        // offers none is served.
        config.alpn_protocols = vec![material.protocol.alpn().into()];
        config.ignore_client_order = settings.prefer_own_order;
        if !settings.compression {
            config.cert_compressors.clear();
        }
        // Guards against decompression bombs.
        config.cert_decompressors.clear();
        let tickets = resumption.configure(&mut config, &settings, material)?;
        let without_alpn = (material.alpn == Alpn::Lenient).then(|| {
            let mut without = config.clone();
            without.alpn_protocols.clear();
            Arc::new(without)
        });
        Ok(Self {
            config: Arc::new(config),
            without_alpn,
            tickets,
            own: choice,
            clients,
        })
    }

    /// The configuration for a new client.
    #[must_use]
    pub fn config(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        let config = match &self.without_alpn {
            Some(without) if self.lacks_our_protocol(hello) => without,
            _ => &self.config,
        };
        self.with_tickets(config)
    }

    /// A configuration with the tickets of one connection.
    fn with_tickets(&self, config: &Arc<ServerConfig>) -> Arc<ServerConfig> {
        let Some(tickets) = &self.tickets else {
            return Arc::clone(config);
        };
        let mut own = ServerConfig::clone(config);
        own.ticketer = Arc::new(ConnectionTickets::new(tickets));
        Arc::new(own)
    }

    /// Whether a client offers protocols, and none of ours.
    fn lacks_our_protocol(&self, hello: &ClientHello<'_>) -> bool {
        let ours = &self.config.alpn_protocols;
        let offered = hello.alpn();
        offered.is_some_and(|mut offered| !offered.any(|name| ours.iter().any(|own| own == name)))
    }

    /// Verifies the client's certificate after the handshake. `None` where clients are not asked for one.
    ///
    /// A resumed session has the certificate of its first handshake, which is verified again: it may have been revoked meanwhile.
    #[must_use]
    pub fn client(&self, connection: &ServerConnection) -> Option<ClientCertificate> {
        let chain = connection.peer_certificates().unwrap_or_default();
        Some(self.clients.as_ref()?.client(chain))
    }
}

impl ServerTls {
    /// The algorithms of the server's own certificate on a connection, for the PROXY header.
    #[must_use]
    pub fn algorithms(&self, connection: &ServerConnection) -> Option<CertificateAlgorithms> {
        let own = self.own.sent_on(connection)?;
        CertificateAlgorithms::of(own.cert.first()?)
    }
}

/// Whether a certificate and a key can be used together, for `World::check_pair`.
///
/// # Errors
/// The certificate or the key cannot be used, or they do not match.
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
/// As [`ServerTls::new`], except for the pairs.
pub fn check(material: &TlsMaterial) -> Result<(), TlsFault> {
    if provider::versions(material.protocols).is_empty() {
        // `config` reports this once all else is read: nginx has no such error.
        return Ok(());
    }
    let all = &material.pairs[..];
    // They matter again only for what commands do to them.
    let pairs = match material.command_files.own.is_empty() {
        true => &[],
        false => all,
    };
    let (resumption, known) = (Resumption::default(), Pairs::default());
    ServerTls::with_pairs(pairs, material, &resumption, &known).map(drop)
}

#[cfg(test)]
mod tests;
