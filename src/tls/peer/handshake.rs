//! rustls's verifiers for the handshake: they accept any client certificate, and require that a peer holds its key.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{
    CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::certificate::Certificate;
use super::client::{ClientPolicy, has_weak_key};
use super::signature::has_signed;

/// Checks that a peer holds the key of its certificate, with the algorithms of the TLS provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyProof(pub WebPkiSupportedAlgorithms);

impl KeyProof {
    /// TLS 1.2: a signature scheme names no curve, so any of its algorithms will do.
    pub fn in_tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let mut mapping = self.0.mapping.iter();
        let known = mapping.find(|(scheme, _)| *scheme == signed.scheme);
        let algorithms: &[&dyn SignatureVerificationAlgorithm] = known.map_or(&[], |(_, all)| *all);
        let own = Certificate::read(certificate).ok_or(CertificateError::BadEncoding)?;
        if has_signed(own.key(), algorithms, message, signed.signature()) {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }

    /// TLS 1.3.
    pub fn in_tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let own = Certificate::read(certificate).ok_or(CertificateError::BadEncoding)?;
        // The key alone: rustls reads no certificates of version 1.
        let key = SubjectPublicKeyInfoDer::from(own.key().raw);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.0)
    }
}

/// Accepts every client certificate: it is verified after the handshake. A client with a weak key, which rustls cannot check,
/// proves nothing here; it is refused afterwards, with a reply that gives the reason.
#[derive(Debug)]
struct AnyClient {
    hints: Vec<DistinguishedName>,
    proof: KeyProof,
}

/// The verifier that a server's handshakes use.
pub(in crate::tls) fn client_verifier(
    policy: &ClientPolicy,
    provider: &CryptoProvider,
) -> Arc<dyn ClientCertVerifier> {
    Arc::new(AnyClient {
        hints: policy.hints.clone(),
        proof: KeyProof(provider.signature_verification_algorithms),
    })
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let mut all = std::iter::once(own).chain(sent);
        if all.all(|der| Certificate::read(der).is_some()) {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::BadEncoding.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if has_weak_key(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.proof.in_tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if has_weak_key(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.proof.in_tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.proof.0.supported_schemes()
    }
}
