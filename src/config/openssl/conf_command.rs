//! `ssl_conf_command`: which commands and values SSL_CONF_cmd(3) accepts. The file `src/tls/settings.rs` applies them.

use super::{ciphers, groups};
use crate::config::model::CommandFile;
use crate::config::syntax::message;

/// Checks a value. The error has the reason of the function that the command calls; empty where that gives none.
type Check = fn(&[u8]) -> Result<(), Vec<u8>>;

/// The commands without files, with the check of their values.
const CHECKED: [(&str, Check); 14] = [
    ("Groups", group_list),
    ("Curves", group_list),
    ("ECDHParameters", one_group),
    ("CipherString", cipher_string),
    ("Ciphersuites", suites),
    ("MinProtocol", version),
    ("MaxProtocol", version),
    ("Protocol", protocols),
    ("Options", options),
    ("VerifyMode", verify_modes),
    ("SignatureAlgorithms", signatures),
    ("ClientSignatureAlgorithms", signatures),
    ("RecordPadding", padding),
    ("NumTickets", tickets),
];

const VERSIONS: &str = "None SSLv3 TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 DTLSv1 DTLSv1.2";

const VERIFY_MODES: &str = "Peer Request Require Once RequestPostHandshake RequirePostHandshake";

const PROTOCOLS: &str = "ALL SSLv2 SSLv3 TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 DTLSv1 DTLSv1.2";

const SUITES: &str = "TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256 \
                      TLS_AES_128_CCM_SHA256 TLS_AES_128_CCM_8_SHA256";

const OPTIONS: &str = "SessionTicket EmptyFragments Bugs Compression ServerPreference NoResumptionOnRenegotiation DHSingle \
                       ECDHSingle UnsafeLegacyRenegotiation UnsafeLegacyServerConnect ClientRenegotiation EncryptThenMac \
                       NoRenegotiation AllowNoDHEKEX PrioritizeChaCha MiddleboxCompat AntiReplay ExtendedMasterSecret \
                       CANames KTLS CertCompression TxCertificateCompression RxCertificateCompression \
                       KTLSTxZerocopySendfile IgnoreUnexpectedEOF PreferNoDHEKEX";

const SCHEMES: &str = "ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384 ecdsa_secp521r1_sha512 ed25519 ed448 \
                       rsa_pss_rsae_sha256 rsa_pss_rsae_sha384 rsa_pss_rsae_sha512 rsa_pss_pss_sha256 rsa_pss_pss_sha384 \
                       rsa_pss_pss_sha512 rsa_pkcs1_sha256 rsa_pkcs1_sha384 rsa_pkcs1_sha512 rsa_pkcs1_sha224 \
                       rsa_pkcs1_sha1 ecdsa_sha224 ecdsa_sha1";

/// Why OpenSSL refuses a command: its reason. `None` when it accepts it, and for a command whose value is a file.
pub fn fault(name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let is = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
    if let Some((_, check)) = CHECKED.iter().find(|(known, _)| is(known)) {
        return Some(bad_value(name, value, &check(value).err()?));
    }
    if CommandFile::of(name).is_some() {
        return None;
    }
    Some(message!(
        "error:0A000182:SSL routines::unknown cmd name:cmd=",
        name
    ))
}

/// The reason for a value that a command refuses, after the reason `before` of the function that it calls.
pub fn bad_value(name: &[u8], value: &[u8], before: &[u8]) -> Vec<u8> {
    let code = "error:0A000180:SSL routines::bad value:cmd=";
    message!(entry(before), code, name, ", value=", value)
}

fn one_of(words: &str, word: &[u8]) -> bool {
    words.split(' ').any(|known| known.as_bytes() == word)
}

fn or_bad(good: bool) -> Result<(), Vec<u8>> {
    if good { Ok(()) } else { Err(Vec::new()) }
}

/// Formats an optional reason as an entry of the error queue.
fn entry(reason: &[u8]) -> Vec<u8> {
    match reason {
        [] => Vec::new(),
        reason => message!(reason, " "),
    }
}

fn group_list(value: &[u8]) -> Result<(), Vec<u8>> {
    groups::fault(value).map_or(Ok(()), Err)
}

fn cipher_string(value: &[u8]) -> Result<(), Vec<u8>> {
    match ciphers::select(value) {
        Ok(_) => Ok(()),
        Err(why) => Err(why.reason().into()),
    }
}

fn suites(value: &[u8]) -> Result<(), Vec<u8>> {
    let mut names = value
        .split(|byte| *byte == b':')
        .filter(|name| !name.is_empty())
        .peekable();
    // Unknown names are skipped if at least one name is known; an empty list is accepted.
    if names.peek().is_none() || names.any(|name| one_of(SUITES, name)) {
        return Ok(());
    }
    Err(ciphers::CipherError::NoMatch.reason().into())
}

