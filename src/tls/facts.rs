//! What the status shows of a certificate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::peer::Details;
use crate::config::pem;

/// A certificate that the gateway shows to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject, in the form of RFC 2253.
    pub subject: String,
    /// The issuer, likewise.
    pub issuer: String,
    /// The serial number in hexadecimal.
    pub serial: String,
    /// The DNS names and addresses among the alternative names.
    pub names: Vec<String>,
    /// When its validity begins.
    pub not_before: SystemTime,
    /// When its validity ends.
    pub not_after: SystemTime,
}

impl CertificateFacts {
    /// The facts of the first certificate of a file. `None`: there is none, or it is malformed.
    #[must_use]
    pub fn of_chain(file: &[u8]) -> Option<Self> {
        let chain = pem::chain(file).ok()?;
        let own = chain.first()?;
        let (_, certificate) = parse_x509_certificate(own).ok()?;
        let details = Details::of(Ok(()), own);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let alternatives = alternatives.map(|names| &names.value.general_names);
        let names = alternatives.into_iter().flatten().filter_map(name);
        let validity = certificate.validity();
        Some(Self {
            subject: text(&details.subject),
            issuer: text(&details.issuer),
            serial: text(&details.serial),
            names: names.collect(),
            not_before: time(validity.not_before.timestamp()),
            not_after: time(validity.not_after.timestamp()),
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            let six = || <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from);
            four.or_else(|_| six()).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

/// The time of a number of seconds since 1970.
fn time(seconds: i64) -> SystemTime {
    match u64::try_from(seconds) {
        Ok(seconds) => UNIX_EPOCH + Duration::from_secs(seconds),
        Err(_) => UNIX_EPOCH,
    }
}
