//! `ssl_protocols` in rustls's terms.

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::config::TlsVersions;

/// The versions that are switched on, the newest first.
pub(super) fn enabled(versions: TlsVersions) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(versions.tls13, &TLS13), (versions.tls12, &TLS12)];
    all.into_iter()
        .filter_map(|(on, version)| on.then_some(version))
        .collect()
}
