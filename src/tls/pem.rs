//! PEM files as rustls reads them. `config` has already checked that they are PEM.

use rustls::CertificateError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;

use crate::config::{TlsFault, TlsFile};

/// The certificates of a file, the server's own first. `None` when there is none, or one of them is malformed.
pub(super) fn chain(bytes: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    chain
        .ok()
        .filter(|chain| !chain.is_empty() && chain.iter().all(is_certificate))
}

/// The certificates of CAs in a file; none without a file. Certificates that rustls cannot parse stay.
///
/// # Errors
/// The file has no certificate.
pub(super) fn authorities(
    file: Option<&TlsFile>,
) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file.bytes).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| {
        let path = file.path.display();
        let reason = "error:05800088:x509 certificate routines::no certificate or crl found";
        TlsFault::Other(format!(
            "SSL_CTX_load_verify_locations(\"{path}\") failed (SSL: {reason})"
        ))
    })
}

/// The first unencrypted private key of a file (PKCS #8, PKCS #1 or SEC 1).
pub(super) fn key(bytes: &[u8]) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(bytes).ok()
}

/// Whether the bytes are a certificate in DER. A server may send one that rustls cannot use: of version 1, or with odd extensions.
fn is_certificate(certificate: &CertificateDer<'_>) -> bool {
    let broken = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    ParsedCertificate::try_from(certificate).err() != Some(broken)
}
