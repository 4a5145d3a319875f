//! PEM files, as far as a TLS library looks into them: whether there is PEM at all, `config` has checked before.

use rustls::CertificateError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;

/// The certificates of a file, the server's own first; `None` when there is none, or one of them is broken.
pub(super) fn chain(bytes: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    chain
        .ok()
        .filter(|chain| !chain.is_empty() && chain.iter().all(is_certificate))
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
