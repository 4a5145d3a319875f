//! `ssl_crl`: with it, every certificate of a chain needs a revocation list of its issuer (RFC 5280, 5), as OpenSSL's
//! X509_V_FLAG_CRL_CHECK_ALL has it.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::asn1_rs::FromDer;
use x509_parser::extensions::ParsedExtension;
use x509_parser::revocation_list::{CertificateRevocationList, RevokedCertificate};
use x509_parser::x509::ReasonCode;

use super::certificate::{Certificate, Checked, Signed};
use super::chain::Found;
use super::names::canonical;
use super::reason::Reason;
use crate::config::{TlsFault, TlsFile};

/// Revocation lists, by their issuers.
#[derive(Debug)]
pub(super) struct Revoked(Vec<(Vec<u8>, CertificateRevocationListDer<'static>)>);

impl Revoked {
    /// Reads a file.
    ///
    /// # Errors
    /// There is none in it, or one that cannot be read.
    pub fn read(file: &TlsFile) -> Result<Self, TlsFault> {
        let read = |der: CertificateRevocationListDer<'static>| {
            let (_, list) = CertificateRevocationList::from_der(&der).ok()?;
            Some((canonical(&list.tbs_cert_list.issuer), der.clone()))
        };
        let lists: Option<Vec<_>> = CertificateRevocationListDer::pem_slice_iter(&file.bytes)
            .map(|der| read(der.ok()?))
            .collect();
        match lists {
            Some(lists) if !lists.is_empty() => Ok(Self(lists)),
            _ => {
                let path = file.path.display();
                let reason = "PEM_read_bio_X509_CRL() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: X509 CRL)";
                Err(TlsFault::Other(format!(
                    "cannot load CRL \"{path}\": {reason}"
                )))
            }
        }
    }

    /// Looks up every certificate of a chain.
    pub fn check(
        &self,
        chain: &[Certificate<'_>],
        algorithms: &WebPkiSupportedAlgorithms,
        now: i64,
        last: &mut Found,
    ) {
        for (at, one) in chain.iter().enumerate() {
            // The top is its own issuer: a root. Another one's list fails by its signature.
            let issuer = chain.get(at + 1).unwrap_or(one);
            if let Some(fault) = self.fault(one, issuer, algorithms, now) {
                *last = Some(fault);
            }
        }
    }

    /// The last fault about one certificate, in OpenSSL's order.
    fn fault(
        &self,
        one: &Certificate<'_>,
        issuer: &Certificate<'_>,
        algorithms: &WebPkiSupportedAlgorithms,
        now: i64,
    ) -> Found {
        let mut fault = None;
        let lists = self.0.iter().filter(|(key, _)| *key == one.issuer_key);
        let parsed = lists.filter_map(|(_, der)| {
            let (_, list) = CertificateRevocationList::from_der(der).ok()?;
            Some((der, list))
        });
        // The one whose time it is, else any.
        let best = parsed.min_by_key(|(_, list)| time_fault(list, now).is_some());
        let Some((der, list)) = best else {
            return Some(Reason::NoCrl);
        };
        let mut found = |reason| fault = Some(reason);
        if !issuer.extensions.may_sign_crls() {
            found(Reason::NoCrlSign);
        }
        if let Some(reason) = time_fault(&list, now) {
            found(reason);
        }
        let checked = Signed::read(der).map(|signed| signed.check(issuer, algorithms));
        if checked != Some(Checked::Good) {
            found(Reason::BadCrlSignature);
        }
        if list.extensions().iter().any(|extension| extension.critical) {
            found(Reason::CriticalCrlExtension);
        }
        let serial = one.body().raw_serial();
        let mut entries = list.iter_revoked_certificates();
        if entries.any(|entry| entry.raw_serial() == serial && !is_lifted(entry)) {
            found(Reason::Revoked);
        }
        fault
    }
}

/// An entry that takes an earlier one back.
fn is_lifted(entry: &RevokedCertificate<'_>) -> bool {
    entry.extensions().iter().any(|extension| {
        matches!(extension.parsed_extension(), ParsedExtension::ReasonCode(code) if *code == ReasonCode::RemoveFromCRL)
    })
}

fn time_fault(list: &CertificateRevocationList<'_>, now: i64) -> Found {
    let ends = list.next_update().map(|time| time.timestamp());
    if list.last_update().timestamp() > now {
        Some(Reason::CrlNotYetValid)
    } else if ends.is_some_and(|ends| ends < now) {
        Some(Reason::CrlExpired)
    } else {
        None
    }
}
