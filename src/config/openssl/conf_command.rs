//! `ssl_conf_command`: which commands and values SSL_CONF_cmd(3) accepts. The file `src/tls/settings.rs` applies them.

use super::{ciphers, groups};
use crate::config::syntax::message;

/// Checks a value. The error has the entries of OpenSSL's error queue before the entry of the command.
type Check = fn(&[u8]) -> Result<(), Vec<u8>>;

/// Commands whose values are checked.
const CHECKED: [(&str, Check); 9] = [
    ("Groups", group_list),
    ("Curves", group_list),
    ("CipherString", cipher_string),
    ("Ciphersuites", suites),
    ("MinProtocol", version),
    ("MaxProtocol", version),
    ("Options", options),
    ("SignatureAlgorithms", signatures),
    ("ClientSignatureAlgorithms", signatures),
];

/// Commands whose values are not checked.
const OTHERS: &str = "ECDHParameters Protocol VerifyMode Certificate PrivateKey ServerInfoFile ChainCAPath ChainCAFile \
                      ChainCAStore VerifyCAPath VerifyCAFile VerifyCAStore RequestCAFile ClientCAFile RequestCAPath \
                      ClientCAPath RequestCAStore ClientCAStore DHParameters RecordPadding NumTickets";

const VERSIONS: &str = "None SSLv3 TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 DTLSv1 DTLSv1.2";

const SUITES: &str = "TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256 \
                      TLS_AES_128_CCM_SHA256 TLS_AES_128_CCM_8_SHA256";

const OPTIONS: &str = "SessionTicket EmptyFragments Bugs Compression ServerPreference NoResumptionOnRenegotiation DHSingle \
                       ECDHSingle UnsafeLegacyRenegotiation UnsafeLegacyServerConnect ClientRenegotiation EncryptThenMac \
                       NoRenegotiation AllowNoDHEKEX PrioritizeChaCha MiddleboxCompat AntiReplay ExtendedMasterSecret \
                       CANames KTLS CertCompression KTLSTxZerocopySendfile IgnoreUnexpectedEOF";

const SCHEMES: &str = "ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384 ecdsa_secp521r1_sha512 ed25519 ed448 \
                       rsa_pss_rsae_sha256 rsa_pss_rsae_sha384 rsa_pss_rsae_sha512 rsa_pss_pss_sha256 rsa_pss_pss_sha384 \
                       rsa_pss_pss_sha512 rsa_pkcs1_sha256 rsa_pkcs1_sha384 rsa_pkcs1_sha512 rsa_pkcs1_sha224 \
                       rsa_pkcs1_sha1 ecdsa_sha224 ecdsa_sha1";

/// Why OpenSSL refuses a command: its reason. `None` when it accepts it.
pub fn fault(name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let is = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
    if let Some((_, check)) = CHECKED.iter().find(|(known, _)| is(known)) {
        let before = check(value).err()?;
        let code = "error:0A000180:SSL routines::bad value:cmd=";
        return Some(message!(before, code, name, ", value=", value));
    }
    if OTHERS.split(' ').any(is) {
        return None;
    }
    Some(message!(
        "error:0A000182:SSL routines::unknown cmd name:cmd=",
        name
    ))
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
    groups::fault(value).map_or(Ok(()), |reason| Err(entry(&reason)))
}

fn cipher_string(value: &[u8]) -> Result<(), Vec<u8>> {
    match ciphers::select(value) {
        Ok(_) => Ok(()),
        Err(why) => Err(entry(why.reason().as_bytes())),
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
    Err(entry(ciphers::CipherError::NoMatch.reason().as_bytes()))
}

fn version(value: &[u8]) -> Result<(), Vec<u8>> {
    or_bad(one_of(VERSIONS, value))
}

fn options(value: &[u8]) -> Result<(), Vec<u8>> {
    let known = |option: &[u8]| {
        let name = option
            .strip_prefix(b"+")
            .or(option.strip_prefix(b"-"))
            .unwrap_or(option);
        OPTIONS
            .split(' ')
            .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    };
    or_bad(
        value
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .all(known),
    )
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
    or_bad(value.split(|byte| *byte == b':').all(known))
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
