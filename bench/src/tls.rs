//! TLS of the bench: a certificate for both gateways, and a client that asks of both the same work.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::failure::{Doing as _, Failure};

/// A certificate and its key, both PEM.
#[derive(Debug)]
pub struct Pair {
    /// The certificate, self-signed, for localhost.
    pub certificate: String,
    /// Its key: ECDSA on P-256.
    pub key: String,
}

/// Makes a new pair.
pub fn pair() -> Result<Pair, Failure> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .doing(|| "make a certificate".to_owned())?;
    Ok(Pair {
        certificate: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
    })
}

/// A client that makes a full TLS 1.3 handshake each time and believes any certificate.
///
/// One group and one cipher suite: two servers that may choose would not do the same work.
pub fn client() -> Result<Arc<ClientConfig>, Failure> {
    let provider = rustls::crypto::CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
        ..aws_lc_rs::default_provider()
    };
    let schemes = provider
        .signature_verification_algorithms
        .supported_schemes();
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .doing(|| "set up TLS".to_owned())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting { schemes }))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Looks at nothing: what the client's checks cost is not what is measured.
#[derive(Debug)]
struct Trusting {
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General(
            "this client speaks TLS 1.3 only".to_owned(),
        ))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
