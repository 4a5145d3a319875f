//! A signed structure: a certificate or a revocation list (RFC 5280 sections 4.1 and 5.1). The TLS provider checks the signature.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::SignatureVerificationAlgorithm;
use x509_parser::asn1_rs::{Any, FromDer};
use x509_parser::x509::SubjectPublicKeyInfo;

/// The signed bytes, the algorithm, and the signature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    message: &'a [u8],
    /// The content of the AlgorithmIdentifier.
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Takes the structure (DER) apart.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let (_, outer) = Any::from_der(der).ok()?;
        let (rest, _) = Any::from_der(outer.data).ok()?;
        let message = &outer.data[..outer.data.len() - rest.len()];
        let (rest, algorithm) = Any::from_der(rest).ok()?;
        let (_, signature) = Any::from_der(rest).ok()?;
        Some(Self {
            message,
            algorithm: algorithm.data,
            // The first byte of a BIT STRING is the number of unused bits at its end.
            signature: signature.data.strip_prefix(&[0])?,
        })
    }

    /// Whether the signature is by a key.
    pub fn is_by(
        &self,
        key: &SubjectPublicKeyInfo<'_>,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> bool {
        let own = |known: &&&dyn SignatureVerificationAlgorithm| {
            known.signature_alg_id().as_ref() == self.algorithm
        };
        let algorithms: Vec<_> = algorithms.all.iter().filter(own).copied().collect();
        has_signed(key, &algorithms, self.message, self.signature)
    }
}

/// Whether a key has signed a message with one of `algorithms`.
pub(super) fn has_signed(
    key: &SubjectPublicKeyInfo<'_>,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let content = |der| Some(Any::from_der(der).ok()?.1.data);
    let Some(kind) = content(key.raw).and_then(content) else {
        return false;
    };
    let bits = &key.subject_public_key.data;
    algorithms
        .iter()
        .filter(|known| known.public_key_alg_id().as_ref() == kind)
        .any(|known| known.verify_signature(bits, message, signature).is_ok())
}
