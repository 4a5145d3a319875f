//! TLS: rustls configurations made from what the configuration read. `client` is the side towards servers.
//!
//! No file is opened here: `TlsMaterial` carries the bytes. Faults are `config::TlsFault`, which has nginx's sentences.

mod alpn;
mod choose;
mod ciphers;
mod client;
mod locked;
mod pair;
mod pem;
mod resume;
mod versions;

pub use client::{Connector, check_client, client};

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;

use crate::config::{TlsFault, TlsFile, TlsMaterial};

/// Builds the TLS side of one server.
///
/// Key exchange groups are rustls's own: X25519MLKEM768 is taken when the client wants it. The client's order of cipher
/// suites counts unless `ssl_prefer_server_ciphers` is on.
///
/// # Errors
/// The first fault in nginx's order: pair by pair the certificate, its key, whether they match; then the ciphers.
pub fn server(material: &TlsMaterial) -> Result<Arc<ServerConfig>, TlsFault> {
    let versions = versions::enabled(material.protocols);
    let mut provider = aws_lc_rs::default_provider();
    let keys = pair::load_all(&material.pairs, &material.passwords, &provider)?;
    ciphers::apply(&mut provider.cipher_suites, &material.ciphers, &versions)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&versions)
        .map_err(|error| TlsFault::Other(format!("no usable \"ssl_protocols\": {error}")))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(choose::ByKeyType::new(keys)));
    config.alpn_protocols = alpn::names(material.protocol);
    config.ignore_client_order = material.prefer_server_ciphers;
    resume::configure(&mut config, material.session_tickets)?;
    Ok(Arc::new(config))
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
    pair::load(certificate, key, passwords, &aws_lc_rs::default_provider()).map(drop)
}

/// Whether the material, whose pairs have been checked, makes a TLS server: for `World::check_tls`.
///
/// # Errors
/// As `server`.
pub fn check(material: &TlsMaterial) -> Result<(), TlsFault> {
    if versions::enabled(material.protocols).is_empty() {
        // That no version is left is `config`'s to say, once all else is read: nginx has no such error.
        return Ok(());
    }
    server(material).map(drop)
}

#[cfg(test)]
mod tests;
