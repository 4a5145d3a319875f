//! `SignatureAlgorithms` and `ClientSignatureAlgorithms` of `ssl_conf_command`: OpenSSL's lists of signature schemes, and keys limited to
//! such a list.

use std::sync::Arc;

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme as Scheme};

/// The supported schemes by their names in TLS (RFC 8446 section 4.2.3), and as OpenSSL writes key and hash.
const SCHEMES: [(Scheme, &str, &[&str]); 10] = [
    (
        Scheme::ECDSA_NISTP256_SHA256,
        "ecdsa_secp256r1_sha256",
        &["ECDSA+SHA256"],
    ),
    (
        Scheme::ECDSA_NISTP384_SHA384,
        "ecdsa_secp384r1_sha384",
        &["ECDSA+SHA384"],
    ),
    (
        Scheme::ECDSA_NISTP521_SHA512,
        "ecdsa_secp521r1_sha512",
        &["ECDSA+SHA512"],
    ),
    (Scheme::ED25519, "ed25519", &[]),
    (
        Scheme::RSA_PSS_SHA256,
        "rsa_pss_rsae_sha256",
        &["RSA-PSS+SHA256", "PSS+SHA256"],
    ),
    (
        Scheme::RSA_PSS_SHA384,
        "rsa_pss_rsae_sha384",
        &["RSA-PSS+SHA384", "PSS+SHA384"],
    ),
    (
        Scheme::RSA_PSS_SHA512,
        "rsa_pss_rsae_sha512",
        &["RSA-PSS+SHA512", "PSS+SHA512"],
    ),
    (
        Scheme::RSA_PKCS1_SHA256,
        "rsa_pkcs1_sha256",
        &["RSA+SHA256"],
    ),
    (
        Scheme::RSA_PKCS1_SHA384,
        "rsa_pkcs1_sha384",
        &["RSA+SHA384"],
    ),
    (
        Scheme::RSA_PKCS1_SHA512,
        "rsa_pkcs1_sha512",
        &["RSA+SHA512"],
    ),
];

/// The supported schemes of a list separated by colons.
pub(super) fn schemes(list: &[u8]) -> Vec<Scheme> {
    let named = |word: &[u8]| {
        let is_it = |(_, name, others): &&(Scheme, &str, &[&str])| {
            name.as_bytes() == word || others.iter().any(|other| other.as_bytes() == word)
        };
        SCHEMES.iter().find(is_it).map(|(scheme, ..)| *scheme)
    };
    list.split(|byte| *byte == b':').filter_map(named).collect()
}

/// Pairs whose keys sign with the schemes of `list` only; without a list they are not limited.
pub(super) fn limit(pairs: Vec<Arc<CertifiedKey>>, list: Option<&[u8]>) -> Vec<Arc<CertifiedKey>> {
    let Some(list) = list else {
        return pairs;
    };
    let allowed: Arc<[Scheme]> = schemes(list).into();
    let limited = |pair: Arc<CertifiedKey>| {
        let key = Limited {
            key: Arc::clone(&pair.key),
            allowed: Arc::clone(&allowed),
        };
        Arc::new(CertifiedKey::new(pair.cert.clone(), Arc::new(key)))
    };
    pairs.into_iter().map(limited).collect()
}

/// Leaves the schemes of `list`, in its order; without a list all stay.
pub(super) fn among(supported: Vec<Scheme>, list: Option<&[u8]>) -> Vec<Scheme> {
    match list {
        None => supported,
        Some(list) => {
            let mut named = schemes(list);
            named.retain(|scheme| supported.contains(scheme));
            named
        }
    }
}

/// A key that signs with some schemes only.
#[derive(Debug)]
struct Limited {
    key: Arc<dyn SigningKey>,
    allowed: Arc<[Scheme]>,
}

impl SigningKey for Limited {
    fn choose_scheme(&self, offered: &[Scheme]) -> Option<Box<dyn Signer>> {
        let mut both = offered.to_vec();
        both.retain(|scheme| self.allowed.contains(scheme));
        self.key.choose_scheme(&both)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}
