//! `ssl_certificate` with its `ssl_certificate_key`: loaded, and checked to belong together.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{Error, InconsistentKeys};

use super::locked::{self, Locked};
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
        // Other errors: a certificate that rustls cannot look into but a client may.
        _ => Ok(Arc::new(certified)),
    }
}

fn signing_key(
    file: &TlsFile,
    passwords: &[Box<[u8]>],
    provider: &CryptoProvider,
) -> Result<Arc<dyn SigningKey>, TlsFault> {
    let usable = |key| provider.key_provider.load_private_key(key).ok();
    let key = match locked::find(&file.bytes) {
        Locked::No => pem::key(&file.bytes).and_then(usable),
        Locked::Broken => None,
        Locked::Yes(key) => {
            // A wrong pass phrase may happen to open something; then it is no key.
            let opened = passwords
                .iter()
                .find_map(|phrase| usable(key.open(phrase)?));
            return opened.ok_or_else(|| TlsFault::Locked(file.path.clone()));
        }
    };
    key.ok_or_else(|| TlsFault::Key(file.path.clone()))
}
