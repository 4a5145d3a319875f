//! PEM files as OpenSSL's readers take them, and what they say when they do not.

use rustls::CertificateError;
use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;

/// Why a file gave no certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// OpenSSL's reader: the first certificate of a file has one of its own.
    pub(super) call: &'static str,
    /// OpenSSL's error queue, as nginx prints it behind `SSL: `.
    pub(super) queue: &'static str,
}

pub(super) const NO_START: &str =
    "error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE";
pub(super) const NO_END: &str = "error:04800066:PEM routines::bad end line";
const NOT_BASE64: &str = "error:04800064:PEM routines::bad base64 decode";
pub(super) const NOT_DER: &str = "error:068000A8:asn1 encoding routines::wrong tag \
    error:0688010A:asn1 encoding routines::nested asn1 error:Type=X509 \
    error:0488000D:PEM routines::ASN1 lib";

/// The certificates of a file, the server's own first; never empty.
pub(super) fn chain(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Reason> {
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        let call = if chain.is_empty() {
            "PEM_read_bio_X509_AUX()"
        } else {
            "PEM_read_bio_X509()"
        };
        let certificate: CertificateDer<'static> = certificate.map_err(|error| Reason {
            call,
            queue: queue(&error),
        })?;
        if !is_certificate(&certificate) {
            return Err(Reason {
                call,
                queue: NOT_DER,
            });
        }
        chain.push(certificate);
    }
    if chain.is_empty() {
        return Err(Reason {
            call: "PEM_read_bio_X509_AUX()",
            queue: NO_START,
        });
    }
    Ok(chain)
}

/// The first private key of a file (PKCS #8, PKCS #1 or SEC 1), if there is one that is not encrypted.
pub(super) fn key(bytes: &[u8]) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(bytes).ok()
}

/// Whether a key file is one that needs a pass phrase.
pub(super) fn is_encrypted(bytes: &[u8]) -> bool {
    [
        &b"BEGIN ENCRYPTED PRIVATE KEY"[..],
        b"Proc-Type: 4,ENCRYPTED",
    ]
    .iter()
    .any(|mark| memchr::memmem::find(bytes, mark).is_some())
}

/// Version 1 certificates and odd extensions are nothing that a server needs to understand; bytes that are no DER are.
fn is_certificate(certificate: &CertificateDer<'_>) -> bool {
    let broken = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    ParsedCertificate::try_from(certificate).err() != Some(broken)
}

fn queue(error: &Error) -> &'static str {
    match error {
        Error::MissingSectionEnd { .. } => NO_END,
        Error::Base64Decode(_) => NOT_BASE64,
        _ => NO_START,
    }
}
