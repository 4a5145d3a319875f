//! The names that OpenSSL has for the algorithms of a certificate: those of its signature and of its key.

use x509_parser::asn1_rs::FromDer;
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::certificate::Certificate;
use super::key::KeyKind;

/// OpenSSL's short names of signature algorithms (OBJ_nid2sn(3)).
const SIGNATURES: [(&str, &str); 13] = [
    ("1.2.840.113549.1.1.5", "RSA-SHA1"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "RSA-SHA256"),
    ("1.2.840.113549.1.1.12", "RSA-SHA384"),
    ("1.2.840.113549.1.1.13", "RSA-SHA512"),
    ("1.2.840.113549.1.1.14", "RSA-SHA224"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.3.101.112", "ED25519"),
    ("1.3.101.113", "ED448"),
];

/// OpenSSL's name for an algorithm that it does not know.
const UNKNOWN: &str = "UNDEF";

/// The algorithms of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateAlgorithms {
    /// The algorithm by which it is signed.
    pub signature: &'static str,
    /// The kind of its key and its length in bits, `RSA2048` or `EC256`. As in nginx, other kinds have no name.
    pub key: Option<String>,
}

impl CertificateAlgorithms {
    /// Reads a certificate (DER).
    #[must_use]
    pub fn of(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::read(der)?;
        let signature = certificate.body().signature.algorithm.to_id_string();
        let known = SIGNATURES.iter().find(|(id, _)| *id == signature);
        Some(Self {
            signature: known.map_or(UNKNOWN, |(_, name)| name),
            key: certificate
                .key_kind
                .and_then(|kind| key(kind, certificate.key())),
        })
    }
}

fn key(kind: KeyKind, key: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    match kind {
        KeyKind::Rsa | KeyKind::RsaPss => {
            let (_, key) = RSAPublicKey::from_der(&key.subject_public_key.data).ok()?;
            let leading: u32 = key
                .modulus
                .iter()
                .position(|byte| *byte != 0)
                .map_or(0, |at| {
                    let zeros = key.modulus[at].leading_zeros();
                    zeros + 8 * u32::try_from(at).unwrap_or_default()
                });
            let bits = 8 * key.modulus.len() - usize::try_from(leading).unwrap_or_default();
            Some(format!("RSA{bits}"))
        }
        KeyKind::Ec => match key.parsed() {
            Ok(PublicKey::EC(point)) => {
                // A point has full bytes, so P-521 has more bits there.
                let bits = point.key_size().min(521);
                Some(format!("EC{bits}"))
            }
            _ => None,
        },
        _ => None,
    }
}
