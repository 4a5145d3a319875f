//! `ssl_certificate` with its `ssl_certificate_key`: loaded, and checked to belong together.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::pem;
use crate::config::TlsFault;
use crate::config::tls::TlsFile;

/// Loads all pairs in the order written.
pub(super) fn load_all(
    pairs: &[(TlsFile, TlsFile)],
    provider: &CryptoProvider,
) -> Result<Vec<Arc<CertifiedKey>>, TlsFault> {
    let load = |(pair, (certificate, key)): (usize, &(TlsFile, TlsFile))| {
        load(pair, certificate, key, provider)
    };
    pairs.iter().enumerate().map(load).collect()
}

fn load(
    pair: usize,
    certificate: &TlsFile,
    key: &TlsFile,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsFault> {
    let chain = pem::chain(&certificate.bytes).map_err(|reason| match reason {
        pem::Reason {
            queue: pem::NO_START,
            ..
        } => TlsFault::Certificate { pair },
        pem::Reason { call, queue } => {
            let path = certificate.path.display();
            TlsFault::Other(format!(
                "cannot load certificate \"{path}\": {call} failed (SSL: {queue})"
            ))
        }
    })?;
    if pem::is_encrypted(&key.bytes) {
        let path = key.path.display();
        let text = format!(
            "cannot load certificate key \"{path}\": keys with a pass phrase are not supported yet"
        );
        return Err(TlsFault::Other(text));
    }
    let key = pem::key(&key.bytes).ok_or(TlsFault::Key { pair })?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| TlsFault::Key { pair })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(TlsFault::Mismatch { pair })
        }
        // Other errors: a certificate that rustls cannot look into but a client may.
        _ => Ok(Arc::new(certified)),
    }
}
