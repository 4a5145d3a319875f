//! The certificates of servers: they are verified during the handshake, which fails if the certificate is refused.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::super::settings::Settings;
use super::super::{pem, signatures};
use super::certificate::Certificate;
use super::crl::RevocationLists;
use super::extensions::Purpose;
use super::handshake::{ANY_DEPTH, KeyProof};
use super::verify::ChainVerifier;
use crate::config::{ClientTls, TlsFault, Verify};

/// Verifies the servers that are connected to with one set of settings.
#[derive(Debug)]
pub(in crate::tls) struct ServerVerifier {
    /// `None`: every certificate is taken.
    chains: Option<ChainVerifier>,
    proof: KeyProof,
    schemes: Vec<SignatureScheme>,
    /// Whether the certificate must be for the host.
    checks_name: bool,
}

impl ServerVerifier {
    /// With neither `verify` nor `VerifyMode` of `ssl_conf_command` every certificate is taken.
    ///
    /// # Errors
    /// A file without certificates, or without revocation lists.
    pub fn new(
        material: &ClientTls,
        settings: &Settings<'_>,
        provider: &CryptoProvider,
    ) -> Result<Self, TlsFault> {
        let commanded = pem::authorities(material.command_files.verify_cas.as_ref())?;
        let chains = match &material.verify {
            Some(verify) => Some(chain_verifier(verify, commanded)?),
            None if settings.peer.is_on() => {
                let purpose = Purpose::Server;
                Some(ChainVerifier::new(commanded, None, ANY_DEPTH, purpose))
            }
            None => None,
        };
        let proof = KeyProof(provider.signature_verification_algorithms);
        Ok(Self {
            chains,
            proof,
            schemes: signatures::among(proof.0.supported_schemes(), settings.verifies),
            checks_name: material.verify.is_some(),
        })
    }
}

/// `commanded` replaces the CAs of the directives.
fn chain_verifier(
    verify: &Verify,
    commanded: Vec<CertificateDer<'static>>,
) -> Result<ChainVerifier, TlsFault> {
    let cas = match &verify.roots {
        _ if !commanded.is_empty() => commanded,
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
            if self.checks_name && !is_for(own, name) {
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
        self.schemes.clone()
    }
}
