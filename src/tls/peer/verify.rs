//! Verification of a peer's chain in the order of X509_verify_cert(3).
//!
//! nginx lets OpenSSL continue after an error, so the last error is the one that is reported. The order of the checks is OpenSSL's for
//! that reason. A chain is accepted when there is no error at all.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};

use super::certificate::Certificate;
use super::chain::Chain;
use super::crl::RevocationLists;
use super::extensions::{CaEvidence, Purpose};
use super::fault::{Fault, Faults};
use super::reason::Reason;
use super::trust::TrustedCas;

/// The trusted CAs, limits and revocation lists that peers' chains are verified with.
#[derive(Debug)]
pub struct ChainVerifier {
    trusted: TrustedCas,
    revoked: Option<RevocationLists>,
    depth: usize,
    purpose: Purpose,
}

impl ChainVerifier {
    /// Trusts `cas`, and allows `depth` CAs between the peer's certificate and a trusted one. With revocation lists every certificate of
    /// a chain needs one of its issuer.
    pub fn new(
        cas: impl IntoIterator<Item = CertificateDer<'static>>,
        revoked: Option<RevocationLists>,
        depth: usize,
        purpose: Purpose,
    ) -> Self {
        Self {
            trusted: TrustedCas::new(cas),
            revoked,
            depth,
            purpose,
        }
    }

    /// Verifies a certificate with the certificates that were sent along.
    ///
    /// # Errors
    /// The last error found.
    pub fn verify(
        &self,
        own: &[u8],
        sent: &[CertificateDer<'_>],
        algorithms: &WebPkiSupportedAlgorithms,
        now: UnixTime,
    ) -> Result<(), Reason> {
        let faults = self.faults(own, sent, algorithms, now);
        faults.last().map_or(Ok(()), |last| Err(last.reason))
    }

    /// All errors in the order found; none for a good chain. `algorithms` checks every signature.
    #[must_use]
    pub fn faults(
        &self,
        own: &[u8],
        sent: &[CertificateDer<'_>],
        algorithms: &WebPkiSupportedAlgorithms,
        now: UnixTime,
    ) -> Vec<Fault> {
        let Some(own) = Certificate::read(own) else {
            return vec![Fault {
                reason: Reason::InvalidExtension,
                depth: 0,
            }];
        };
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let mut faults = Faults::default();
        if !own.has_strong_key() {
            faults.add(0, Reason::WeakKey);
        }
        let sent = sent
            .iter()
            .filter_map(|der| Certificate::read(der))
            .collect();
        let chain = Chain::build(own, sent, &self.trusted, self.depth, now);
        let last = chain.certificates.len() - 1;
        if chain.is_too_long {
            faults.add(last, Reason::ChainTooLong);
        }
        if let Some(error) = chain.error {
            faults.add(last, error);
        }
        let chain = &chain.certificates[..];
        self.check_extensions(chain, &mut faults);
        check_strength(chain, &mut faults);
        if let Some(revoked) = &self.revoked {
            revoked.check(chain, algorithms, now, &mut faults);
        }
        check_signatures(chain, algorithms, now, &mut faults);
        check_names(chain, &mut faults);
        faults.into_vec()
    }

    fn check_extensions(&self, chain: &[Certificate<'_>], faults: &mut Faults) {
        let last = chain.len() - 1;
        let mut cas_below = 0;
        for (at, one) in chain.iter().enumerate() {
            let (is_issuer, extensions) = (at > 0, &one.extensions);
            let mut add = |reason, holds: bool| {
                if holds {
                    faults.add(at, reason);
                }
            };
            add(Reason::CriticalExtension, extensions.has_unknown_critical);
            add(Reason::ProxyCertificate, extensions.is_proxy);
            let ca = one.ca();
            let is_ca = match ca {
                Some(CaEvidence::BasicConstraints) => true,
                Some(CaEvidence::Legacy) => at == last,
                None => false,
            };
            add(Reason::NotCa, is_issuer && !is_ca);
            add(Reason::ExplicitCurve, last > 0 && one.has_explicit_curve());
            let has_purpose = match is_issuer {
                true => ca.is_some() && extensions.allow_below(self.purpose),
                false => extensions.allow(self.purpose),
            };
            add(Reason::Purpose, !has_purpose);
            let most = extensions.path_length();
            add(
                Reason::PathTooLong,
                at > 1 && most.is_some_and(|most| cas_below > most),
            );
            if is_issuer && !one.is_self_issued() {
                cas_below += 1;
            }
        }
    }
}

/// The keys of issuers, and the digests of all signatures below the root.
fn check_strength(chain: &[Certificate<'_>], faults: &mut Faults) {
    for (at, one) in chain.iter().enumerate() {
        if at > 0 && !one.has_strong_key() {
            faults.add(at, Reason::WeakCaKey);
        }
        if at + 1 < chain.len() && !one.has_strong_digest() {
            faults.add(at, Reason::WeakDigest);
        }
    }
}

/// Signatures and validity periods, from the root down.
fn check_signatures(
    chain: &[Certificate<'_>],
    algorithms: &WebPkiSupportedAlgorithms,
    now: i64,
    faults: &mut Faults,
) {
    for (at, one) in chain.iter().enumerate().rev() {
        match chain.get(at + 1) {
            Some(issuer) => {
                if !issuer.extensions.may_sign_certificates() {
                    faults.add(at + 1, Reason::NoCertSign);
                }
                // The provider refuses weak keys and digests; they are errors already.
                let is_weak = !one.has_strong_digest() || !issuer.has_strong_key();
                if !is_weak && !one.is_signed_by(issuer, algorithms) {
                    faults.add(at, Reason::BadSignature);
                }
            }
            None if one.is_self_signed() => {}
            None if at == 0 => faults.add(at, Reason::Unverified),
            // The top of an incomplete chain, which is an error already.
            None => continue,
        }
        let validity = &one.body().validity;
        if validity.not_before.timestamp() > now {
            faults.add(at, Reason::NotYetValid);
        }
        if validity.not_after.timestamp() < now {
            faults.add(at, Reason::Expired);
        }
    }
}

/// Name constraints, from the root down. A CA that renews itself is exempt, unless it is the root.
fn check_names(chain: &[Certificate<'_>], faults: &mut Faults) {
    for (at, one) in chain.iter().enumerate().rev() {
        if at > 0 && one.is_self_issued() {
            continue;
        }
        for issuer in chain[at + 1..].iter().rev() {
            let constraints = issuer.extensions.constraints.as_ref();
            if let Some(Err(reason)) = constraints.map(|all| all.check(one.names(), at == 0)) {
                faults.add(at, reason);
            }
        }
    }
}
