//! What OpenSSL says first about a file that holds no certificate or no key. No cryptography: only the armour is looked at.

/// The reason for a file without a private key.
pub const NO_KEY: &str = "PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:\
                          No supported data to decode. Input type: PEM)";
/// The reason for a file with a private key that none of the pass phrases opens.
pub const LOCKED_KEY: &str = "PEM_read_bio_PrivateKey() failed (SSL: error:1C800064:Provider routines::bad decrypt \
                              error:11800074:PKCS12 routines::pkcs12 cipherfinal error:maybe wrong password)";
const NO_CERTIFICATE: &str = "PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:\
                              Expecting: TRUSTED CERTIFICATE)";
const CUT_CERTIFICATE: &str =
    "PEM_read_bio_X509_AUX() failed (SSL: error:04800066:PEM routines::bad end line)";

const CERTIFICATES: [&[u8]; 3] = [b"CERTIFICATE", b"TRUSTED CERTIFICATE", b"X509 CERTIFICATE"];

/// Why no certificate can be in there.
#[must_use]
pub fn certificate_fault(bytes: &[u8]) -> Option<&'static str> {
    match first(bytes, |label| CERTIFICATES.contains(&label)) {
        None => Some(NO_CERTIFICATE),
        Some(false) => Some(CUT_CERTIFICATE),
        Some(true) => None,
    }
}

/// Why no private key can be in there.
#[must_use]
pub fn key_fault(bytes: &[u8]) -> Option<&'static str> {
    match first(bytes, |label| {
        label == b"PRIVATE KEY" || label.ends_with(b" PRIVATE KEY")
    }) {
        Some(true) => None,
        _ => Some(NO_KEY),
    }
}

/// Why no DH parameters can be in there.
#[must_use]
pub fn dhparam_fault(bytes: &[u8]) -> Option<&'static str> {
    match first(bytes, |label| {
        matches!(label, b"DH PARAMETERS" | b"X9.42 DH PARAMETERS")
    }) {
        None => Some("error:0480006C:PEM routines::no start line:Expecting: DH PARAMETERS"),
        Some(false) => Some("error:04800066:PEM routines::bad end line"),
        Some(true) => None,
    }
}

/// Whether the first block with such a label has an end; `None` without one.
fn first(bytes: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Option<bool> {
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    let label = lines.by_ref().find_map(|line| {
        line.strip_prefix(b"-----BEGIN ")?
            .strip_suffix(b"-----")
            .filter(|label| wanted(label))
    })?;
    let end = [b"-----END ", label, b"-----"].concat();
    Some(lines.any(|line| line == end))
}

#[cfg(test)]
mod tests {
    use crate::config::{CUT_CERTIFICATE, NO_CERTIFICATE, NO_KEY, certificate_fault, key_fault};

    #[test]
    fn armour() {
        let certificate =
            b"x\n-----BEGIN CERTIFICATE-----\r\nAA==\r\n-----END CERTIFICATE-----\r\n";
        assert_eq!(certificate_fault(certificate), None);
        assert_eq!(certificate_fault(&certificate[..40]), Some(CUT_CERTIFICATE));
        assert_eq!(certificate_fault(b""), Some(NO_CERTIFICATE));
        assert_eq!(key_fault(certificate), Some(NO_KEY));
        assert_eq!(
            key_fault(b"-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----"),
            None
        );
    }
}
