//! Any bytes as the certificates of a peer and of CAs, and as revocation lists.

use std::time::Duration;

use portcullis::tls::peer::{ChainVerifier, Details, Purpose, RevocationLists, login};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::{CertificateDer, UnixTime};

/// The time of verification: 2025.
const NOW: u64 = 1_735_776_000;

/// The parts of the bytes: settings, then pieces of DER, each after its kind and its length.
#[derive(Default)]
struct Parts<'a> {
    own: &'a [u8],
    sent: Vec<CertificateDer<'a>>,
    trusted: Vec<CertificateDer<'static>>,
    lists: Vec<Vec<u8>>,
}

impl<'a> Parts<'a> {
    fn read(mut bytes: &'a [u8]) -> Self {
        let mut parts = Self::default();
        while let [kind, high, low, rest @ ..] = bytes {
            let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
            let (der, rest) = rest.split_at(length);
            match kind % 4 {
                0 => parts.own = der,
                1 => parts.sent.push(der.into()),
                2 => parts.trusted.push(der.to_vec().into()),
                _ => parts.lists.push(der.to_vec()),
            }
            bytes = rest;
        }
        parts
    }
}

/// Verifies the chain that the bytes make, and prints its first certificate.
pub fn chain(bytes: &[u8]) {
    let [settings, depth, rest @ ..] = bytes else {
        return;
    };
    let parts = Parts::read(rest);
    let checks_lists = settings & 2 != 0;
    let lists = RevocationLists::new(parts.lists.iter().cloned().map(Into::into));
    let purpose = match settings & 1 {
        0 => Purpose::Client,
        _ => Purpose::Server,
    };
    let lists = checks_lists.then(|| lists.unwrap_or_default());
    let (trusted, depth) = (parts.trusted.clone(), usize::from(*depth));
    let verifier = ChainVerifier::new(trusted, lists, depth, purpose);
    let verify = |algorithms: &WebPkiSupportedAlgorithms| {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
        let faults = verifier.faults(parts.own, &parts.sent, algorithms, now);
        let verdict = verifier.verify(parts.own, &parts.sent, algorithms, now);
        assert_eq!(faults.last().map(|fault| fault.reason), verdict.err());
        verdict
    };
    let verdict = verify(&aws_lc_rs::default_provider().signature_verification_algorithms);
    let none = WebPkiSupportedAlgorithms {
        all: &[],
        mapping: &[],
    };
    // Without a signature only a trusted root is accepted.
    if verify(&none).is_ok() {
        assert!(!checks_lists && parts.trusted.iter().any(|root| **root == *parts.own));
        assert!(verdict.is_ok());
    }
    let details = Details::of(verdict, parts.own);
    assert!(details.subject.is_ascii() && details.issuer.is_ascii());
    if let Some(name) = login(parts.own, b"") {
        assert_eq!(
            login(parts.own, &name).map(|found| found.len()),
            Some(name.len())
        );
    }
}