fn version(value: &[u8]) -> Result<(), Vec<u8>> {
    or_bad(one_of(VERSIONS, value))
}

/// `Options`, `Protocol` and `VerifyMode`: words joined by commas, each with an optional sign, in any case of letters.
fn signed_words(words: &str, value: &[u8]) -> Result<(), Vec<u8>> {
    let is_known = |word: &[u8]| {
        let name = word.strip_prefix(b"+").or(word.strip_prefix(b"-"));
        let name = name.unwrap_or(word);
        let mut words = words.split(' ');
        words.any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    };
    let mut given = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    or_bad(given.all(is_known))
}

fn options(value: &[u8]) -> Result<(), Vec<u8>> {
    signed_words(OPTIONS, value)
}

fn protocols(value: &[u8]) -> Result<(), Vec<u8>> {
    signed_words(PROTOCOLS, value)
}

fn verify_modes(value: &[u8]) -> Result<(), Vec<u8>> {
    signed_words(VERIFY_MODES, value)
}

/// `ECDHParameters`: a single group, or OpenSSL's own choice.
fn one_group(value: &[u8]) -> Result<(), Vec<u8>> {
    let name = value.strip_prefix(b"+").unwrap_or(value);
    if name.eq_ignore_ascii_case(b"automatic") {
        return Ok(());
    }
    or_bad(!value.contains(&b':'))?;
    group_list(value)
}

/// A block size that is no larger than a record.
fn padding(value: &[u8]) -> Result<(), Vec<u8>> {
    or_bad((0..=16384).contains(&leading_number(value)))
}

fn tickets(value: &[u8]) -> Result<(), Vec<u8>> {
    or_bad(leading_number(value) >= 0)
}

/// The number at the beginning of a value, as atoi(3) reads it: 0 where there is none.
pub fn leading_number(value: &[u8]) -> i64 {
    let text = String::from_utf8_lossy(value.trim_ascii_start());
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let number = digits[..length].parse().unwrap_or(match length {
        0 => 0,
        _ => i64::MAX,
    });
    if text.starts_with('-') {
        -number
    } else {
        number
    }
}

/// `RSA+SHA256`, or the name of a scheme (RFC 8446, 4.2.3), joined by colons.
fn signatures(value: &[u8]) -> Result<(), Vec<u8>> {
    let known = |word: &[u8]| match word.iter().position(|byte| *byte == b'+') {
        Some(plus) => {
            let hash = one_of("SHA1 SHA224 SHA256 SHA384 SHA512", &word[plus + 1..]);
            hash && one_of("RSA RSA-PSS PSS DSA ECDSA", &word[..plus])
        }
        None => one_of(SCHEMES, word),
    };
    let words: Vec<&[u8]> = value.split(|byte| *byte == b':').collect();
    let is_repeated = |(at, word): (usize, &&[u8])| words[..at].contains(word);
    or_bad(words.iter().all(|word| known(word)) && !words.iter().enumerate().any(is_repeated))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn commands() {
        let cases = [
            ("minprotocol", "TLSv1.2", true),
            ("MinProtocol", "foo", false),
            ("Options", "-SessionTicket, PrioritizeChaCha", true),
            ("Options", "Foo", false),
            ("Ciphersuites", "FOO:TLS_AES_128_GCM_SHA256", true),
            ("Ciphersuites", "FOO", false),
            ("Groups", "X25519:foo", false),
            ("SignatureAlgorithms", "RSA+SHA256:ed25519", true),
            ("SignatureAlgorithms", "ed25519:ed25519", false),
            ("VerifyMode", "Require,-once", true),
            ("VerifyMode", "None", false),
            ("VerifyMode", "", false),
            ("Protocol", "all,-TLSv1.2", true),
            ("Protocol", "TLSv1.4", false),
            ("ECDHParameters", "X25519", true),
            ("ECDHParameters", "+Automatic", true),
            ("ECDHParameters", "auto", false),
            ("ECDHParameters", "X25519:P-256", false),
            ("RecordPadding", "16384", true),
            ("RecordPadding", "16385", false),
            ("RecordPadding", "foo", true),
            ("NumTickets", "-1", false),
            ("NumTickets", "99999999999", true),
            ("Certificate", "/any/file", true),
            ("foo", "bar", false),
        ];
        for (name, value, good) in cases {
            assert_eq!(
                fault(name.as_bytes(), value.as_bytes()).is_none(),
                good,
                "{name} {value}"
            );
        }
    }
}
