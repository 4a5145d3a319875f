//! The chain from a peer's certificate up to a trusted root, built as X509_verify_cert(3) builds it: trusted issuers first, no second
//! attempt with another candidate.
//!
//! webpki cannot do this: it reads no certificate of version 1, which common recipes make, and it neither wants a self-signed root nor
//! reports errors in OpenSSL's terms.

use rustls::pki_types::{CertificateDer, UnixTime};

use super::certificate::Certificate;
use super::reason::Reason;
use super::trust::{TrustedCas, choose};

/// A chain, the peer's certificate first.
#[derive(Debug)]
pub(super) struct Chain<'c> {
    /// Never empty.
    pub certificates: Vec<Certificate<'c>>,
    /// Whether the chain is longer than its limit.
    pub is_too_long: bool,
    /// Why the chain does not end in a trusted root.
    pub error: Option<Reason>,
}

/// The longest chain, whatever the value of `ssl_verify_depth`: CAs may have signed each other.
const LONGEST: usize = 100;

impl<'c> Chain<'c> {
    /// Builds the chain of `own` from trusted issuers and those that the peer `sent`. `depth` is the number of CAs allowed between
    /// `own` and a trusted one.
    pub fn build(
        own: Certificate<'c>,
        mut sent: Vec<Certificate<'c>>,
        trusted: &'c TrustedCas,
        depth: usize,
        now: i64,
    ) -> Self {
        let most = depth.min(LONGEST) + 1;
        let mut certificates = vec![own];
        // How many of them the peer sent.
        let mut from_peer = 1;
        loop {
            let top = &certificates[certificates.len() - 1];
            let is_root = top.is_self_signed();
            let has_room = certificates.len() <= most;
            let issuer = trusted.issuer_of(top, now).filter(|_| has_room);
            match issuer {
                Some(issuer) if !is_root => {
                    let is_root = issuer.is_self_signed();
                    certificates.push(issuer);
                    if is_root {
                        return Self::trusted(certificates);
                    }
                    // Above a trusted certificate only trusted ones count.
                    sent.clear();
                    continue;
                }
                // Another certificate of the same name is not trusted.
                Some(issuer) if issuer.der == top.der => return Self::trusted(certificates),
                _ => {}
            }
            let is_candidate = |(_, issuer): &(usize, &Certificate<'c>)| {
                let is_new = || certificates.iter().all(|one| one.der != issuer.der);
                top.may_be_issued_by(issuer) && is_new()
            };
            let candidates = sent.iter().enumerate().filter(is_candidate);
            match choose(candidates, now) {
                Some(chosen) if has_room && !is_root => {
                    certificates.push(sent.remove(chosen));
                    from_peer = certificates.len();
                }
                _ => break,
            }
        }
        let top = &certificates[certificates.len() - 1];
        let error = match (top.is_self_signed(), certificates.len()) {
            (true, 1) => Reason::SelfSigned,
            (true, _) => Reason::SelfSignedInChain,
            (false, length) if from_peer < length => Reason::NoIssuer,
            (false, _) => Reason::NoLocalIssuer,
        };
        Self {
            is_too_long: certificates.len() > most,
            certificates,
            error: Some(error),
        }
    }

    fn trusted(certificates: Vec<Certificate<'c>>) -> Self {
        Self {
            certificates,
            is_too_long: false,
            error: None,
        }
    }
}

/// A certificate with the issuers that `cas` has, up to a root, as OpenSSL completes the chain that it presents.
pub(in crate::tls) fn complete_chain(
    own: &CertificateDer<'static>,
    cas: &[CertificateDer<'static>],
) -> Vec<CertificateDer<'static>> {
    let Some(parsed) = Certificate::read(own) else {
        return vec![own.clone()];
    };
    let cas = TrustedCas::new(cas.iter().cloned());
    let now = i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX);
    let chain = Chain::build(parsed, Vec::new(), &cas, LONGEST, now);
    let all = chain.certificates.iter();
    all.map(|one| CertificateDer::from(one.der.to_vec()))
        .collect()
}
