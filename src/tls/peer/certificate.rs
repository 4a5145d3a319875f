//! One certificate, parsed once: the parts that verification looks at, and its signature.

use std::net::IpAddr;

use rustls::crypto::WebPkiSupportedAlgorithms;
use x509_parser::asn1_rs::{FromDer, Tag};
use x509_parser::certificate::{TbsCertificate, X509Certificate};
use x509_parser::extensions::{AuthorityKeyIdentifier, GeneralName};
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name, X509Version};

use super::constraints::Names;
use super::extensions::{CaEvidence, Extensions};
use super::key::{KeyKind, is_strong, is_strong_digest};
use super::names::CanonicalName;
use super::signature::Signed;

/// A certificate and its bytes.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// The whole certificate (DER).
    pub der: &'a [u8],
    parsed: X509Certificate<'a>,
    /// Its extensions.
    pub extensions: Extensions<'a>,
    /// The subject, to compare.
    pub subject_name: CanonicalName,
    /// The issuer, to compare.
    pub issuer_name: CanonicalName,
    /// The kind of its key; `None` for a key that OpenSSL cannot read.
    pub key_kind: Option<KeyKind>,
}

impl<'a> Certificate<'a> {
    /// Parses a certificate (DER). `None` for anything else, and for trailing bytes.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let (rest, parsed) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        Some(Self {
            der,
            extensions: Extensions::read(parsed.extensions()),
            subject_name: CanonicalName::of(&parsed.tbs_certificate.subject),
            issuer_name: CanonicalName::of(&parsed.tbs_certificate.issuer),
            key_kind: KeyKind::of_key(&parsed.tbs_certificate.subject_pki),
            parsed,
        })
    }

    /// The subject's name.
    pub fn subject(&self) -> &X509Name<'a> {
        &self.body().subject
    }

    /// The signed part.
    pub fn body(&self) -> &TbsCertificate<'a> {
        &self.parsed.tbs_certificate
    }

    /// The subject's public key.
    pub fn key(&self) -> &SubjectPublicKeyInfo<'a> {
        &self.body().subject_pki
    }

    /// All names of the subject.
    pub fn names(&self) -> Names<'_> {
        Names {
            subject: self.subject(),
            canonical: &self.subject_name,
            alternatives: self.alternative_names(),
        }
    }

    /// The subject's alternative names; none where the extension is missing or unreadable.
    pub fn alternative_names(&self) -> &[GeneralName<'a>] {
        match self.body().subject_alternative_name() {
            Ok(Some(names)) => &names.value.general_names,
            _ => &[],
        }
    }

    /// Whether `issuer` may have issued this certificate: by its name, by the authority key identifier, and by the kinds of its key
    /// and of the signature. The signature itself is checked when the chain is complete.
    pub fn may_be_issued_by(&self, issuer: &Certificate<'_>) -> bool {
        let is_usable = !self.extensions.is_invalid && !issuer.extensions.is_invalid;
        is_usable
            && self.issuer_name == issuer.subject_name
            && issuer.matches_authority(self.extensions.authority.as_ref())
            && KeyKind::signs(issuer.key_kind, &self.body().signature)
    }

    /// Whether an authority key identifier matches this certificate. A missing one matches every certificate.
    pub fn matches_authority(&self, authority: Option<&AuthorityKeyIdentifier<'_>>) -> bool {
        let Some(said) = authority else {
            return true;
        };
        let own_key = self.extensions.subject_key_identifier;
        let key = said.key_identifier.as_ref().zip(own_key);
        let serial = said.authority_cert_serial;
        // Of several names OpenSSL compares the first directory name alone.
        let name = said.authority_cert_issuer.iter().flatten();
        let name = name.clone().find_map(|name| match name {
            GeneralName::DirectoryName(name) => Some(CanonicalName::of(name)),
            _ => None,
        });
        key.is_none_or(|(said, own)| said.0 == own)
            && serial.is_none_or(|serial| serial == self.body().raw_serial())
            && name.is_none_or(|name| name == self.issuer_name)
    }

    /// Whether the certificate appears self-signed. The signature is not checked, because no trust depends on the result.
    pub fn is_self_signed(&self) -> bool {
        self.may_be_issued_by(self)
    }

    /// Whether subject and issuer have the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject_name == self.issuer_name
    }

    /// The evidence that it is the certificate of a CA, if there is any.
    pub fn ca(&self) -> Option<CaEvidence> {
        let is_v1 = self.body().version == X509Version::V1;
        self.extensions.ca(is_v1 && self.is_self_signed())
    }

    /// Whether the subject's common name is this host, in a certificate without DNS names (RFC 6125 section 6.4.4).
    pub fn is_named(&self, host: &str) -> bool {
        let is_host = |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(_));
        let is_readable = self.body().subject_alternative_name().is_ok();
        let is_named = |pattern: &str| {
            // The asterisk stands for one label, and for no address.
            let domain = pattern
                .strip_prefix("*.")
                .filter(|domain| domain.contains('.'));
            let parent = host
                .split_once('.')
                .filter(|_| host.parse::<IpAddr>().is_err());
            let matches = domain.zip(parent);
            pattern.eq_ignore_ascii_case(host)
                || matches.is_some_and(|(domain, (_, parent))| domain.eq_ignore_ascii_case(parent))
        };
        let mut common = self.subject().iter_common_name();
        is_readable
            && !self.alternative_names().iter().any(is_host)
            && common.any(|name| name.as_str().is_ok_and(is_named))
    }

    /// Whether it is signed by the key of `issuer`. `algorithms` is what the TLS provider can check.
    pub fn is_signed_by(
        &self,
        issuer: &Certificate<'_>,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> bool {
        self.body().signature == self.parsed.signature_algorithm
            && Signed::read(self.der).is_some_and(|signed| signed.is_by(issuer.key(), algorithms))
    }

    /// Whether its key has the 112 bits of security that OpenSSL's level 2 asks for.
    pub fn has_strong_key(&self) -> bool {
        self.key_kind
            .is_some_and(|kind| is_strong(kind, self.key()))
    }

    /// Whether it is signed with a digest of 112 bits of security.
    pub fn has_strong_digest(&self) -> bool {
        is_strong_digest(&self.parsed.signature_algorithm)
    }

    /// Whether its key is on a curve that is written out instead of named.
    pub fn has_explicit_curve(&self) -> bool {
        let parameters = self.key().algorithm.parameters.as_ref();
        self.key_kind == Some(KeyKind::Ec) && parameters.is_none_or(|one| one.tag() != Tag::Oid)
    }
}

/// Whether a certificate's key is smaller than OpenSSL's security level 2 allows.
pub(in crate::tls) fn has_small_key(der: &[u8]) -> bool {
    let is_small = |one: Certificate<'_>| one.key_kind.is_some() && !one.has_strong_key();
    Certificate::read(der).is_some_and(is_small)
}
