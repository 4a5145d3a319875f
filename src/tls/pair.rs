//! `ssl_certificate` with its `ssl_certificate_key`: both are loaded, and must belong together.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
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
    let certified = CertifiedKey::new(chain, signing_key(key, passwords, provider)?);
    match certified.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(TlsFault::Mismatch(key.path.clone()))
        }
        // After other errors: rustls cannot parse the certificate, but clients may.
        _ => Ok(Arc::new(certified)),
    }
}

fn signing_key(
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
