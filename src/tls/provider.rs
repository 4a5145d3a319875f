//! The cryptography of one configuration: rustls's provider, less what the settings do not let in.

use rustls::SupportedProtocolVersion;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use super::settings::Settings;
use super::{ciphers, groups};
use crate::config::TlsFault;

/// Suites and groups in the order of the settings.
///
/// # Errors
/// No version is left, no suite, or no group. What is said of the configuration, and when it is tested, comes from here.
pub(super) fn limited(
    settings: &Settings<'_>,
    versions: &[&SupportedProtocolVersion],
) -> Result<CryptoProvider, TlsFault> {
    if versions.is_empty() {
        let family = settings.family;
        return Err(TlsFault::Other(format!(
            "no version of TLS is left by \"{family}ssl_protocols\" and \"{family}ssl_conf_command\""
        )));
    }
    let mut provider = aws_lc_rs::default_provider();
    let suites = &mut provider.cipher_suites;
    if let Some(list) = settings.suites {
        *suites = ciphers::select_tls13(list);
    }
    ciphers::apply(suites, settings.ciphers, versions)?;
    provider.kx_groups = groups::select(settings.groups).ok_or_else(|| {
        let (family, directive) = (settings.family, settings.groups_in);
        let list = String::from_utf8_lossy(settings.groups);
        TlsFault::Other(format!(
            "no group in \"{list}\" of \"{family}{directive}\" is supported"
        ))
    })?;
    Ok(provider)
}
