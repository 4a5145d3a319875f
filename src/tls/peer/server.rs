//! The certificates of servers: they are verified during the handshake, which fails if the certificate is refused.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::super::pem;
use super::certificate::Certificate;
use super::crl::RevocationLists;
use super::extensions::Purpose;
use super::handshake::KeyProof;
use super::verify::ChainVerifier;
use crate::config::{TlsFault, Verify};

/// Verifies the servers that are connected to with one set of settings.
#[derive(Debug)]
pub(in crate::tls) struct ServerVerifier {
    /// `None`: every certificate is taken.
    chains: Option<ChainVerifier>,
    proof: KeyProof,
}

impl ServerVerifier {
    /// Without `verify` every certificate is taken.
    ///
    /// # Errors
    /// A file without certificates, or without revocation lists.
    pub fn new(verify: Option<&Verify>, provider: &CryptoProvider) -> Result<Self, TlsFault> {
        Ok(Self {
            chains: verify.map(chain_verifier).transpose()?,
            proof: KeyProof(provider.signature_verification_algorithms),
        })
    }
}

fn chain_verifier(verify: &Verify) -> Result<ChainVerifier, TlsFault> {
    let cas = match &verify.roots {
        Some(file) => pem::authorities(Some(file))?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let revoked = verify.crl.as_ref().map(RevocationLists::read).transpose()?;
    Ok(ChainVerifier::new(
        cas,
        revoked,
        verify.depth,
        Purpose::Server,
    ))
}

/// Whether a certificate is for a host, as X509_check_host(3) decides: by its alternative names; by its subject only where it has no
/// DNS names.
fn is_for(own: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let parsed = ParsedCertificate::try_from(own);
    parsed.is_ok_and(|own| rustls::client::verify_server_name(&own, name).is_ok())
        || Certificate::read(own).is_some_and(|own| own.is_named(&name.to_str()))
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(chains) = &self.chains {
            let verdict = chains.verify(own, sent, &self.proof.0, now);
            verdict.map_err(|reason| CertificateError::Other(OtherError(Arc::new(reason))))?;
            if !is_for(own, name) {
                return Err(CertificateError::NotValidForName.into());
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.proof.in_tls12(message, own, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.proof.in_tls13(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.proof.0.supported_schemes()
    }
}
