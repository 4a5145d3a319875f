//! Values of SSL_CONF_cmd(3) commands that OpenSSL accepts and the gateway never negotiates. Cipher strings and groups have their
//! own functions.

use super::{ciphers, groups};

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
        b"groups" | b"curves" => groups::unsupported(value),
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
        b"dhparameters" => vec![name.to_vec()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_command;

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
            ("Options", "Compression", ""),
        ];
        for (name, value, wanted) in cases {
            let named = in_command(name.as_bytes(), value.as_bytes()).join(&b' ');
            assert_eq!(String::from_utf8_lossy(&named), wanted, "{name} {value}");
        }
    }
}
