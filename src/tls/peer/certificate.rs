//! One certificate, read once: the parts that a chain is judged by, and signatures checked by rustls's own algorithms.

use std::net::IpAddr;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::SignatureVerificationAlgorithm;
use x509_parser::asn1_rs::{Any, FromDer};
use x509_parser::certificate::{TbsCertificate, X509Certificate};
use x509_parser::extensions::GeneralName;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

use super::extensions::Extensions;
use super::names::canonical;

/// A certificate and its bytes.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// The whole of it (DER).
    pub der: &'a [u8],
    parsed: X509Certificate<'a>,
    /// What its extensions say.
    pub extensions: Extensions<'a>,
    /// Its subject, and its issuer's: to compare.
    pub subject_key: Vec<u8>,
    pub issuer_key: Vec<u8>,
}

/// A piece of DER with a signature: a certificate or a revocation list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    message: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

/// What a signature came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Good,
    Bad,
}

impl<'a> Certificate<'a> {
    /// `None` for bytes that are no certificate, or not only one.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let (rest, parsed) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let subject_key = canonical(&parsed.tbs_certificate.subject);
        let issuer_key = canonical(&parsed.tbs_certificate.issuer);
        let extensions = Extensions::of(parsed.extensions());
        Some(Self {
            der,
            parsed,
            extensions,
            subject_key,
            issuer_key,
        })
    }

    /// Whose it is.
    pub fn subject(&self) -> &X509Name<'a> {
        &self.body().subject
    }

    /// The part that is signed.
    pub fn body(&self) -> &TbsCertificate<'a> {
        &self.parsed.tbs_certificate
    }

    /// Whether `issuer` looks like the one that issued it: by name, and by what it says of its issuer's key.
    pub fn may_be_issued_by(&self, issuer: &Certificate<'_>) -> bool {
        if self.issuer_key != issuer.subject_key {
            return false;
        }
        let Some(said) = &self.extensions.authority else {
            return true;
        };
        let key = match (
            &said.key_identifier,
            issuer.extensions.subject_key_identifier,
        ) {
            (Some(said), Some(own)) => said.0 == own,
            _ => true,
        };
        let serial = said
            .authority_cert_serial
            .is_none_or(|said| said == issuer.body().raw_serial());
        key && serial
    }

    /// Whether it names itself as its issuer. Its signature is not looked at: trust never comes from it.
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.may_be_issued_by(self)
    }

    /// Whether its issuer has the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject_key == self.issuer_key
    }

    /// Whether its subject is called `name`, where it has no other names for hosts.
    pub fn is_by_subject(&self, name: &str) -> bool {
        let is_host = |one: &GeneralName<'_>| matches!(one, GeneralName::DNSName(_));
        let has_hosts = match self.body().subject_alternative_name() {
            Ok(names) => names.is_some_and(|names| names.value.general_names.iter().any(is_host)),
            Err(_) => true,
        };
        let is_called = |pattern: &str| {
            let rest = pattern.strip_prefix("*.");
            // The star is for one label, and for no address.
            let one_label = name.split_once('.').map(|(_, domain)| domain);
            let starred = rest.filter(|rest| rest.contains('.') && name.parse::<IpAddr>().is_err());
            pattern.eq_ignore_ascii_case(name)
                || starred
                    .zip(one_label)
                    .is_some_and(|(rest, domain)| rest.eq_ignore_ascii_case(domain))
        };
        let mut called = self.subject().iter_common_name();
        !has_hosts && called.any(|name| name.as_str().is_ok_and(is_called))
    }

    /// Checks the signature on it.
    pub fn check(&self, issuer: &Certificate<'_>, by: &WebPkiSupportedAlgorithms) -> Checked {
        match Signed::read(self.der) {
            Some(signed) => signed.check(issuer, by),
            None => Checked::Bad,
        }
    }

    /// The key's algorithm (the content of its AlgorithmIdentifier) and its bits.
    fn key(&self) -> Option<(&'a [u8], &[u8])> {
        let key = &self.body().subject_pki;
        let (_, outer) = Any::from_der(key.raw).ok()?;
        let (_, algorithm) = Any::from_der(outer.data).ok()?;
        Some((algorithm.data, &key.subject_public_key.data))
    }

    /// Whether the key is as strong as OpenSSL's security level 2 wants it: 112 bits.
    pub fn has_strong_key(&self) -> bool {
        match self.body().subject_pki.parsed() {
            Ok(PublicKey::RSA(key)) => key.key_size() >= 2048,
            Ok(PublicKey::EC(point)) => point.key_size() >= 224,
            Ok(PublicKey::DSA(_)) => false,
            _ => true,
        }
    }

    /// Whether it is signed with a digest of 112 bits or more: SHA-1 and MD5 have less.
    pub fn has_strong_digest(&self) -> bool {
        const WEAK: [&str; 7] = [
            "1.2.840.113549.1.1.2",
            "1.2.840.113549.1.1.3",
            "1.2.840.113549.1.1.4",
            "1.2.840.113549.1.1.5",
            "1.2.840.10040.4.3",
            "1.2.840.10045.4.1",
            "1.3.14.3.2.29",
        ];
        let algorithm = self.parsed.signature_algorithm.algorithm.to_id_string();
        !WEAK.contains(&algorithm.as_str())
    }

    /// Checks a signature that was made with its key by one of `algorithms`.
    pub fn verify(
        &self,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
        message: &[u8],
        signature: &[u8],
    ) -> Checked {
        let Some((algorithm, bits)) = self.key() else {
            return Checked::Bad;
        };
        let good = algorithms
            .iter()
            .filter(|known| known.public_key_alg_id().as_ref() == algorithm)
            .any(|known| known.verify_signature(bits, message, signature).is_ok());
        if good { Checked::Good } else { Checked::Bad }
    }
}

impl<'a> Signed<'a> {
    /// A certificate or a revocation list (RFC 5280, 4.1 and 5.1): what is signed, how, and the signature.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let (_, outer) = Any::from_der(der).ok()?;
        let (rest, _) = Any::from_der(outer.data).ok()?;
        let message = &outer.data[..outer.data.len() - rest.len()];
        let (rest, algorithm) = Any::from_der(rest).ok()?;
        let (_, signature) = Any::from_der(rest).ok()?;
        Some(Self {
            message,
            algorithm: algorithm.data,
            // The first byte of a BIT STRING tells how many bits at its end are unused.
            signature: signature.data.strip_prefix(&[0])?,
        })
    }

    /// Checks it with the key of `issuer`.
    pub fn check(&self, issuer: &Certificate<'_>, by: &WebPkiSupportedAlgorithms) -> Checked {
        let own = |known: &&&dyn SignatureVerificationAlgorithm| {
            known.signature_alg_id().as_ref() == self.algorithm
        };
        let algorithms: Vec<_> = by.all.iter().filter(own).copied().collect();
        issuer.verify(&algorithms, self.message, self.signature)
    }
}
