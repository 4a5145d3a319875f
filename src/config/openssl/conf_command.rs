//! `ssl_conf_command`: which of OpenSSL's commands and values SSL_CONF_cmd(3) takes. What they mean is not looked at here.

use super::ciphers;
use super::errors::groups_fault;
use crate::config::schema::values::sentence;

/// Looks at a value. Errors of its own come before the one of the command.
type Check = fn(&[u8]) -> Result<(), Vec<u8>>;

/// Commands whose values are looked at.
const CHECKED: [(&str, Check); 9] = [
    ("Groups", groups),
    ("Curves", groups),
    ("CipherString", cipher_string),
    ("Ciphersuites", suites),
    ("MinProtocol", version),
    ("MaxProtocol", version),
    ("Options", options),
    ("SignatureAlgorithms", signatures),
    ("ClientSignatureAlgorithms", signatures),
];

/// Commands whose values are taken as they are.
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

/// Why OpenSSL refuses a command: its reason.
#[must_use]
pub fn fault(name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let is = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
    if let Some((_, check)) = CHECKED.iter().find(|(known, _)| is(known)) {
        let before = check(value).err()?;
        let code = b"error:0A000180:SSL routines::bad value:cmd=";
        return Some(sentence(&[&before, code, name, b", value=", value]));
    }
    if OTHERS.split(' ').any(is) {
        return None;
    }
    let code = b"error:0A000182:SSL routines::unknown cmd name:cmd=";
    Some(sentence(&[code, name]))
}

fn one_of(words: &str, word: &[u8]) -> bool {
    words.split(' ').any(|known| known.as_bytes() == word)
}

fn or_bad(good: bool) -> Result<(), Vec<u8>> {
    if good { Ok(()) } else { Err(Vec::new()) }
}

fn ahead(reason: &[u8]) -> Vec<u8> {
    if reason.is_empty() {
        Vec::new()
    } else {
        sentence(&[reason, b" "])
    }
}

fn groups(value: &[u8]) -> Result<(), Vec<u8>> {
    groups_fault(value).map_or(Ok(()), |reason| Err(ahead(&reason)))
}

fn cipher_string(value: &[u8]) -> Result<(), Vec<u8>> {
    let chosen = ciphers::select(value);
    chosen
        .map(|_| ())
        .map_err(|why| ahead(why.reason().as_bytes()))
}

fn suites(value: &[u8]) -> Result<(), Vec<u8>> {
    let mut names = value
        .split(|byte| *byte == b':')
        .filter(|name| !name.is_empty())
        .peekable();
    // Unknown names are passed over as long as one is known; no name at all is an empty list.
    if names.peek().is_none() || names.any(|name| one_of(SUITES, name)) {
        return Ok(());
    }
    Err(ahead(ciphers::Nothing::NoMatch.reason().as_bytes()))
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
    use crate::config::fault;

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
