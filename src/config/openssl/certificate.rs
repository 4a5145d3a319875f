//! What administrators want to know about a certificate: its host names (RFC 6125) and its validity. Host names are the DNS names among its
//! alternative names, and its common name only where it has no alternative names at all.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// Lower-case names, wildcards (`*.example.org`) included. Empty for a malformed certificate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<Box<str>>);

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

/// The names, separated by commas.
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("no host name"),
            false => f.write_str(&self.0.join(", ")),
        }
    }
}

/// A fault of a certificate's validity, with the day (UTC) that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It has ended.
    Expired(String),
    /// It ends within [`SOON`].
    Expiring(String),
    /// It has not begun.
    NotYetValid(String),
}

/// How long before its end a certificate is named.
pub const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

impl Validity {
    /// The fault of a certificate (DER) at a time; `None` for one that is valid, or cannot be parsed.
    pub fn of(certificate: &[u8], now: SystemTime) -> Option<Self> {
        let (_, certificate) = parse_x509_certificate(certificate).ok()?;
        let validity = certificate.validity();
        let day = |time: &x509_parser::time::ASN1Time| time.to_datetime().date().to_string();
        let now = now.duration_since(UNIX_EPOCH).ok()?;
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let (begin, end) = (&validity.not_before, &validity.not_after);
        if end.timestamp() < seconds(now) {
            return Some(Self::Expired(day(end)));
        }
        if begin.timestamp() > seconds(now) {
            return Some(Self::NotYetValid(day(begin)));
        }
        let is_soon = end.timestamp() < seconds(now + SOON);
        is_soon.then(|| Self::Expiring(day(end)))
    }
}
