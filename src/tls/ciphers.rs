//! `ssl_ciphers`: OpenSSL's cipher strings (openssl-ciphers(1)), worked out over the TLS 1.2 suites that rustls has.
//!
//! The suites of TLS 1.3 are not subject to it, in OpenSSL as here. What is never negotiated (static RSA, CBC, DHE) is not
//! looked for; whether a string names anything at all, `config` has checked before.

use rustls::crypto::aws_lc_rs::cipher_suite as suites;
use rustls::{ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion};

use crate::config::TlsFault;

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

/// A suite, its name in OpenSSL, and the words that select it. The names' parts tell the rest.
struct Known {
    suite: SupportedCipherSuite,
    name: &'static str,
    words: &'static [&'static str],
}

/// OpenSSL's order of preference.
static KNOWN: [Known; 6] = [
    Known {
        suite: suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        name: "ECDHE-ECDSA-AES256-GCM-SHA384",
        words: &["ECDSA", "aECDSA", "AES", "AES256", "AESGCM", "FIPS"],
    },
    Known {
        suite: suites::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        name: "ECDHE-RSA-AES256-GCM-SHA384",
        words: &["aRSA", "AES", "AES256", "AESGCM", "FIPS"],
    },
    Known {
        suite: suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        name: "ECDHE-ECDSA-CHACHA20-POLY1305",
        words: &["ECDSA", "aECDSA", "CHACHA20"],
    },
    Known {
        suite: suites::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        name: "ECDHE-RSA-CHACHA20-POLY1305",
        words: &["aRSA", "CHACHA20"],
    },
    Known {
        suite: suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        name: "ECDHE-ECDSA-AES128-GCM-SHA256",
        words: &["ECDSA", "aECDSA", "AES", "AES128", "AESGCM", "FIPS"],
    },
    Known {
        suite: suites::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        name: "ECDHE-RSA-AES128-GCM-SHA256",
        words: &["aRSA", "AES", "AES128", "AESGCM", "FIPS"],
    },
];

/// Words that select all of ours.
const ALL: [&str; 9] = [
    "ALL", "HIGH", "DEFAULT", "TLSv1.2", "ECDH", "ECDHE", "EECDH", "kECDHE", "kEECDH",
];

/// Works a cipher string out.
fn select(string: &[u8]) -> Vec<SupportedCipherSuite> {
    let string = String::from_utf8_lossy(string);
    let mut killed = [false; KNOWN.len()];
    let mut active: Vec<usize> = Vec::new();
    // Suites that are not active, in the order in which a word takes them: what was taken back comes first.
    let mut idle: Vec<usize> = (0..KNOWN.len()).collect();
    for element in string
        .split([':', ',', ';', ' '])
        .filter(|element| !element.is_empty())
    {
        let (operator, words) = match element.as_bytes()[0] {
            sign @ (b'!' | b'-' | b'+') => (sign, &element[1..]),
            _ => (b' ', element),
        };
        if words == "@STRENGTH" || element == "@STRENGTH" {
            active.sort_by_key(|at| KNOWN[*at].name.contains("AES128"));
            continue;
        }
        let selects = |at: &usize| words.split('+').all(|word| KNOWN[*at].is(word));
        match operator {
            b'!' => {
                (0..KNOWN.len())
                    .filter(selects)
                    .for_each(|at| killed[at] = true);
                active.retain(|at| !killed[*at]);
            }
            b'-' => {
                let (gone, stay): (Vec<_>, Vec<_>) = active.iter().partition(|at| selects(at));
                active = stay;
                idle.retain(|at| !gone.contains(at));
                idle.splice(0..0, gone);
            }
            b'+' => {
                let (last, mut first): (Vec<usize>, Vec<usize>) =
                    active.iter().partition(|at| selects(at));
                first.extend(last);
                active = first;
            }
            _ => {
                let new = |at: &usize| selects(at) && !killed[*at] && !active.contains(at);
                let new: Vec<_> = idle.iter().copied().filter(new).collect();
                active.extend(new);
            }
        }
    }
    active.into_iter().map(|at| KNOWN[at].suite).collect()
}

impl Known {
    fn is(&self, word: &str) -> bool {
        self.name == word || ALL.contains(&word) || self.words.contains(&word)
    }
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
                    .find(|known| known.suite == *suite)
                    .map_or("", |known| known.name)
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
