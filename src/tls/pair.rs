//! `ssl_certificate` with its `ssl_certificate_key`: both are loaded, and must belong together.

use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{Error, InconsistentKeys};

use super::encrypted_key::{self, Encryption};
use super::peer::has_small_key;
use super::{key_kind, pem};
use crate::base::Registry;
use crate::config::{self, TlsFault, TlsFile};

/// The pairs that are in use, by the content of their files: loading a key takes a hundred times as long as hashing it.
#[derive(Debug, Default)]
pub struct Pairs(Registry<Digest, CertifiedKey>);

/// SHA-256 of the content of a certificate, of its key and of the pass phrases.
type Digest = [u8; 32];

impl Pairs {
    /// Loads all pairs in the order written.
    pub(super) fn load_all(
        &self,
        pairs: &[(TlsFile, TlsFile)],
        passwords: &[Box<[u8]>],
        provider: &CryptoProvider,
    ) -> Result<Vec<Arc<CertifiedKey>>, TlsFault> {
        let load = |(certificate, key): &(TlsFile, TlsFile)| {
            let digest = digest(certificate, key, passwords);
            let load = |_: &Digest| load(certificate, key, passwords, provider);
            self.0.get_or_make(digest, load)
        };
        pairs.iter().map(load).collect()
    }
}

fn digest(certificate: &TlsFile, key: &TlsFile, passwords: &[Box<[u8]>]) -> Digest {
    let mut hash = digest::Context::new(&digest::SHA256);
    let passwords = passwords.iter().map(|phrase| &phrase[..]);
    for part in [&certificate.bytes[..], &key.bytes]
        .into_iter()
        .chain(passwords)
    {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

/// Loads one pair.
pub(super) fn load(
    certificate: &TlsFile,
    key: &TlsFile,
    passwords: &[Box<[u8]>],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsFault> {
    let broken = || TlsFault::Certificate(certificate.path.clone());
    let chain = pem::chain(&certificate.bytes).ok_or_else(broken)?;
    if chain.first().is_some_and(|own| has_small_key(own)) {
        return Err(TlsFault::SmallKey(certificate.path.clone()));
    }
    let certified = certified(chain, signing_key(key, passwords, provider)?);
    certified.ok_or_else(|| TlsFault::Mismatch(key.path.clone()))
}

/// A chain with its key; `None` where they do not match.
pub(super) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: Arc<dyn SigningKey>,
) -> Option<CertifiedKey> {
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => None,
        // After other errors: rustls cannot parse the certificate, but clients may.
        _ => Some(certified),
    }
}

/// The first private key of a file.
pub(super) fn signing_key(
    file: &TlsFile,
    passwords: &[Box<[u8]>],
    provider: &CryptoProvider,
) -> Result<Arc<dyn SigningKey>, TlsFault> {
    let path = || file.path.clone();
    let block = config::pem::first_key(&file.bytes).ok_or_else(|| TlsFault::Key(path()))?;
    let unusable = |label, data: &[u8]| match key_kind::unsupported(label, data) {
        Some(kind) => TlsFault::KeyKind(path(), kind),
        None => TlsFault::Key(path()),
    };
    let load = |key| provider.key_provider.load_private_key(key).ok();
    match encrypted_key::find(&block) {
        Encryption::None => {
            let key = match block.label {
                b"RSA PRIVATE KEY" => PrivatePkcs1KeyDer::from(&*block.data).into(),
                b"EC PRIVATE KEY" => PrivateSec1KeyDer::from(&*block.data).into(),
                _ => PrivatePkcs8KeyDer::from(&*block.data).into(),
            };
            let key: PrivateKeyDer<'_> = key;
            load(key.clone_key()).ok_or_else(|| unusable(block.label, &block.data))
        }
        Encryption::Unknown => Err(TlsFault::Key(path())),
        Encryption::PassPhrase(key) => {
            let decrypted = passwords.iter().filter_map(|phrase| key.decrypt(phrase));
            let mut why = TlsFault::Locked(path());
            for plain in decrypted {
                match load(plain.clone_key()) {
                    Some(key) => return Ok(key),
                    // A wrong pass phrase may, rarely, give bytes that are no key.
                    None => {
                        let kind = key_kind::unsupported(block.label, plain.secret_der());
                        why = kind.map_or(why, |kind| TlsFault::KeyKind(path(), kind));
                    }
                }
            }
            Err(why)
        }
    }
}
