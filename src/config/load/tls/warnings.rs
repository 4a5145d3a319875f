//! Warnings about certificates and keys that are in order for TLS and yet a mistake: expired, for another host, readable by all users.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::files::TlsFiles;
use super::place::FileUse;
use crate::base::Level;
use crate::config::load::config::Config;
use crate::config::load::tls_files;
use crate::config::model::TlsFile;
use crate::config::openssl::certificate::{Names, Validity};
use crate::config::openssl::pem;
use crate::config::syntax::{Diagnostic, Lint, Span};

impl TlsFiles<'_> {
    /// The warnings about the validity of a chain.
    pub fn validity(&self, file: &TlsFile, usage: FileUse<'_>) -> Vec<Diagnostic> {
        let now = SystemTime::now();
        let faults = faults(file, now).into_iter();
        faults
            .map(|(lint, text)| self.warning(lint, text, file, usage))
            .collect()
    }

    /// The warning that no certificate of a server is for its `server_name`.
    pub fn name(
        &self,
        server_name: &[u8],
        certificates: &[&TlsFile],
        usage: FileUse<'_>,
    ) -> Option<Diagnostic> {
        let host = std::str::from_utf8(server_name).ok()?;
        let own = |file: &&TlsFile| pem::chain(&file.bytes).ok()?.into_iter().next();
        let names: Vec<Names> = certificates
            .iter()
            .filter_map(own)
            .map(|own| Names::of(&own))
            .collect();
        let first = names.first()?;
        if names.iter().any(|names| names.include(host)) {
            return None;
        }
        let file = certificates.first()?;
        let path = file.path.display();
        let text = format!("certificate \"{path}\" is for {first}, not for server_name \"{host}\"");
        Some(self.warning(Lint::CertificateName, text, file, usage))
    }

    /// The warning that all users can read a private key.
    pub fn readable(&self, key: &TlsFile, usage: FileUse<'_>) -> Option<Diagnostic> {
        if !self.world.is_readable_by_all(&key.path) {
            return None;
        }
        let path = key.path.display();
        let text = format!("private key \"{path}\" can be read by all users");
        Some(self.warning(Lint::ReadableKey, text, key, usage))
    }

    fn warning(&self, lint: Lint, text: String, file: &TlsFile, usage: FileUse<'_>) -> Diagnostic {
        let place = self.place(&file.path, usage);
        let place = place.unwrap_or_else(Span::nowhere);
        Diagnostic::new(Level::Warn, text, &place).named(lint)
    }
}

/// The faults of the validity of a chain at a time.
fn faults(file: &TlsFile, now: SystemTime) -> Vec<(Lint, String)> {
    let chain = pem::chain(&file.bytes).unwrap_or_default();
    let faults = chain.iter().filter_map(|one| Validity::of(one, now));
    let path = file.path.display();
    let warning = |fault| {
        let (lint, text) = match fault {
            Validity::Expired(day) => (Lint::Expired, format!("expired on {day}")),
            Validity::Expiring(day) => (Lint::Expiring, format!("expires on {day}")),
            Validity::NotYetValid(day) => (Lint::NotYetValid, format!("is not valid before {day}")),
        };
        (lint, format!("certificate \"{path}\" {text}"))
    };
    faults.map(warning).collect()
}

/// The warnings about the validity of all certificates that the gateway presents, each once, except for those that are allowed. They
/// have no position.
pub fn validity(config: &Config, allowed: &[Lint], now: SystemTime) -> Vec<Diagnostic> {
    let files: BTreeMap<_, _> = tls_files::pairs(config)
        .map(|(certificate, ..)| (&certificate.path, certificate))
        .collect();
    let faults = files.into_values().flat_map(|file| faults(file, now));
    let told = faults.filter(|(lint, _)| !allowed.contains(lint));
    told.map(|(lint, text)| Diagnostic::bare(Level::Warn, text).named(lint))
        .collect()
}
