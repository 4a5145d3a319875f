//! Kinds and strengths of public keys and signature algorithms, as OpenSSL's security level 2 (112 bits) sees them.

use x509_parser::asn1_rs::FromDer;
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

/// A kind of public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Rsa,
    /// An RSA key for RSASSA-PSS alone.
    RsaPss,
    Dsa,
    Ec,
    Ed25519,
    Ed448,
    MlDsa44,
    MlDsa65,
    MlDsa87,
    /// X25519 or X448: for key agreement.
    Agreement,
}

impl KeyKind {
    /// The kind of a key; `None` for one that OpenSSL cannot read.
    pub fn of_key(key: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        Some(match key.algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.113549.1.1.1" => Self::Rsa,
            "1.2.840.113549.1.1.10" => Self::RsaPss,
            "1.2.840.10040.4.1" => Self::Dsa,
            "1.2.840.10045.2.1" => Self::Ec,
            "1.3.101.112" => Self::Ed25519,
            "1.3.101.113" => Self::Ed448,
            "1.3.101.110" | "1.3.101.111" => Self::Agreement,
            other => return Self::of_ml_dsa(other),
        })
    }

    /// Whether a key of this kind makes signatures of this algorithm.
    pub fn signs(kind: Option<Self>, algorithm: &AlgorithmIdentifier<'_>) -> bool {
        let Some(signature) = Self::of_signature(&algorithm.algorithm.to_id_string()) else {
            return false;
        };
        kind == Some(signature) || (kind, signature) == (Some(Self::Rsa), Self::RsaPss)
    }

    /// The kind of key that a signature algorithm needs.
    fn of_signature(algorithm: &str) -> Option<Self> {
        Some(match algorithm {
            "1.2.840.113549.1.1.10" => Self::RsaPss,
            "1.3.101.112" => Self::Ed25519,
            "1.3.101.113" => Self::Ed448,
            "1.3.14.3.2.29" => Self::Rsa,
            "1.3.14.3.2.27" => Self::Dsa,
            _ => {
                if let Some(own) = Self::of_ml_dsa(algorithm) {
                    return Some(own);
                }
                let (arc, number) = algorithm.rsplit_once('.')?;
                let number: u8 = number.parse().ok()?;
                match (arc, number) {
                    ("1.2.840.113549.1.1", 2..=5 | 11..=16) | ("2.16.840.1.101.3.4.3", 13..=16) => {
                        Self::Rsa
                    }
                    ("1.2.840.10045.4", 1)
                    | ("1.2.840.10045.4.3", 1..=4)
                    | ("2.16.840.1.101.3.4.3", 9..=12) => Self::Ec,
                    ("1.2.840.10040.4", 3) | ("2.16.840.1.101.3.4.3", 1..=8) => Self::Dsa,
                    _ => return None,
                }
            }
        })
    }

    /// ML-DSA (RFC 9881): keys and signatures have the same identifiers. OpenSSL reads them from version 3.5 on.
    fn of_ml_dsa(algorithm: &str) -> Option<Self> {
        Some(match algorithm {
            "2.16.840.1.101.3.4.3.17" => Self::MlDsa44,
            "2.16.840.1.101.3.4.3.18" => Self::MlDsa65,
            "2.16.840.1.101.3.4.3.19" => Self::MlDsa87,
            _ => return None,
        })
    }
}

/// Whether a key has 112 bits of security: RSA from 2048 bits on, elliptic curves from 224. DSA is never strong: no TLS version spoken
/// here has it.
pub(super) fn is_strong(kind: KeyKind, key: &SubjectPublicKeyInfo<'_>) -> bool {
    match kind {
        KeyKind::Rsa | KeyKind::RsaPss => RSAPublicKey::from_der(&key.subject_public_key.data)
            .is_ok_and(|(_, key)| key.key_size() >= 2048),
        KeyKind::Ec => match key.parsed() {
            Ok(PublicKey::EC(point)) => point.key_size() >= 224,
            _ => false,
        },
        KeyKind::Dsa => false,
        KeyKind::Ed25519 | KeyKind::Ed448 | KeyKind::Agreement => true,
        KeyKind::MlDsa44 | KeyKind::MlDsa65 | KeyKind::MlDsa87 => true,
    }
}

/// Whether a signature algorithm has a digest of 112 bits of security: not MD2, MD4, MD5, or SHA-1.
pub(super) fn is_strong_digest(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    const WEAK: [&str; 8] = [
        "1.2.840.113549.1.1.2",
        "1.2.840.113549.1.1.3",
        "1.2.840.113549.1.1.4",
        "1.2.840.113549.1.1.5",
        "1.2.840.10040.4.3",
        "1.2.840.10045.4.1",
        "1.3.14.3.2.27",
        "1.3.14.3.2.29",
    ];
    !WEAK.contains(&algorithm.algorithm.to_id_string().as_str())
}
