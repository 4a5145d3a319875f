//! PEM files in rustls's terms. `config` reads them.

use rustls::CertificateError;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

use crate::config::{TlsFault, TlsFile, pem};

/// The certificates of a file, the server's own first. `None` when there is none, or one of them is malformed.
pub(super) fn chain(bytes: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain = pem::chain(bytes).ok()?;
    let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
    chain.iter().all(is_certificate).then_some(chain)
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
    let all = pem::authorities(&file.bytes);
    if all.is_empty() {
        let (path, reason) = (file.path.display(), pem::NO_CAS);
        let call = "SSL_CTX_load_verify_locations";
        let text = format!("{call}(\"{path}\") failed (SSL: {reason})");
        return Err(TlsFault::Other(text));
    }
    Ok(all.into_iter().map(CertificateDer::from).collect())
}

/// Whether the bytes are a certificate in DER. A server may send one that rustls cannot use: of version 1, or with odd extensions.
fn is_certificate(certificate: &CertificateDer<'_>) -> bool {
    let broken = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    ParsedCertificate::try_from(certificate).err() != Some(broken)
}
