//! The cryptography of one configuration: rustls's provider with the versions, suites and groups that the settings allow.

use rustls::SupportedProtocolVersion;
use rustls::crypto::aws_lc_rs::{DEFAULT_KX_GROUPS, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::version::{TLS12, TLS13};

use super::settings::Settings;
use super::suites;
use crate::config::{TlsFault, TlsVersions};

/// The versions that are switched on, the newest first: `ssl_protocols`.
pub(super) fn versions(on: TlsVersions) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(on.tls13, &TLS13), (on.tls12, &TLS12)];
    all.into_iter()
        .filter_map(|(on, version)| on.then_some(version))
        .collect()
}

/// The provider with suites and groups in the order of the settings.
///
/// # Errors
/// No version, suite or group is left. A start and a test of the configuration report this error.
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
    suites::limit(&mut provider.cipher_suites, settings, versions)?;
    provider.kx_groups = groups(settings.groups).ok_or_else(|| {
        let (family, directive) = (settings.family, settings.groups_in);
        let list = String::from_utf8_lossy(settings.groups);
        TlsFault::Other(format!(
            "no group in \"{list}\" of \"{family}{directive}\" is supported"
        ))
    })?;
    Ok(provider)
}

/// rustls's groups by OpenSSL's names.
static GROUPS: [(&str, &dyn SupportedKxGroup); 9] = [
    ("X25519MLKEM768", kx_group::X25519MLKEM768),
    ("SecP256r1MLKEM768", kx_group::SECP256R1MLKEM768),
    ("X25519", kx_group::X25519),
    ("P-256", kx_group::SECP256R1),
    ("prime256v1", kx_group::SECP256R1),
    ("secp256r1", kx_group::SECP256R1),
    ("P-384", kx_group::SECP384R1),
    ("secp384r1", kx_group::SECP384R1),
    ("MLKEM768", kx_group::MLKEM768),
];

/// The groups in a list separated by colons: `ssl_ecdh_curve`. `auto` is rustls's own choice, X25519MLKEM768 included. `None` when
/// rustls has none of them.
fn groups(list: &[u8]) -> Option<Vec<&'static dyn SupportedKxGroup>> {
    if list == b"auto" {
        return Some(DEFAULT_KX_GROUPS.to_vec());
    }
    let known = |word: &[u8]| {
        let is_it = |entry: &&(&str, _)| entry.0.as_bytes().eq_ignore_ascii_case(word);
        GROUPS.iter().find(is_it).map(|entry| entry.1)
    };
    let groups: Vec<_> = list.split(|byte| *byte == b':').filter_map(known).collect();
    (!groups.is_empty()).then_some(groups)
}
