//! The cryptography of one configuration: rustls's provider, less what the settings do not let in.

use rustls::SupportedProtocolVersion;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use super::settings::Settings;
use super::{ciphers, groups};
use crate::config::TlsFault;

/// Suites and groups in the order of the settings.
///
/// # Errors
/// No suite is left, or no group.
pub(super) fn limited(
    settings: &Settings<'_>,
    versions: &[&SupportedProtocolVersion],
) -> Result<CryptoProvider, TlsFault> {
    let mut provider = aws_lc_rs::default_provider();
    let suites = &mut provider.cipher_suites;
    if let Some(list) = settings.suites {
        *suites = ciphers::select_tls13(list);
    }
    ciphers::apply(suites, settings.ciphers, versions)?;
    provider.kx_groups = groups::select(settings.groups)?;
    Ok(provider)
}
