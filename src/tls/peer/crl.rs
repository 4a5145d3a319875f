//! `ssl_crl`: with it, every certificate of a chain needs a revocation list of its issuer (RFC 5280 section 5), as with OpenSSL's
//! X509_V_FLAG_CRL_CHECK_ALL.
//!
//! Lists that cover a part of an issuer's certificates (issuing distribution points, deltas, indirect lists) are refused.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::CertificateRevocationListDer;
use x509_parser::asn1_rs::{FromDer, Oid, oid};
use x509_parser::extensions::{AuthorityKeyIdentifier, ParsedExtension, X509Extension};
use x509_parser::revocation_list::{CertificateRevocationList, RevokedCertificate};
use x509_parser::x509::ReasonCode;

use super::certificate::Certificate;
use super::fault::Faults;
use super::names::CanonicalName;
use super::reason::Reason;
use super::signature::Signed;
use crate::config::{TlsFault, TlsFile, pem};

/// Revocation lists with the names of their issuers.
#[derive(Debug, Default)]
pub struct RevocationLists(Vec<(CanonicalName, CertificateRevocationListDer<'static>)>);

/// One list, parsed, and the certificate in the chain that signed it.
struct List<'c> {
    der: &'c [u8],
    parsed: CertificateRevocationList<'c>,
    issuer: &'c Certificate<'c>,
}

const DELTA_INDICATOR: Oid<'_> = oid!(2.5.29.27);
const ISSUING_DISTRIBUTION_POINT: Oid<'_> = oid!(2.5.29.28);
const AUTHORITY_KEY_IDENTIFIER: Oid<'_> = oid!(2.5.29.35);

impl RevocationLists {
    /// Reads a file (PEM).
    ///
    /// # Errors
    /// The file holds no list, or one that cannot be parsed.
    pub(super) fn read(file: &TlsFile) -> Result<Self, TlsFault> {
        let lists = pem::revocation_lists(&file.bytes).ok();
        lists
            .and_then(|lists| Self::new(lists.into_iter().map(Into::into)))
            .filter(|lists| !lists.0.is_empty())
            .ok_or_else(|| {
                let path = file.path.display();
                let reason = "PEM_read_bio_X509_CRL() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: X509 CRL)";
                TlsFault::Other(format!("cannot load CRL \"{path}\": {reason}"))
            })
    }

    /// Takes lists. `None` when one of them cannot be parsed.
    pub fn new(
        lists: impl IntoIterator<Item = CertificateRevocationListDer<'static>>,
    ) -> Option<Self> {
        let named = lists.into_iter().map(|der| {
            let (_, list) = CertificateRevocationList::from_der(&der).ok()?;
            Some((CanonicalName::of(&list.tbs_cert_list.issuer), der))
        });
        named.collect::<Option<_>>().map(Self)
    }

    /// Looks up every certificate of a chain. `now` is in seconds since 1970.
    pub(super) fn check(
        &self,
        chain: &[Certificate<'_>],
        algorithms: &WebPkiSupportedAlgorithms,
        now: i64,
        faults: &mut Faults,
    ) {
        for at in 0..chain.len() {
            match self.list_for(chain, at, now) {
                Some(list) => list.check(&chain[at], algorithms, now, &mut |reason| {
                    faults.add(at, reason);
                }),
                None => faults.add(at, Reason::NoCrl),
            }
        }
    }

    /// The list for one certificate: rather one without unknown extensions, then one that is in force, then one whose issuer is the
    /// certificate's own, then the newest.
    fn list_for<'c>(
        &'c self,
        chain: &'c [Certificate<'c>],
        at: usize,
        now: i64,
    ) -> Option<List<'c>> {
        // The root is its own issuer.
        let first = (at + 1).min(chain.len() - 1);
        let named = self
            .0
            .iter()
            .filter(|(name, _)| *name == chain[at].issuer_name);
        let lists = named.filter_map(|(name, der)| {
            let (_, parsed) = CertificateRevocationList::from_der(der).ok()?;
            let authority = authority(&parsed);
            let signs = |one: &Certificate<'_>| {
                one.subject_name == *name && one.matches_authority(authority.as_ref())
            };
            let issuer = (first..chain.len()).find(|issuer| signs(&chain[*issuer]))?;
            let newness = parsed.last_update().timestamp();
            let is_in_force = time_faults(&parsed, now).next().is_none();
            let rank = (
                !has_unknown_critical(&parsed),
                is_in_force,
                issuer == first,
                newness,
            );
            let issuer = &chain[issuer];
            Some((
                rank,
                List {
                    der,
                    parsed,
                    issuer,
                },
            ))
        });
        // The first of equal lists wins.
        let best = lists.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, list)| list)
    }
}

