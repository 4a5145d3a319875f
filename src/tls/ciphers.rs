//! `ssl_ciphers` in rustls's terms: the TLS 1.2 suites that rustls has, of those that OpenSSL's cipher string selects.
//!
//! The suites of TLS 1.3 have a list of their own, in OpenSSL as here. What is never negotiated (static RSA, CBC, DHE) drops out.

use rustls::crypto::aws_lc_rs::cipher_suite as suites;
use rustls::{ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion};

use crate::config::{TlsFault, ciphers};

/// Leaves the suites that may be negotiated, in order of preference.
///
/// Suites of versions that are off go too: they would count when rustls sorts out which key types a client can use.
///
/// # Errors
/// `Ciphers` when nothing is left.
pub(super) fn apply(
    suites: &mut Vec<SupportedCipherSuite>,
    string: &[u8],
    versions: &[&SupportedProtocolVersion],
) -> Result<(), TlsFault> {
    suites.retain(|suite| suite.version().version != ProtocolVersion::TLSv1_2);
    suites.extend(select(string));
    suites.retain(|suite| versions.contains(&suite.version()));
    if suites.is_empty() {
        return Err(TlsFault::Ciphers);
    }
    Ok(())
}

/// The suites of TLS 1.3 that a list joined by colons names. What is unknown is passed over, as OpenSSL does.
pub(super) fn select_tls13(list: &[u8]) -> Vec<SupportedCipherSuite> {
    let named = |word: &[u8]| match word {
        b"TLS_AES_256_GCM_SHA384" => Some(suites::TLS13_AES_256_GCM_SHA384),
        b"TLS_CHACHA20_POLY1305_SHA256" => Some(suites::TLS13_CHACHA20_POLY1305_SHA256),
        b"TLS_AES_128_GCM_SHA256" => Some(suites::TLS13_AES_128_GCM_SHA256),
        _ => None,
    };
    list.split(|byte| *byte == b':').filter_map(named).collect()
}

/// The suites of TLS 1.2 that both have, by OpenSSL's names.
static KNOWN: [(&str, SupportedCipherSuite); 6] = [
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        suites::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        suites::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        suites::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
];

/// Works a cipher string out.
fn select(string: &[u8]) -> Vec<SupportedCipherSuite> {
    let names = ciphers::select(string).unwrap_or_default();
    let known = |name: &str| KNOWN.iter().find(|(own, _)| *own == name);
    names
        .into_iter()
        .filter_map(known)
        .map(|(_, suite)| *suite)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written down from OpenSSL 3.0: `openssl ciphers STRING`, less the suites that rustls does not have.
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
            let name = |suite: &SupportedCipherSuite| {
                KNOWN
                    .iter()
                    .find(|known| known.1 == *suite)
                    .map_or("", |known| known.0)
            };
            let names: Vec<_> = select(string.as_bytes()).iter().map(name).collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(key, rest)| format!("{key}{rest}"))
                .collect();
            assert_eq!(names, expected, "{string}");
        }
    }

    #[test]
    fn words_of_others_select_nothing() {
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
            assert!(select(string.as_bytes()).is_empty(), "{string}");
        }
    }
}
