//! Commands of SSL_CONF_cmd(3) that OpenSSL accepts: their values that the gateway never negotiates, and those without an effect. Cipher
//! strings and groups have their own functions.

use super::conf_command::leading_number;
use super::{ciphers, groups};
use crate::config::model::CommandFile;

/// The signature schemes that are not supported: those with these words in their names.
const OLD_SIGNATURES: [&str; 6] = ["SHA1", "sha1", "SHA224", "sha224", "ed448", "rsa_pss_pss"];

/// The suites of TLS 1.3 that are not supported.
const SUITES13: [&[u8]; 2] = [b"TLS_AES_128_CCM_SHA256", b"TLS_AES_128_CCM_8_SHA256"];

/// The names in a command that are accepted and never negotiated.
pub fn in_command(name: &[u8], value: &[u8]) -> Vec<Vec<u8>> {
    let words = |separator: u8| {
        let words = value.split(move |byte| *byte == separator);
        words.map(<[u8]>::trim_ascii)
    };
    let is_old = |version: &[u8]| matches!(version, b"SSLv3" | b"TLSv1" | b"TLSv1.1");
    match name.to_ascii_lowercase().as_slice() {
        b"cipherstring" => ciphers::unsupported(value),
        b"groups" | b"curves" | b"ecdhparameters" => groups::unsupported(value),
        b"signaturealgorithms" | b"clientsignaturealgorithms" => words(b':')
            .filter(|word| is_old_signature(word))
            .map(<[u8]>::to_vec)
            .collect(),
        b"ciphersuites" => words(b':')
            .filter(|word| SUITES13.contains(word))
            .map(<[u8]>::to_vec)
            .collect(),
        b"minprotocol" | b"maxprotocol" if is_old(value) => vec![value.to_vec()],
        b"protocol" => words(b',')
            .map(|word| word.strip_prefix(b"+").unwrap_or(word))
            .filter(|word| is_old(word))
            .map(<[u8]>::to_vec)
            .collect(),
        _ => Vec::new(),
    }
}

fn is_old_signature(word: &[u8]) -> bool {
    let text = String::from_utf8_lossy(word);
    text.starts_with("DSA+") || OLD_SIGNATURES.iter().any(|part| text.contains(part))
}

/// Options of OpenSSL whose state here is fixed, with that state.
const FIXED_OPTIONS: [(&str, bool); 13] = [
    ("Compression", false),
    ("UnsafeLegacyRenegotiation", false),
    ("ClientRenegotiation", false),
    ("NoRenegotiation", true),
    ("AllowNoDHEKEX", false),
    ("PreferNoDHEKEX", false),
    ("PrioritizeChaCha", false),
    ("MiddleboxCompat", true),
    ("ExtendedMasterSecret", true),
    ("CANames", true),
    ("KTLS", false),
    ("KTLSTxZerocopySendfile", false),
    ("RxCertificateCompression", false),
];

/// The parts of a command that OpenSSL acts on and the gateway does not: the command itself, or some of its options.
pub fn without_effect(name: &[u8], value: &[u8]) -> Vec<Vec<u8>> {
    match name.to_ascii_lowercase().as_slice() {
        b"options" => value
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .filter(|word| is_other_state(word))
            .map(<[u8]>::to_vec)
            .collect(),
        b"recordpadding" if leading_number(value) > 1 => vec![name.to_vec()],
        _ => match CommandFile::of(name) {
            Some((CommandFile::DhParameters | CommandFile::ServerInfo, _)) => vec![name.to_vec()],
            _ => Vec::new(),
        },
    }
}

/// Whether an option asks for another state than the fixed one.
fn is_other_state(word: &[u8]) -> bool {
    let is_on = word.first() != Some(&b'-');
    let name = word.strip_prefix(b"+").or(word.strip_prefix(b"-"));
    let name = name.unwrap_or(word);
    let is_it = |(known, _): &&(&str, bool)| known.as_bytes().eq_ignore_ascii_case(name);
    let fixed = FIXED_OPTIONS.iter().find(is_it);
    fixed.is_some_and(|(_, state)| *state != is_on)
}

#[cfg(test)]
mod tests {
    use super::{in_command, without_effect};

    #[test]
    fn commands() {
        let cases = [
            (
                "Ciphersuites",
                "TLS_AES_256_GCM_SHA384:TLS_AES_128_CCM_SHA256",
                "TLS_AES_128_CCM_SHA256",
            ),
            ("CipherString", "ECDHE+AESGCM:AES256-SHA", "AES256-SHA"),
            ("MinProtocol", "TLSv1", "TLSv1"),
            ("MinProtocol", "TLSv1.2", ""),
            ("Protocol", "ALL,-SSLv3, TLSv1.1", "TLSv1.1"),
            ("groups", "X25519:P-521", "P-521"),
            ("ECDHParameters", "P-521", "P-521"),
            (
                "SignatureAlgorithms",
                "RSA+SHA1:ed25519:ed448",
                "RSA+SHA1 ed448",
            ),
            ("Options", "Compression", ""),
        ];
        for (name, value, wanted) in cases {
            let named = in_command(name.as_bytes(), value.as_bytes()).join(&b' ');
            assert_eq!(String::from_utf8_lossy(&named), wanted, "{name} {value}");
        }
    }

    #[test]
    fn commands_that_change_nothing() {
        let cases = [
            ("Options", "KTLS, -Compression,SessionTicket", "KTLS"),
            (
                "options",
                "-MiddleboxCompat,+NoRenegotiation",
                "-MiddleboxCompat",
            ),
            ("RecordPadding", "512", "RecordPadding"),
            ("RecordPadding", "0", ""),
            ("serverinfofile", "/a", "serverinfofile"),
            ("DHParameters", "/a", "DHParameters"),
            ("Certificate", "/a", ""),
        ];
        for (name, value, wanted) in cases {
            let named = without_effect(name.as_bytes(), value.as_bytes()).join(&b' ');
            assert_eq!(String::from_utf8_lossy(&named), wanted, "{name} {value}");
        }
    }
}
