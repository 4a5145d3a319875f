//! The outermost structure of DER (X.690): enough to cut a certificate from what follows it, and to tell the forms of private keys apart.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 2;
const OCTETS: u8 = 4;

/// Tag, content and the whole of the first element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            let length = length
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let content = rest.get(..length)?;
    let whole = bytes.len() - rest.len() + length;
    Some((tag, content, &bytes[..whole]))
}

/// The first element, if it is a SEQUENCE.
pub fn first_element(bytes: &[u8]) -> Option<&[u8]> {
    let (tag, _, whole) = element(bytes)?;
    (tag == SEQUENCE).then_some(whole)
}

/// The PEM form of a private key in DER; `None` for other data. OSSL_STORE_open(3) reads both.
pub fn key_to_pem(bytes: &[u8]) -> Option<Vec<u8>> {
    let (SEQUENCE, content, whole) = element(bytes)? else {
        return None;
    };
    let (tag, first, begin) = element(content)?;
    let (second, ..) = element(&content[begin.len()..])?;
    let label = match (tag, first, second) {
        (INTEGER, [0 | 1], SEQUENCE) => "PRIVATE KEY",
        (INTEGER, [0], INTEGER) => "RSA PRIVATE KEY",
        (INTEGER, [1], OCTETS) => "EC PRIVATE KEY",
        (SEQUENCE, _, OCTETS) => "ENCRYPTED PRIVATE KEY",
        _ => return None,
    };
    let data = BASE64_STANDARD.encode(whole);
    Some(format!("-----BEGIN {label}-----\n{data}\n-----END {label}-----\n").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::{first_element, key_to_pem};

    #[test]
    fn elements() {
        assert_eq!(first_element(&[0x30, 1, 5, 9]), Some(&[0x30, 1, 5][..]));
        assert_eq!(
            first_element(&[0x30, 0x81, 1, 5, 9]),
            Some(&[0x30, 0x81, 1, 5][..])
        );
        for broken in [
            &[][..],
            &[0x30],
            &[0x30, 2, 1],
            &[0x31, 0],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(first_element(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn keys() {
        for (content, label) in [
            (&[2, 1, 0, 0x30, 0][..], "-----BEGIN PRIVATE"),
            (&[2, 1, 0, 2, 1, 9], "-----BEGIN RSA"),
            (&[2, 1, 1, 4, 1, 9], "-----BEGIN EC"),
            (&[0x30, 0, 4, 1, 9], "-----BEGIN ENCRYPTED"),
        ] {
            let length = u8::try_from(content.len()).expect("short");
            let pem = key_to_pem(&[&[0x30, length], content].concat()).expect(label);
            assert!(pem.starts_with(label.as_bytes()), "{label}");
        }
        // PKCS #12 begins with its version, 3.
        assert_eq!(key_to_pem(&[0x30, 5, 2, 1, 3, 0x30, 0]), None);
    }
}
