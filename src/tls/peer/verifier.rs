//! What rustls asks during the handshake: a client's certificate is taken as it comes, a peer's key must be its own.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{
    CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::certificate::{Certificate, Checked};

/// Whether a peer holds the key of the certificate it shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Possession(pub WebPkiSupportedAlgorithms);

impl Possession {
    /// In TLS 1.2 a scheme names no curve: any of its algorithms will do.
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
        match own.verify(algorithms, message, signed.signature()) {
            Checked::Good => Ok(HandshakeSignatureValid::assertion()),
            Checked::Bad => Err(CertificateError::BadSignature.into()),
        }
    }

    /// TLS 1.3
    pub fn in_tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let own = Certificate::read(certificate).ok_or(CertificateError::BadEncoding)?;
        // Not the whole certificate: rustls reads none of version 1.
        let key = SubjectPublicKeyInfoDer::from(own.body().subject_pki.raw);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.0)
    }
}

/// Judges nothing: that comes when the handshake is over. Whoever has a weak key need not prove that it is his, for he is sent away
/// then, and so hears why.
#[derive(Debug)]
pub(super) struct Verifier {
    pub told: Vec<DistinguishedName>,
    pub possession: Possession,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.told
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        along: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let mut all = std::iter::once(own).chain(along);
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
        if super::has_weak_key(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.possession.in_tls12(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if super::has_weak_key(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.possession.in_tls13(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.possession.0.supported_schemes()
    }
}
