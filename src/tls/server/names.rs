//! The host names of a certificate (RFC 6125): the DNS names among its alternative names; its common name only where it has no
//! alternative names at all.

use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// Lower-case names, wildcards (`*.example.org`) included. Empty for a malformed certificate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names(Vec<Box<str>>);

impl Names {
    /// Reads a certificate (DER).
    pub fn of(certificate: &[u8]) -> Self {
        let Ok((_, certificate)) = parse_x509_certificate(certificate) else {
            return Self::default();
        };
        let lower = |name: &str| name.to_ascii_lowercase().into_boxed_str();
        if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
            let names = alternatives.value.general_names.iter();
            let dns = names.filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(lower(name)),
                _ => None,
            });
            return Self(dns.collect());
        }
        let common = certificate.subject().iter_common_name();
        Self(
            common
                .filter_map(|name| name.as_str().ok())
                .map(lower)
                .collect(),
        )
    }

    /// Whether the certificate is for this host. A wildcard stands for the whole first label.
    pub fn include(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.0.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && rest.eq_ignore_ascii_case(parent)
            }),
            None => host.eq_ignore_ascii_case(name),
        })
    }

    /// Whether two certificates have a name in common, or both have none.
    pub fn overlap(&self, other: &Self) -> bool {
        (self.0.is_empty() && other.0.is_empty())
            || self.0.iter().any(|name| other.0.contains(name))
    }
}
