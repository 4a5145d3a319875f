//! The certificates in the status.

use std::time::SystemTime;

use serde::Serialize;

use crate::admin::in_force::InForce;
use crate::admin::time::{iso, seconds};

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// A certificate that clients get.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Certificate {
    pub file: String,
    pub subject: String,
    pub issuer: String,
    pub serial: String,
    pub names: Vec<String>,
    pub not_before: String,
    pub expiry: String,
    /// Whole days to the expiry; negative afterwards.
    pub days_left: i64,
    /// The expiry in seconds since 1970.
    #[serde(skip)]
    pub expiry_seconds: f64,
}

/// The certificates in the order of their files in the configuration.
pub(super) fn all(in_force: Option<&InForce>, now: SystemTime) -> Vec<Certificate> {
    let certificates = in_force.iter().flat_map(|in_force| &in_force.certificates);
    let certificates = certificates.map(|certificate| {
        let facts = &certificate.facts;
        let expiry_seconds = seconds(facts.not_after);
        Certificate {
            file: certificate.file.display().to_string(),
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            serial: facts.serial.clone(),
            names: facts.names.clone(),
            not_before: iso(facts.not_before),
            expiry: iso(facts.not_after),
            days_left: ((expiry_seconds - seconds(now)) / DAY).floor() as i64,
            expiry_seconds,
        }
    });
    certificates.collect()
}
