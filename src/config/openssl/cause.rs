//! Plain causes beside OpenSSL's words: what is wrong with a file, and what would be right.

use std::io;

use super::pem::{self, Broken};
use crate::config::model::TlsFault;

/// A file that cannot be opened.
pub fn of_open(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "the file does not exist",
        io::ErrorKind::PermissionDenied => "this user may not read the file",
        _ => "the file cannot be read",
    }
}

/// A file without a certificate.
pub fn of_certificate(bytes: &[u8]) -> &'static str {
    let labels = labels(bytes);
    let has = |wanted: &[u8]| labels.iter().any(|label| label == wanted);
    match form(bytes) {
        Some(cause) => cause,
        None if has(b"CERTIFICATE REQUEST") || has(b"NEW CERTIFICATE REQUEST") => {
            "this is a certificate request; the CA answers it with a certificate"
        }
        None if has(b"PKCS7") => "this is PKCS #7; `openssl pkcs7 -print_certs` converts it",
        None if labels.iter().any(|label| label.ends_with(b"PRIVATE KEY")) => {
            "the file has a private key and no certificate"
        }
        None => "the file has no certificate",
    }
}

/// A file without a private key.
pub fn of_key(bytes: &[u8]) -> &'static str {
    let labels = labels(bytes);
    match form(bytes) {
        Some(cause) => cause,
        None if labels.iter().any(|label| label.ends_with(b"CERTIFICATE")) => {
            "the file has a certificate and no private key"
        }
        None if labels.iter().any(|label| label == b"PUBLIC KEY") => {
            "the file has a public key and no private key"
        }
        None => "the file has no private key",
    }
}

/// A fault that only the TLS library finds. `has_passwords`: pass phrases are configured.
pub fn of_probe(why: &TlsFault, has_passwords: bool) -> Option<&'static str> {
    match why {
        TlsFault::Certificate(_) => Some("the certificate is damaged"),
        TlsFault::Key(_) => Some("the private key is damaged"),
        TlsFault::Locked(_) if has_passwords => {
            Some("this key is encrypted, and none of the pass phrases decrypts it")
        }
        TlsFault::Locked(_) => {
            Some("this key is encrypted; `ssl_password_file` names a file with its pass phrase")
        }
        TlsFault::Mismatch(_) => Some("the key belongs to another certificate"),
        TlsFault::SmallKey(_) => Some("the key is too small: RSA keys need 2048 bits"),
        TlsFault::InCommand(_, why) => of_probe(why, has_passwords),
        TlsFault::KeyKind(..) | TlsFault::Ciphers | TlsFault::Other(_) => None,
    }
}

/// What is wrong with the form of a file.
fn form(bytes: &[u8]) -> Option<&'static str> {
    if bytes.trim_ascii().is_empty() {
        return Some("the file is empty");
    }
    let mut blocks = pem::blocks(bytes).peekable();
    if blocks.peek().is_none() {
        return Some(match bytes {
            [0x30, 0x80..=0xff, ..] => {
                "this is not a PEM file but binary (DER or PKCS #12); openssl converts it"
            }
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "this is not a PEM file but UTF-16 text",
            _ => "this is not a PEM file",
        });
    }
    match blocks.find_map(Result::err)? {
        Broken::End => Some("the file is cut off: an END line is missing"),
        Broken::Base64 => Some("the file is damaged: its base64 is invalid"),
    }
}

fn labels(bytes: &[u8]) -> Vec<Vec<u8>> {
    let blocks = pem::blocks(bytes).filter_map(Result::ok);
    blocks.map(|block| block.label.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::{of_certificate, of_key};

    #[test]
    fn causes() {
        let block = |label: &str| format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
        for (text, certificate, key) in [
            (" \n".to_owned(), "is empty", "is empty"),
            ("hello".to_owned(), "not a PEM file", "not a PEM file"),
            (
                block("PRIVATE KEY"),
                "private key and no certificate",
                "no private key",
            ),
            (
                block("CERTIFICATE"),
                "no certificate",
                "certificate and no private key",
            ),
            (
                block("CERTIFICATE REQUEST"),
                "certificate request",
                "no private key",
            ),
            (block("PKCS7"), "PKCS #7", "no private key"),
            (
                block("CERTIFICATE").replace("MAA=", "!"),
                "base64",
                "base64",
            ),
            (block("CERTIFICATE")[..30].to_owned(), "cut off", "cut off"),
        ] {
            assert!(
                of_certificate(text.as_bytes()).contains(certificate),
                "{text}"
            );
            assert!(of_key(text.as_bytes()).contains(key), "{text}");
        }
        assert!(of_key(&[0x30, 0x82, 4, 0, 2]).contains("DER"));
    }
}