impl List<'_> {
    fn check(
        &self,
        one: &Certificate<'_>,
        algorithms: &WebPkiSupportedAlgorithms,
        now: i64,
        add: &mut impl FnMut(Reason),
    ) {
        if !self.issuer.extensions.may_sign_crls() {
            add(Reason::NoCrlSign);
        }
        time_faults(&self.parsed, now).for_each(&mut *add);
        if !Signed::read(self.der).is_some_and(|signed| signed.is_by(self.issuer.key(), algorithms))
        {
            add(Reason::BadCrlSignature);
        }
        if has_unknown_critical(&self.parsed) || is_partial(&self.parsed) {
            add(Reason::CriticalCrlExtension);
        }
        let serial = one.body().raw_serial();
        let mut entries = self.parsed.iter_revoked_certificates();
        if entries.any(|entry| entry.raw_serial() == serial && !is_lifted(entry)) {
            add(Reason::Revoked);
        }
    }
}

fn authority<'l>(list: &'l CertificateRevocationList<'l>) -> Option<AuthorityKeyIdentifier<'l>> {
    let mut parsed = list
        .extensions()
        .iter()
        .map(X509Extension::parsed_extension);
    parsed.find_map(|extension| match extension {
        ParsedExtension::AuthorityKeyIdentifier(authority) => Some(authority.clone()),
        _ => None,
    })
}

/// Whether a list, or one of its entries, has a critical extension of an unknown kind.
fn has_unknown_critical(list: &CertificateRevocationList<'_>) -> bool {
    let known = [
        AUTHORITY_KEY_IDENTIFIER,
        ISSUING_DISTRIBUTION_POINT,
        DELTA_INDICATOR,
    ];
    let unknown = |one: &X509Extension<'_>| one.critical && !known.contains(&one.oid);
    let mut entries = list.iter_revoked_certificates();
    list.extensions().iter().any(unknown)
        || entries.any(|entry| entry.extensions().iter().any(|one| one.critical))
}

/// Whether a list covers a part of its issuer's certificates.
fn is_partial(list: &CertificateRevocationList<'_>) -> bool {
    let kinds = [ISSUING_DISTRIBUTION_POINT, DELTA_INDICATOR];
    list.extensions().iter().any(|one| kinds.contains(&one.oid))
}

/// Whether an entry cancels an earlier one (removeFromCRL).
fn is_lifted(entry: &RevokedCertificate<'_>) -> bool {
    entry.extensions().iter().any(|extension| {
        matches!(extension.parsed_extension(), ParsedExtension::ReasonCode(code) if *code == ReasonCode::RemoveFromCRL)
    })
}

fn time_faults(list: &CertificateRevocationList<'_>, now: i64) -> impl Iterator<Item = Reason> {
    let is_early = list.last_update().timestamp() > now;
    let is_late = list.next_update().is_some_and(|end| end.timestamp() < now);
    let early = is_early.then_some(Reason::CrlNotYetValid);
    early
        .into_iter()
        .chain(is_late.then_some(Reason::CrlExpired))
}
