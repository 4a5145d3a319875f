//! `ssl_certificate` with its `ssl_certificate_key`: both are loaded, and must belong together.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{Error, InconsistentKeys};

use super::encrypted_key::{self, Encryption};
use super::pem;
use crate::config::{TlsFault, TlsFile};

/// Loads all pairs in the order written.
pub(super) fn load_all(
    pairs: &[(TlsFile, TlsFile)],
    passwords: &[Box<[u8]>],
    provider: &CryptoProvider,
) -> Result<Vec<Arc<CertifiedKey>>, TlsFault> {
    let load =
        |(certificate, key): &(TlsFile, TlsFile)| load(certificate, key, passwords, provider);
    pairs.iter().map(load).collect()
}

/// Loads one pair.
pub(super) fn load(
    certificate: &TlsFile,
    key: &TlsFile,
    passwords: &[Box<[u8]>],
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsFault> {
    let broken = || TlsFault::Certificate(certificate.path.clone());
    let chain = pem::chain(&certificate.bytes).ok_or_else(broken)?;
    let certified = certified(chain, signing_key(key, passwords, provider)?);
    certified.ok_or_else(|| TlsFault::Mismatch(key.path.clone()))
}

/// A chain with its key; `None` where they do not match.
pub(super) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: Arc<dyn SigningKey>,
) -> Option<Arc<CertifiedKey>> {
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => None,
        // After other errors: rustls cannot parse the certificate, but clients may.
        _ => Some(Arc::new(certified)),
    }
}

/// The first private key of a file.
pub(super) fn signing_key(
    file: &TlsFile,
    passwords: &[Box<[u8]>],
    provider: &CryptoProvider,
) -> Result<Arc<dyn SigningKey>, TlsFault> {
    let usable = |key| provider.key_provider.load_private_key(key).ok();
    let key = match encrypted_key::find(&file.bytes) {
        Encryption::None => pem::key(&file.bytes).and_then(usable),
        Encryption::Unknown => None,
        Encryption::PassPhrase(key) => {
            let decrypted = passwords
                .iter()
                .find_map(|phrase| usable(key.decrypt(phrase)?));
            return decrypted.ok_or_else(|| TlsFault::Locked(file.path.clone()));
        }
    };
    key.ok_or_else(|| TlsFault::Key(file.path.clone()))
}
