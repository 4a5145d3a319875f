//! The certificates of trusted CAs, and which of several candidates becomes the issuer.

use rustls::pki_types::CertificateDer;

use super::certificate::Certificate;
use super::names::CanonicalName;

/// Certificates of trusted CAs, in the order loaded.
#[derive(Debug)]
pub(super) struct TrustedCas(Vec<(CanonicalName, CertificateDer<'static>)>);

impl TrustedCas {
    /// Keeps the certificates that can be parsed.
    pub fn new(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let named = certificates.into_iter().filter_map(|der| {
            let name = Certificate::read(&der)?.subject_name;
            Some((name, der))
        });
        Self(named.collect())
    }

    /// The trusted issuer of a certificate.
    pub fn issuer_of(&self, one: &Certificate<'_>, now: i64) -> Option<Certificate<'_>> {
        let named = self.0.iter().filter(|(name, _)| *name == one.issuer_name);
        let mut candidates: Vec<_> = named
            .filter_map(|(_, der)| Certificate::read(der))
            .filter(|issuer| one.may_be_issued_by(issuer))
            .collect();
        let chosen = choose(candidates.iter().enumerate(), now)?;
        Some(candidates.swap_remove(chosen))
    }
}

/// Chooses an issuer: the first candidate that is in its validity period, else the one that ends last. Returns its index.
pub(super) fn choose<'r, 'c: 'r>(
    candidates: impl Iterator<Item = (usize, &'r Certificate<'c>)>,
    now: i64,
) -> Option<usize> {
    let mut latest: Option<(usize, i64)> = None;
    for (at, one) in candidates {
        let validity = &one.body().validity;
        let end = validity.not_after.timestamp();
        if validity.not_before.timestamp() <= now && now <= end {
            return Some(at);
        }
        if latest.is_none_or(|(_, latest)| end > latest) {
            latest = Some((at, end));
        }
    }
    latest.map(|(at, _)| at)
}
