//! A peer's chain, judged as X509_verify_cert(3) judges it for nginx: up to a CA that is trusted and signed by itself.
//!
//! nginx lets OpenSSL go on after a fault, so that the last one found is the one that is told. The order of the checks here is
//! OpenSSL's for that reason. A verdict without a fault needs all of them passed.

use std::sync::Arc;

use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use x509_parser::x509::X509Version;

use super::certificate::{Certificate, Checked};
use super::crl::Revoked;
use super::extensions::Purpose;
use super::reason::Reason;

/// Certificates of CAs, by their subjects.
#[derive(Debug, Default)]
pub(super) struct Store(Vec<(Vec<u8>, CertificateDer<'static>)>);

impl Store {
    /// Those that can be read.
    pub fn new(certificates: impl Iterator<Item = CertificateDer<'static>>) -> Self {
        let keyed = certificates.filter_map(|der| {
            let key = Certificate::read(&der)?.subject_key;
            Some((key, der))
        });
        Self(keyed.collect())
    }

    /// Whether one of them limits the names below it.
    pub fn limits_names(&self) -> bool {
        let limits = |own: Certificate<'_>| own.extensions.has_name_constraints;
        self.0
            .iter()
            .any(|(_, der)| Certificate::read(der).is_some_and(limits))
    }

    fn issuers_of(&self, top: &Certificate<'_>) -> Vec<Certificate<'_>> {
        let same = self.0.iter().filter(|(key, _)| *key == top.issuer_key);
        same.filter_map(|(_, der)| Certificate::read(der))
            .filter(|issuer| top.may_be_issued_by(issuer))
            .collect()
    }
}

/// What a chain is judged by.
pub(super) struct Trial<'a> {
    pub trusted: &'a Store,
    pub revoked: Option<&'a Revoked>,
    /// How many CAs may stand between the peer's certificate and a trusted one.
    pub depth: usize,
    /// What the certificate is shown for.
    pub purpose: Purpose,
    pub algorithms: &'a WebPkiSupportedAlgorithms,
    pub now: UnixTime,
}

/// No chain is longer, whatever `ssl_verify_depth` says: CAs may have signed each other.
const LONGEST: usize = 100;

/// The last fault that was found.
pub(super) type Found = Option<Reason>;

impl<'a> Trial<'a> {
    /// Judges a certificate with what came along with it.
    pub fn judge(&self, own: &[u8], along: &[CertificateDer<'_>]) -> Result<(), Reason> {
        let Some(own) = Certificate::read(own) else {
            return Err(Reason::InvalidExtension);
        };
        let along = along
            .iter()
            .filter_map(|der| Certificate::read(der))
            .collect();
        let mut last = (!own.has_strong_key()).then_some(Reason::WeakKey);
        let chain = self.build(own, along, &mut last);
        self.check_extensions(&chain, &mut last);
        Self::check_strength(&chain, &mut last);
        if let Some(revoked) = self.revoked {
            revoked.check(&chain, self.algorithms, self.seconds(), &mut last);
        }
        self.check_signatures(&chain, &mut last);
        self.check_names(&chain, &mut last);
        last.map_or(Ok(()), Err)
    }

    /// The chain from the peer's certificate up. Trusted issuers go before those that came along.
    fn build<'c>(
        &'c self,
        own: Certificate<'c>,
        mut along: Vec<Certificate<'c>>,
        last: &mut Found,
    ) -> Vec<Certificate<'c>> {
        let most = self.depth.min(LONGEST) + 1;
        let mut chain = vec![own];
        let mut from_peer = 1;
        loop {
            let top = &chain[chain.len() - 1];
            let is_root = top.is_self_signed();
            if chain.len() <= most {
                let candidates = self.trusted.issuers_of(top);
                if is_root {
                    // Its twin by name is not enough: it must be the very same.
                    if candidates.iter().any(|issuer| issuer.der == top.der) {
                        return chain;
                    }
                } else if let Some(issuer) = self.best(candidates) {
                    let is_root = issuer.is_self_signed();
                    chain.push(issuer);
                    if is_root {
                        return chain;
                    }
                    // From a trusted issuer on, only trusted ones count.
                    along.clear();
                    continue;
                }
            }
            let fits = |issuer: &Certificate<'_>| top.may_be_issued_by(issuer);
            if is_root || chain.len() > most || !along.iter().any(fits) {
                break;
            }
            let (fitting, rest) = along.into_iter().partition(|issuer| fits(issuer));
            along = rest;
            if let Some(issuer) = self.best(fitting) {
                chain.push(issuer);
                from_peer = chain.len();
            }
        }
        let top = &chain[chain.len() - 1];
        // That a chain is too long is not told: OpenSSL goes on, and what it says last is what is missing.
        *last = Some(if top.is_self_signed() {
            if chain.len() == 1 {
                Reason::SelfSigned
            } else {
                Reason::SelfSignedInChain
            }
        } else if from_peer < chain.len() {
            Reason::NoIssuer
        } else {
            Reason::NoLocalIssuer
        });
        chain
    }

    /// One whose time it is, else any.
    fn best<'c>(&self, mut candidates: Vec<Certificate<'c>>) -> Option<Certificate<'c>> {
        let now = self.seconds();
        let in_time = candidates
            .iter()
            .position(|one| time_fault(one, now).is_none());
        match in_time {
            Some(at) => Some(candidates.swap_remove(at)),
            None => candidates.pop(),
        }
    }

    fn check_extensions(&self, chain: &[Certificate<'_>], last: &mut Found) {
        let mut between = 0;
        for (at, one) in chain.iter().enumerate() {
            let as_ca = at > 0;
            let extensions = &one.extensions;
            if extensions.has_unknown_critical {
                *last = Some(Reason::CriticalExtension);
            }
            if extensions.is_invalid {
                *last = Some(Reason::InvalidExtension);
            }
            let version1 = one.body().version == X509Version::V1;
            let is_ca = extensions.is_ca(one.is_self_signed(), version1);
            if as_ca && !is_ca {
                *last = Some(Reason::NotCa);
            }
            if !extensions.is_for(self.purpose, as_ca) || (as_ca && !is_ca) {
                *last = Some(Reason::Purpose);
            }
            if at > 1 && extensions.path_length().is_some_and(|most| between > most) {
                *last = Some(Reason::PathTooLong);
            }
            if as_ca && !one.is_self_issued() {
                between += 1;
            }
        }
    }

    fn check_strength(chain: &[Certificate<'_>], last: &mut Found) {
        for (at, one) in chain.iter().enumerate() {
            if at > 0 && !one.has_strong_key() {
                *last = Some(Reason::WeakCaKey);
            }
            if at + 1 < chain.len() && !one.has_strong_digest() {
                *last = Some(Reason::WeakDigest);
            }
        }
    }

    /// Signatures and times, from the top down.
    fn check_signatures(&self, chain: &[Certificate<'_>], last: &mut Found) {
        for (at, one) in chain.iter().enumerate().rev() {
            match chain.get(at + 1) {
                Some(issuer) => {
                    if !issuer.extensions.may_sign_certificates() {
                        *last = Some(Reason::NoCertSign);
                    }
                    // Weak ones are not checked, nor need they be: they were found faulty above.
                    let is_weak = !one.has_strong_digest() || !issuer.has_strong_key();
                    if !is_weak && one.check(issuer, self.algorithms) == Checked::Bad {
                        *last = Some(Reason::BadSignature);
                    }
                }
                None if one.is_self_signed() => {}
                None if at == 0 => *last = Some(Reason::Unverified),
                // The top of an open chain: nobody there to check it with, and `last` says so already.
                None => continue,
            }
            if let Some(fault) = time_fault(one, self.seconds()) {
                *last = Some(fault);
            }
        }
    }

    /// Limits on names are rare, and rustls knows them: a chain with some must please its verifier too. Its top may be anybody
    /// here: whether that is trusted was looked at before.
    fn check_names(&self, chain: &[Certificate<'_>], last: &mut Found) {
        if !chain.iter().any(|one| one.extensions.has_name_constraints) {
            return;
        }
        let Some(([own, along @ ..], root)) = chain.split_last().map(|(root, rest)| (rest, root))
        else {
            return;
        };
        let mut roots = RootCertStore::empty();
        let der = |one: &Certificate<'_>| CertificateDer::from(one.der.to_vec());
        let added = roots.add(der(root)).is_ok();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let along: Vec<_> = along.iter().map(der).collect();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let verified =
            verifier.map(|verifier| verifier.verify_client_cert(&der(own), &along, self.now));
        let is_foul = match verified {
            Ok(Ok(_)) => !added,
            // What rustls has no word of its own for, names among it.
            Ok(Err(Error::InvalidCertificate(CertificateError::Other(_)))) => true,
            // Another fault: if none was found yet, it is not known whether the names are good.
            _ => last.is_none_or(Reason::is_about_trust),
        };
        if is_foul {
            *last = Some(Reason::NameNotPermitted);
        }
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.now.as_secs()).unwrap_or(i64::MAX)
    }
}

fn time_fault(one: &Certificate<'_>, now: i64) -> Found {
    let validity = &one.body().validity;
    if validity.not_before.timestamp() > now {
        Some(Reason::NotYetValid)
    } else if validity.not_after.timestamp() < now {
        Some(Reason::Expired)
    } else {
        None
    }
}
