//! Cipher suites in rustls's terms, and the names of what a connection negotiated.
//!
//! `ssl_ciphers` is OpenSSL's cipher string for TLS 1.2; the suites of TLS 1.3 have a list of their own. Suites that rustls does not
//! have (static RSA, CBC, DHE) are never negotiated.

use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;
use rustls::{
    NamedGroup, ProtocolVersion, ServerConnection, SupportedCipherSuite, SupportedProtocolVersion,
};

use super::settings::Settings;
use crate::base::TlsSuite;
use crate::config::{TlsFault, ciphers};

/// Leaves the suites that may be negotiated, in order of preference. `suites` are those of the provider.
///
/// Suites of versions that are off are removed too: rustls also derives from the suites which types of keys a client can use.
///
/// # Errors
/// `Ciphers` when no suite is left.
pub(super) fn limit(
    suites: &mut Vec<SupportedCipherSuite>,
    settings: &Settings<'_>,
    versions: &[&SupportedProtocolVersion],
) -> Result<(), TlsFault> {
    match settings.suites {
        Some(list) => *suites = select_tls13(list),
        None => suites.retain(|suite| suite.version().version == ProtocolVersion::TLSv1_3),
    }
    suites.extend(select_tls12(settings.ciphers));
    suites.retain(|suite| versions.contains(&suite.version()));
    if suites.is_empty() {
        return Err(TlsFault::Ciphers);
    }
    Ok(())
}

/// The suites of TLS 1.3 in a list separated by colons. Unknown names are skipped, as OpenSSL does.
fn select_tls13(list: &[u8]) -> Vec<SupportedCipherSuite> {
    let named = |name| suite(std::str::from_utf8(name).ok()?, true);
    list.split(|byte| *byte == b':').filter_map(named).collect()
}

/// The suites of TLS 1.2 that a cipher string selects.
fn select_tls12(string: &[u8]) -> Vec<SupportedCipherSuite> {
    let names = ciphers::select(string).unwrap_or_default();
    names
        .into_iter()
        .filter_map(|name| suite(name, false))
        .collect()
}

/// rustls's suite for a name of OpenSSL.
fn suite(name: &str, is_tls13: bool) -> Option<SupportedCipherSuite> {
    let known = TlsSuite::by_name(name).filter(|suite| suite.is_tls13 == is_tls13)?;
    let mut all = ALL_CIPHER_SUITES.iter().copied();
    all.find(|suite| u16::from(suite.suite()) == known.number)
}

/// Version and suite of a finished handshake by OpenSSL's names, which nginx also sends to auth servers.
#[must_use]
pub fn negotiated(connection: &ServerConnection) -> Option<(&'static str, &'static str)> {
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => return None,
    };
    let number = u16::from(connection.negotiated_cipher_suite()?.suite());
    Some((version, TlsSuite::by_number(number)?.name))
}

/// The group of the key exchange by OpenSSL's name.
#[must_use]
pub fn curve(connection: &ServerConnection) -> Option<&'static str> {
    Some(match connection.negotiated_key_exchange_group()?.name() {
        NamedGroup::secp256r1 => "prime256v1",
        NamedGroup::secp384r1 => "secp384r1",
        NamedGroup::secp521r1 => "secp521r1",
        NamedGroup::X25519 => "X25519",
        NamedGroup::X25519MLKEM768 => "X25519MLKEM768",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tls_suite::TLS_SUITES;

    fn name(suite: &SupportedCipherSuite) -> &'static str {
        TlsSuite::by_number(suite.suite().into()).map_or("", |suite| suite.name)
    }

    #[test]
    fn the_table_is_what_rustls_has() {
        for known in TLS_SUITES {
            assert!(
                suite(known.name, known.is_tls13).is_some(),
                "{}",
                known.name
            );
        }
        for suite in ALL_CIPHER_SUITES {
            assert_ne!(name(suite), "", "{suite:?}");
        }
    }

    /// From `openssl ciphers STRING` of OpenSSL 3.0, without the suites that rustls does not have.
    #[test]
    fn selects_what_openssl_selects() {
        let (e, r) = ("ECDHE-ECDSA-", "ECDHE-RSA-");
        let (a2, c, a1) = (
            "AES256-GCM-SHA384",
            "CHACHA20-POLY1305",
            "AES128-GCM-SHA256",
        );
        let all = [(e, a2), (r, a2), (e, c), (r, c), (e, a1), (r, a1)];
        let rsa = [(r, a2), (r, c), (r, a1)];
        let rows: &[(&str, &[(&str, &str)])] = &[
            ("HIGH:!aNULL:!MD5", &all),
            ("DEFAULT", &all),
            ("ALL:@STRENGTH", &all),
            ("bogus:ECDHE", &all),
            ("HIGH:@SECLEVEL=3", &all),
            (
                "EECDH+AESGCM:EDH+AESGCM",
                &[(e, a2), (r, a2), (e, a1), (r, a1)],
            ),
            (
                "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
                &[(r, a1), (e, a2)],
            ),
            ("HIGH:-AES:AES128", &[(e, c), (r, c), (e, a1), (r, a1)]),
            (
                "HIGH:+AES256",
                &[(e, c), (r, c), (e, a1), (r, a1), (e, a2), (r, a2)],
            ),
            ("aRSA", &rsa),
            ("!ECDSA:HIGH", &rsa),
            ("HIGH:!ECDSA:ECDSA", &rsa),
            (
                "HIGH:-ECDSA:ECDSA",
                &[(r, a2), (r, c), (r, a1), (e, a2), (e, c), (e, a1)],
            ),
            (
                "ALL:+ECDSA",
                &[(r, a2), (r, c), (r, a1), (e, a2), (e, c), (e, a1)],
            ),
            ("AES128:AES256:!aECDSA", &[(r, a1), (r, a2)]),
            ("kEECDH+aRSA+AES", &[(r, a2), (r, a1)]),
            (
                "AESGCM CHACHA20",
                &[(e, a2), (r, a2), (e, a1), (r, a1), (e, c), (r, c)],
            ),
            ("HIGH,!AES256;!CHACHA20", &[(e, a1), (r, a1)]),
            ("TLSv1.2+AES256", &[(e, a2), (r, a2)]),
            ("CHACHA20+aECDSA", &[(e, c)]),
            ("RSA", &[]),
        ];
        for (string, expected) in rows {
            let names: Vec<_> = select_tls12(string.as_bytes()).iter().map(name).collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(key, rest)| format!("{key}{rest}"))
                .collect();
            assert_eq!(names, expected, "{string}");
        }
    }

    #[test]
    fn strings_without_known_suites_select_nothing() {
        for string in [
            "bogus",
            "+HIGH",
            "high",
            "ECDHE+",
            "",
            "AES256-SHA",
            "SHA256",
            "RSA+AES",
        ] {
            assert!(select_tls12(string.as_bytes()).is_empty(), "{string}");
        }
    }
}
