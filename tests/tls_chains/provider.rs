//! Signature algorithms that record what they check, and others that find every signature wrong.

use std::cell::RefCell;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use x509_parser::asn1_rs::{Any, FromDer};

use crate::generator::Case;

/// A good signature: the bits of the public key, and what was signed.
type Proof = (Vec<u8>, Vec<u8>);

thread_local! {
    static PROOFS: RefCell<Vec<Proof>> = const { RefCell::new(Vec::new()) };
}

/// Forgets what was recorded.
pub fn forget() {
    PROOFS.take();
}

/// An algorithm of the provider.
#[derive(Debug)]
struct Watched {
    own: &'static dyn SignatureVerificationAlgorithm,
    /// Whether it records; else it refuses.
    records: bool,
}

impl SignatureVerificationAlgorithm for Watched {
    fn verify_signature(
        &self,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if !self.records {
            return Err(InvalidSignature);
        }
        self.own.verify_signature(key, message, signature)?;
        PROOFS.with_borrow_mut(|proofs| proofs.push((key.to_vec(), message.to_vec())));
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.own.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.own.signature_alg_id()
    }
}

fn watched(records: bool) -> WebPkiSupportedAlgorithms {
    let provider = crate::algorithms();
    let watch = |own: &&'static dyn SignatureVerificationAlgorithm| {
        &*Box::leak(Box::new(Watched { own: *own, records }))
            as &'static dyn SignatureVerificationAlgorithm
    };
    WebPkiSupportedAlgorithms {
        all: Vec::leak(provider.all.iter().map(watch).collect()),
        mapping: &[],
    }
}

/// The provider's algorithms, which record every good signature of this thread.
pub fn recording() -> WebPkiSupportedAlgorithms {
    watched(true)
}

/// Algorithms to which every signature is wrong.
pub fn refusing() -> WebPkiSupportedAlgorithms {
    watched(false)
}

/// Whether recorded signatures lead from a certificate to a trusted one, and a revocation list was checked where they count.
pub fn has_proved(case: &Case, target: &[u8]) -> bool {
    PROOFS.with_borrow(|proofs| {
        let mut lists = case.crls.iter().flatten();
        let has_list = lists.any(|list| proofs.iter().any(|(_, message)| message == body(list)));
        leads_to_trust(case, target, proofs, 0) && (case.crls.is_none() || has_list)
    })
}

fn leads_to_trust(case: &Case, one: &[u8], proofs: &[Proof], depth: usize) -> bool {
    let is_signed_by = |issuer: &[u8]| {
        let has_key = |key: &[u8]| issuer.windows(key.len()).any(|part| part == key);
        proofs
            .iter()
            .any(|(key, message)| message == body(one) && has_key(key))
    };
    let mut issuers = case.trusted.iter().chain(&case.sent);
    case.trusted.iter().any(|trusted| trusted == one)
        || (depth < 20
            && issuers.any(|issuer| {
                is_signed_by(issuer) && leads_to_trust(case, issuer, proofs, depth + 1)
            }))
}

/// The signed part of a certificate or a list.
fn body(der: &[u8]) -> &[u8] {
    let (_, outer) = Any::from_der(der).expect("a structure");
    let (rest, _) = Any::from_der(outer.data).expect("its first part");
    &outer.data[..outer.data.len() - rest.len()]
}
