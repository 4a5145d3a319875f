//! rustls's verifier of clients for the handshake: it accepts any certificate, unless `VerifyMode` of `ssl_conf_command` verifies it, and
//! requires that a peer holds its key.

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

use super::super::settings::Settings;
use super::super::{pem, signatures};
use super::certificate::Certificate;
use super::client::{ClientPolicy, has_weak_key, hints, verdict};
use super::extensions::Purpose;
use super::reason::Reason;
use super::signature::has_signed;
use super::verify::ChainVerifier;
use crate::config::{TlsFault, TlsMaterial};

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

/// How the handshake treats client certificates. A client with a weak key, which rustls cannot check, proves nothing here; it is refused
/// afterwards, with a reply that gives the reason.
#[derive(Debug)]
struct InHandshake {
    hints: Vec<DistinguishedName>,
    proof: KeyProof,
    schemes: Vec<SignatureScheme>,
    is_required: bool,
    /// What certificates are verified with. `None` accepts every certificate: it is verified after the handshake.
    chains: Option<ChainVerifier>,
}

/// OpenSSL's own limit of the depth of a chain.
pub(super) const ANY_DEPTH: usize = 100;

/// The verifier that a server's handshakes use. `later` verifies after the handshake; without it, the handshake does (`VerifyMode`).
///
/// # Errors
/// A file without certificates.
pub(in crate::tls) fn client_verifier(
    later: Option<&ClientPolicy>,
    material: &TlsMaterial,
    settings: &Settings<'_>,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ClientCertVerifier>, TlsFault> {
    let proof = KeyProof(provider.signature_verification_algorithms);
    let chains = match later {
        Some(_) => None,
        None => {
            let cas = pem::authorities(material.command_files.verify_cas.as_ref())?;
            Some(ChainVerifier::new(cas, None, ANY_DEPTH, Purpose::Client))
        }
    };
    Ok(Arc::new(InHandshake {
        hints: hints(material),
        proof,
        schemes: signatures::among(proof.0.supported_schemes(), settings.verifies),
        is_required: settings.peer.is_required(),
        chains,
    }))
}

/// The error whose alert is the one that OpenSSL sends for a reason.
fn refused(reason: Reason) -> CertificateError {
    match reason {
        Reason::Expired => CertificateError::Expired,
        Reason::Revoked => CertificateError::Revoked,
        reason if reason.is_about_trust() || reason == Reason::NoIssuer => {
            CertificateError::UnknownIssuer
        }
        _ => CertificateError::BadEncoding,
    }
}

impl ClientCertVerifier for InHandshake {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
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
        if let Some(chains) = &self.chains {
            verdict(chains, own, sent).map_err(refused)?;
        }
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
        self.schemes.clone()
    }
}
