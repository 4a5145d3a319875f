//! The extensions that limit the use of a certificate (RFC 5280 section 4.2), as OpenSSL reads them.

use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::extensions::{
    AuthorityKeyIdentifier, BasicConstraints, KeyUsage, NSCertType, ParsedExtension, X509Extension,
};

use super::constraints::NameConstraints;

/// The purpose of a peer's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A client of TLS.
    Client,
    /// A server of TLS.
    Server,
}

/// The extensions of one certificate.
#[derive(Debug, Default)]
pub(super) struct Extensions<'a> {
    basic: Option<BasicConstraints>,
    usage: Option<KeyUsage>,
    extended: Option<ExtendedUsage>,
    netscape: Option<NSCertType>,
    /// Identifies the issuer's certificate.
    pub authority: Option<AuthorityKeyIdentifier<'a>>,
    /// Identifies the certificate's own key.
    pub subject_key_identifier: Option<&'a [u8]>,
    /// Limits the names in certificates below this one.
    pub constraints: Option<NameConstraints<'a>>,
    /// Whether it is a proxy certificate (RFC 3820).
    pub is_proxy: bool,
    /// Whether a critical extension is not supported.
    pub has_unknown_critical: bool,
    /// Whether an extension that matters cannot be read, or occurs twice. OpenSSL uses such a certificate for nothing.
    pub is_invalid: bool,
}

/// Which sides of TLS an extended key usage lists.
#[derive(Clone, Copy, Debug)]
struct ExtendedUsage {
    client: bool,
    server: bool,
}

/// The evidence that a certificate belongs to a CA: `check_ca()` in OpenSSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaEvidence {
    /// Basic constraints: the only evidence that counts for an intermediate CA.
    BasicConstraints,
    /// A self-signed certificate of version 1, a key usage alone, or a Netscape type: tolerated in a trusted root.
    Legacy,
}

const BASIC_CONSTRAINTS: Oid<'_> = oid!(2.5.29.19);
const KEY_USAGE: Oid<'_> = oid!(2.5.29.15);
const EXTENDED_KEY_USAGE: Oid<'_> = oid!(2.5.29.37);
const ALTERNATIVE_NAMES: Oid<'_> = oid!(2.5.29.17);
const ISSUER_NAMES: Oid<'_> = oid!(2.5.29.18);
const NAME_CONSTRAINTS: Oid<'_> = oid!(2.5.29.30);
const CRL_DISTRIBUTION_POINTS: Oid<'_> = oid!(2.5.29.31);
const SUBJECT_KEY_IDENTIFIER: Oid<'_> = oid!(2.5.29.14);
const AUTHORITY_KEY_IDENTIFIER: Oid<'_> = oid!(2.5.29.35);
const NETSCAPE_TYPE: Oid<'_> = oid!(2.16.840.1.113730.1.1);
const PROXY: Oid<'_> = oid!(1.3.6.1.5.5.7.1.14);

/// Extensions that OpenSSL decodes for every certificate: one that is malformed or duplicated makes the certificate invalid.
const DECODED: [Oid<'_>; 10] = [
    BASIC_CONSTRAINTS,
    KEY_USAGE,
    EXTENDED_KEY_USAGE,
    ALTERNATIVE_NAMES,
    NAME_CONSTRAINTS,
    CRL_DISTRIBUTION_POINTS,
    SUBJECT_KEY_IDENTIFIER,
    AUTHORITY_KEY_IDENTIFIER,
    NETSCAPE_TYPE,
    PROXY,
];

/// Extensions that may be critical. Those that are not decoded concern policies, which are not required, and OCSP.
const SUPPORTED: [Oid<'_>; 13] = [
    BASIC_CONSTRAINTS,
    KEY_USAGE,
    EXTENDED_KEY_USAGE,
    ALTERNATIVE_NAMES,
    NAME_CONSTRAINTS,
    CRL_DISTRIBUTION_POINTS,
    NETSCAPE_TYPE,
    PROXY,
    oid!(2.5.29.32),            // certificatePolicies
    oid!(2.5.29.33),            // policyMappings
    oid!(2.5.29.36),            // policyConstraints
    oid!(2.5.29.54),            // inhibitAnyPolicy
    oid!(1.3.6.1.5.5.7.48.1.5), // id-pkix-ocsp-nocheck
];

