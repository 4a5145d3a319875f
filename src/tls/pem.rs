//! PEM files, as far as a TLS library looks into them: whether there is PEM at all, `config` has checked before.

use rustls::CertificateError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;

use crate::config::{TlsFault, TlsFile};

/// The certificates of a file, the server's own first; `None` when there is none, or one of them is broken.
pub(super) fn chain(bytes: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    chain
        .ok()
        .filter(|chain| !chain.is_empty() && chain.iter().all(is_certificate))
}

/// The certificates of CAs in a file, if there is a file. Those that rustls cannot read stay: nobody is asked to show them.
///
/// # Errors
/// There is none in it.
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

/// The first private key of a file (PKCS #8, PKCS #1 or SEC 1), if there is one that is not encrypted.
pub(super) fn key(bytes: &[u8]) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(bytes).ok()
}

/// Version 1 certificates and odd extensions are nothing that a server needs to understand; bytes that are no DER are.
fn is_certificate(certificate: &CertificateDer<'_>) -> bool {
    let broken = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    ParsedCertificate::try_from(certificate).err() != Some(broken)
}
