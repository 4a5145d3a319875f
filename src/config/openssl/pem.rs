//! PEM files as OpenSSL reads them: the reasons it gives for a file without a certificate, a key or DH parameters. Only the lines
//! around the data are checked, not the data.

/// The reason for a file without a private key.
pub const NO_KEY: &str = "PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:\
                          No supported data to decode. Input type: PEM)";
/// The reason for a file with a certificate that is not valid ASN.1.
pub const NO_ASN1: &str = "PEM_read_bio_X509_AUX() failed (SSL: error:0688010A:asn1 encoding routines::nested asn1 error)";
/// The reason for a private key that none of the pass phrases decrypts.
pub const LOCKED_KEY: &str = "PEM_read_bio_PrivateKey() failed (SSL: error:1C800064:Provider routines::bad decrypt \
                              error:11800074:PKCS12 routines::pkcs12 cipherfinal error:maybe wrong password)";
const NO_CERTIFICATE: &str = "PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:\
                              Expecting: TRUSTED CERTIFICATE)";
const CUT_CERTIFICATE: &str =
    "PEM_read_bio_X509_AUX() failed (SSL: error:04800066:PEM routines::bad end line)";

/// The reason for a file without CA certificates.
pub const NO_CAS: &str = "error:05800088:x509 certificate routines::no certificate or crl found";

const CERTIFICATES: [&[u8]; 3] = [b"CERTIFICATE", b"TRUSTED CERTIFICATE", b"X509 CERTIFICATE"];

/// The reason in a text that names the function before it: `FUNCTION() failed (SSL: REASON)`.
pub fn reason(text: &str) -> &str {
    let reason = text.split_once("(SSL: ").map_or(text, |(_, reason)| reason);
    reason.strip_suffix(')').unwrap_or(reason)
}

/// Why OpenSSL finds no extensions of the handshake in a file; `None` when it finds some.
pub fn server_info_fault(bytes: &[u8]) -> Option<&'static str> {
    let is_info = |label: &[u8]| label.starts_with(b"SERVERINFO");
    match (is_complete(bytes, is_info), is_complete(bytes, |_| true)) {
        (Some(true), _) => None,
        (_, Some(true)) => Some("error:0A000188:SSL routines::pem name too short"),
        _ => Some(
            "error:0480006C:PEM routines::no start line error:0A000185:SSL routines::no pem extensions",
        ),
    }
}

/// Why OpenSSL finds no certificate in a file; `None` when it finds one.
pub fn certificate_fault(bytes: &[u8]) -> Option<&'static str> {
    match is_complete(bytes, |label| CERTIFICATES.contains(&label)) {
        None => Some(NO_CERTIFICATE),
        Some(false) => Some(CUT_CERTIFICATE),
        Some(true) => None,
    }
}

/// Why OpenSSL finds no private key in a file; `None` when it finds one.
pub fn key_fault(bytes: &[u8]) -> Option<&'static str> {
    match is_complete(bytes, |label| {
        label == b"PRIVATE KEY" || label.ends_with(b" PRIVATE KEY")
    }) {
        Some(true) => None,
        _ => Some(NO_KEY),
    }
}

/// Why OpenSSL finds no DH parameters in a file; `None` when it finds some.
pub fn dhparam_fault(bytes: &[u8]) -> Option<&'static str> {
    match is_complete(bytes, |label| {
        matches!(label, b"DH PARAMETERS" | b"X9.42 DH PARAMETERS")
    }) {
        None => Some("error:0480006C:PEM routines::no start line:Expecting: DH PARAMETERS"),
        Some(false) => Some("error:04800066:PEM routines::bad end line"),
        Some(true) => None,
    }
}

/// Whether the first block with such a label has its end line; `None` when there is no such block.
fn is_complete(bytes: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Option<bool> {
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
    use super::{CUT_CERTIFICATE, NO_CERTIFICATE, NO_KEY, certificate_fault, key_fault};

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