/// Server-gated cryptography of Microsoft and Netscape: OpenSSL still takes it for a TLS server's usage.
const GATED: [Oid<'_>; 2] = [oid!(1.3.6.1.4.1.311.10.3.3), oid!(2.16.840.1.113730.4.1)];

impl<'a> Extensions<'a> {
    /// Reads the extensions of a certificate.
    pub fn read(list: &[X509Extension<'a>]) -> Self {
        let mut all = Self::default();
        for (at, one) in list.iter().enumerate() {
            let is_decoded = DECODED.contains(&one.oid);
            let is_duplicate = list[..at].iter().any(|other| other.oid == one.oid);
            all.is_invalid |= is_decoded && is_duplicate;
            all.has_unknown_critical |= one.critical && !SUPPORTED.contains(&one.oid);
            match one.parsed_extension() {
                ParsedExtension::BasicConstraints(basic) => all.basic = Some(basic.clone()),
                ParsedExtension::KeyUsage(usage) => {
                    all.is_invalid |= usage.flags == 0;
                    all.usage = Some(*usage);
                }
                ParsedExtension::ExtendedKeyUsage(usages) => {
                    let gated = usages.other.iter().any(|usage| GATED.contains(usage));
                    all.extended = Some(ExtendedUsage {
                        client: usages.client_auth,
                        server: usages.server_auth || gated,
                    });
                }
                ParsedExtension::NSCertType(kind) => all.netscape = Some(*kind),
                ParsedExtension::AuthorityKeyIdentifier(said) => all.authority = Some(said.clone()),
                ParsedExtension::SubjectKeyIdentifier(own) => {
                    all.subject_key_identifier = Some(own.0);
                }
                ParsedExtension::NameConstraints(_) => {
                    all.constraints = NameConstraints::read(one.value);
                    all.is_invalid |= all.constraints.is_none();
                }
                ParsedExtension::ParseError { .. } => all.is_invalid |= is_decoded,
                _ => all.is_proxy |= one.oid == PROXY,
            }
        }
        // RFC 3820 section 3.1 and following.
        let is_other = |oid| list.iter().any(|one| one.oid == oid);
        let is_ca = all.basic.as_ref().is_some_and(|basic| basic.ca);
        all.is_invalid |=
            all.is_proxy && (is_ca || is_other(ALTERNATIVE_NAMES) || is_other(ISSUER_NAMES));
        all
    }

    /// The evidence that the certificate belongs to a CA, if any. `is_v1_root`: it is self-signed and older than extensions.
    pub fn ca(&self, is_v1_root: bool) -> Option<CaEvidence> {
        match (&self.usage, &self.basic) {
            (Some(usage), _) if !usage.key_cert_sign() => None,
            (_, Some(basic)) => basic.ca.then_some(CaEvidence::BasicConstraints),
            (Some(_), None) => Some(CaEvidence::Legacy),
            (None, None) => {
                let by_type = self.netscape.is_some_and(|kind| kind.ssl_ca());
                (is_v1_root || by_type).then_some(CaEvidence::Legacy)
            }
        }
    }

    /// Whether the extensions allow this use of the peer's own certificate.
    pub fn allow(&self, purpose: Purpose) -> bool {
        let usage = self.usage.as_ref().is_none_or(|usage| {
            let by_key = purpose == Purpose::Server && usage.key_encipherment();
            usage.digital_signature() || usage.key_agreement() || by_key
        });
        let netscape = self.netscape.as_ref().is_none_or(|kind| match purpose {
            Purpose::Client => kind.ssl_client(),
            Purpose::Server => kind.ssl_server(),
        });
        self.allow_below(purpose) && usage && netscape
    }

    /// Whether the extended key usage allows certificates of this use below a CA.
    pub fn allow_below(&self, purpose: Purpose) -> bool {
        self.extended.is_none_or(|listed| match purpose {
            Purpose::Client => listed.client,
            Purpose::Server => listed.server,
        })
    }

    /// Whether the key may sign certificates.
    pub fn may_sign_certificates(&self) -> bool {
        self.usage.as_ref().is_none_or(KeyUsage::key_cert_sign)
    }

    /// Whether the key may sign revocation lists.
    pub fn may_sign_crls(&self) -> bool {
        self.usage.as_ref().is_none_or(KeyUsage::crl_sign)
    }

    /// How many CAs may stand between this certificate and the last one.
    pub fn path_length(&self) -> Option<u32> {
        self.basic.as_ref()?.path_len_constraint
    }
}
