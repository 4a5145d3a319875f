//! What the extensions of a certificate say about its use (RFC 5280, 4.2), as far as OpenSSL looks at them.

use x509_parser::extensions::{
    AuthorityKeyIdentifier, BasicConstraints, KeyUsage, ParsedExtension, X509Extension,
};

/// The extensions of one certificate.
#[derive(Debug, Default)]
pub(super) struct Extensions<'a> {
    basic: Option<BasicConstraints>,
    usage: Option<KeyUsage>,
    /// Whether extended key usages are listed, and the one for clients of TLS is among them.
    client_usage: Option<bool>,
    /// Netscape's certificate type: whether for clients, whether for CAs.
    netscape: Option<(bool, bool)>,
    /// What it says of its issuer.
    pub authority: Option<AuthorityKeyIdentifier<'a>>,
    /// The name of its key.
    pub subject_key_identifier: Option<&'a [u8]>,
    /// Whether it limits the names below it.
    pub has_name_constraints: bool,
    /// Whether one that counts is not known here.
    pub has_unknown_critical: bool,
    /// Whether one cannot be read, or comes twice.
    pub is_invalid: bool,
}

impl<'a> Extensions<'a> {
    /// Reads them.
    pub fn of(list: &[X509Extension<'a>]) -> Self {
        let mut all = Self::default();
        for (at, one) in list.iter().enumerate() {
            all.is_invalid |= list[..at].iter().any(|other| other.oid == one.oid);
            match one.parsed_extension() {
                ParsedExtension::BasicConstraints(basic) => {
                    all.is_invalid |= !basic.ca && basic.path_len_constraint.is_some();
                    all.basic = Some(basic.clone());
                }
                ParsedExtension::KeyUsage(usage) => all.usage = Some(*usage),
                ParsedExtension::ExtendedKeyUsage(usages) => {
                    all.client_usage = Some(usages.client_auth)
                }
                ParsedExtension::NSCertType(kind) => {
                    all.netscape = Some((kind.ssl_client(), kind.ssl_ca()))
                }
                ParsedExtension::AuthorityKeyIdentifier(said) => all.authority = Some(said.clone()),
                ParsedExtension::SubjectKeyIdentifier(own) => {
                    all.subject_key_identifier = Some(own.0)
                }
                ParsedExtension::NameConstraints(_) => all.has_name_constraints = true,
                ParsedExtension::ParseError { .. } => all.is_invalid = true,
                // Known, and without a say in whether a client is good: policies are not asked for.
                ParsedExtension::SubjectAlternativeName(_)
                | ParsedExtension::CertificatePolicies(_)
                | ParsedExtension::PolicyMappings(_)
                | ParsedExtension::PolicyConstraints(_)
                | ParsedExtension::InhibitAnyPolicy(_)
                | ParsedExtension::CRLDistributionPoints(_) => {}
                _ => all.has_unknown_critical |= one.critical,
            }
        }
        all
    }

    /// Whether it is the certificate of a CA: `check_ca()` of OpenSSL. `self_signed` counts for those older than extensions.
    pub fn is_ca(&self, self_signed: bool, version1: bool) -> bool {
        match (&self.usage, &self.basic) {
            (Some(usage), _) if !usage.key_cert_sign() => false,
            (_, Some(basic)) => basic.ca,
            (Some(_), None) => true,
            (None, None) => {
                (version1 && self_signed) || self.netscape.is_some_and(|(_, for_cas)| for_cas)
            }
        }
    }

    /// Whether it may be used by a client of TLS, or by a CA of such clients.
    pub fn is_for_clients(&self, as_ca: bool) -> bool {
        if self.client_usage == Some(false) {
            return false;
        }
        if as_ca {
            return true;
        }
        let usage = self
            .usage
            .as_ref()
            .is_none_or(|usage| usage.digital_signature() || usage.key_agreement());
        usage && self.netscape.is_none_or(|(for_clients, _)| for_clients)
    }

    /// Whether its key may sign certificates.
    pub fn may_sign_certificates(&self) -> bool {
        self.usage.as_ref().is_none_or(KeyUsage::key_cert_sign)
    }

    /// Whether its key may sign revocation lists.
    pub fn may_sign_crls(&self) -> bool {
        self.usage.as_ref().is_none_or(KeyUsage::crl_sign)
    }

    /// How many CAs may stand between it and the last certificate.
    pub fn path_length(&self) -> Option<u32> {
        self.basic.as_ref()?.path_len_constraint
    }
}
