//! What the extensions of a certificate say about its use (RFC 5280, 4.2), as far as OpenSSL looks at them.

use x509_parser::extensions::{
    AuthorityKeyIdentifier, BasicConstraints, KeyUsage, ParsedExtension, X509Extension,
};

/// What a certificate is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Client,
    Server,
}

/// The extensions of one certificate.
#[derive(Debug, Default)]
pub(super) struct Extensions<'a> {
    basic: Option<BasicConstraints>,
    usage: Option<KeyUsage>,
    /// Where extended key usages are listed, whether those for clients and for servers of TLS are among them.
    extended: Option<(bool, bool)>,
    netscape: Option<Netscape>,
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

/// Netscape's certificate type.
#[derive(Debug)]
struct Netscape {
    for_clients: bool,
    for_servers: bool,
    for_cas: bool,
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
                    all.extended = Some((usages.client_auth, usages.server_auth));
                }
                ParsedExtension::NSCertType(kind) => {
                    all.netscape = Some(Netscape {
                        for_clients: kind.ssl_client(),
                        for_servers: kind.ssl_server(),
                        for_cas: kind.ssl_ca(),
                    });
                }
                ParsedExtension::AuthorityKeyIdentifier(said) => all.authority = Some(said.clone()),
                ParsedExtension::SubjectKeyIdentifier(own) => {
                    all.subject_key_identifier = Some(own.0)
                }
                ParsedExtension::NameConstraints(_) => all.has_name_constraints = true,
                ParsedExtension::ParseError { .. } => all.is_invalid = true,
                // Known, and without a say in whether a peer is good: policies are not asked for.
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
                (version1 && self_signed) || self.netscape.as_ref().is_some_and(|kind| kind.for_cas)
            }
        }
    }

    /// Whether it may be used so, or by a CA of those who use theirs so.
    pub fn is_for(&self, purpose: Purpose, as_ca: bool) -> bool {
        let is_server = purpose == Purpose::Server;
        let listed = |&(client, server): &(bool, bool)| if is_server { server } else { client };
        if !self.extended.as_ref().is_none_or(listed) {
            return false;
        }
        if as_ca {
            return true;
        }
        let usage = self.usage.as_ref().is_none_or(|usage| {
            let by_key = is_server && usage.key_encipherment();
            usage.digital_signature() || usage.key_agreement() || by_key
        });
        let kind = self.netscape.as_ref();
        usage
            && kind.is_none_or(|kind| match purpose {
                Purpose::Client => kind.for_clients,
                Purpose::Server => kind.for_servers,
            })
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
