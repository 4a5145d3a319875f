//! Which servers a client of TLS goes on with: rustls asks while it shakes hands, and whoever is not good enough is left there.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use std::sync::Arc;

use super::super::pem;
use super::certificate::Certificate;
use super::chain::{Store, Trial};
use super::crl::Revoked;
use super::extensions::Purpose;
use super::verifier::Possession;
use crate::config::{TlsFault, Verify};

/// Judges the servers that one set of settings leads to.
#[derive(Debug)]
pub(in crate::tls) struct Servers {
    /// `None`: whoever it is.
    measure: Option<Measure>,
    possession: Possession,
}

/// What a certificate is measured by.
#[derive(Debug)]
struct Measure {
    depth: usize,
    trusted: Store,
    revoked: Option<Revoked>,
    /// Whether a CA that limits names is trusted.
    limits_names: bool,
}

impl Servers {
    /// Without `verify` every server is taken.
    ///
    /// # Errors
    /// A file without certificates, or without revocation lists.
    pub fn new(verify: Option<&Verify>, provider: &CryptoProvider) -> Result<Self, TlsFault> {
        Ok(Self {
            measure: verify.map(Measure::new).transpose()?,
            possession: Possession(provider.signature_verification_algorithms),
        })
    }
}

impl Measure {
    fn new(verify: &Verify) -> Result<Self, TlsFault> {
        let trusted = match &verify.roots {
            Some(file) => pem::authorities(Some(file))?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        let trusted = Store::new(trusted.into_iter());
        Ok(Self {
            depth: verify.depth,
            limits_names: trusted.limits_names(),
            trusted,
            revoked: verify.crl.as_ref().map(Revoked::read).transpose()?,
        })
    }

    /// X509_check_host(3): the names that a certificate has for hosts; its subject's only where it has none.
    fn is_called(
        &self,
        own: &CertificateDer<'_>,
        along: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> bool {
        let parsed = ParsedCertificate::try_from(own);
        if parsed.is_ok_and(|own| rustls::client::verify_server_name(&own, name).is_ok()) {
            return true;
        }
        let mut all = [own].into_iter().chain(along);
        // What a CA may not sign is looked for among the former names alone.
        let limits = |der: &CertificateDer<'_>| {
            Certificate::read(der).is_none_or(|one| one.extensions.has_name_constraints)
        };
        !self.limits_names
            && !all.any(limits)
            && Certificate::read(own).is_some_and(|own| own.is_by_subject(&name.to_str()))
    }
}

impl ServerCertVerifier for Servers {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        along: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(measure) = &self.measure else {
            return Ok(ServerCertVerified::assertion());
        };
        let trial = Trial {
            trusted: &measure.trusted,
            revoked: measure.revoked.as_ref(),
            depth: measure.depth,
            purpose: Purpose::Server,
            algorithms: &self.possession.0,
            now,
        };
        let verdict = trial.judge(own, along);
        verdict.map_err(|reason| CertificateError::Other(OtherError(Arc::new(reason))))?;
        if !measure.is_called(own, along, name) {
            return Err(CertificateError::NotValidForName.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.possession.in_tls12(message, own, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.possession.in_tls13(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.possession.0.supported_schemes()
    }
}
