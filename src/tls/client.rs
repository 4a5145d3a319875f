//! TLS towards servers: rustls client configurations made from `ClientTls`, and what a failed handshake is called in nginx's log.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::{ciphers, pair, versions};
use crate::config::{ClientTls, Errno, TlsFault, TlsFile};

/// All that a connection needs to become TLS.
#[derive(Clone, Debug)]
pub struct Connector {
    /// The side of rustls.
    pub config: Arc<ClientConfig>,
    /// Who the server should be.
    pub name: ServerName<'static>,
}

/// Builds the TLS side towards one server; `alpn` is what will be spoken inside, where that has a name.
///
/// # Errors
/// Certificates, key, name or ciphers are of no use.
pub fn client(material: &ClientTls, alpn: &[&[u8]]) -> Result<Connector, TlsFault> {
    let name = String::from_utf8_lossy(&material.name).into_owned();
    let invalid = |_| TlsFault::Other(format!("invalid server name \"{name}\""));
    let server = ServerName::try_from(name.clone()).map_err(invalid)?;
    let enabled = versions::enabled(material.versions);
    let mut provider = aws_lc_rs::default_provider();
    let own = pair::load_all(material.pair.as_slice(), &[], &provider)?;
    ciphers::apply(&mut provider.cipher_suites, &material.ciphers, &enabled)?;
    let provider = Arc::new(provider);
    let trust = match material.verify {
        true => Trust::in_roots(material.roots.as_ref(), &provider)?,
        false => Trust::in_anybody(&provider),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&enabled)
        .map_err(other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust));
    let mut config = match own.into_iter().next() {
        Some(own) => {
            builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(own)))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Connector {
        config: Arc::new(config),
        name: server,
    })
}

/// Whether the material makes a TLS client, for `World::check_client_tls`.
///
/// # Errors
/// As [`client`].
pub fn check_client(material: &ClientTls) -> Result<(), TlsFault> {
    client(material, &[]).map(drop)
}

fn other(error: impl std::fmt::Display) -> TlsFault {
    TlsFault::Other(error.to_string())
}

/// Which servers are trusted.
#[derive(Debug)]
struct Trust {
    issuers: Issuers,
    /// Certificates that are trusted themselves: such a file often holds just the server's own, signed by itself.
    own: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Whose certificates are trusted.
#[derive(Debug)]
enum Issuers {
    /// Anybody's: nothing is checked.
    Any,
    /// Nobody's: the system has no CAs.
    None,
    /// Those of these CAs.
    Roots(Arc<WebPkiServerVerifier>),
}

impl Trust {
    fn in_anybody(provider: &rustls::crypto::CryptoProvider) -> Self {
        Self {
            issuers: Issuers::Any,
            own: Vec::new(),
            algorithms: provider.signature_verification_algorithms,
        }
    }

    fn in_roots(
        file: Option<&TlsFile>,
        provider: &Arc<rustls::crypto::CryptoProvider>,
    ) -> Result<Self, TlsFault> {
        let (own, system) = match file {
            Some(file) => (named(file)?, Vec::new()),
            None => (Vec::new(), rustls_native_certs::load_native_certs().certs),
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(own.iter().cloned().chain(system));
        let issuers = match roots.is_empty() {
            true => Issuers::None,
            false => {
                let builder =
                    WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
                Issuers::Roots(builder.build().map_err(other)?)
            }
        };
        Ok(Self {
            issuers,
            own,
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

/// The certificates of a file of CAs.
fn named(file: &TlsFile) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file.bytes).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    found.ok_or_else(|| {
        let path = file.path.display();
        TlsFault::Other(format!("SSL_CTX_load_verify_locations(\"{path}\") failed"))
    })
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        along: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = match &self.issuers {
            Issuers::Any => return Ok(ServerCertVerified::assertion()),
            Issuers::None => Err(CertificateError::UnknownIssuer.into()),
            Issuers::Roots(chain) => chain.verify_server_cert(own, along, name, ocsp, now),
        };
        // Certificates that sign themselves say of themselves that they are CAs: as servers they are taken all the same.
        let is_issuer = |error: &Error| {
            use CertificateError::{Other, UnknownIssuer};
            matches!(error, Error::InvalidCertificate(Other(_) | UnknownIssuer))
        };
        if verdict.as_ref().is_err_and(is_issuer) && self.own.iter().any(|trusted| trusted == own) {
            let parsed = ParsedCertificate::try_from(own)?;
            rustls::client::verify_server_name(&parsed, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, own, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, own, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Connector {
    /// A handshake that failed, in the words of nginx's upstream, with OpenSSL's numbers for certificates.
    pub fn failure(&self, error: &io::Error) -> String {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => {
                let name = self.name.to_str();
                format!("upstream SSL certificate does not match \"{name}\"")
            }
            Some(Error::InvalidCertificate(why)) => {
                let reason = reason(why);
                format!("upstream SSL certificate verify error: ({reason})")
            }
            Some(error) => format!("SSL_do_handshake() failed (SSL: {error})"),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                "peer closed connection in SSL handshake".to_owned()
            }
            None => format!("SSL_do_handshake() failed{}", Errno(error)),
        }
    }
}

fn reason(why: &CertificateError) -> String {
    use CertificateError as E;
    let known = match why {
        E::BadSignature => "7:certificate signature failure",
        E::NotValidYet | E::NotValidYetContext { .. } => "9:certificate is not yet valid",
        E::Expired | E::ExpiredContext { .. } => "10:certificate has expired",
        E::UnknownIssuer => "20:unable to get local issuer certificate",
        E::Revoked => "23:certificate revoked",
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => "26:unsuitable certificate purpose",
        other => return format!("1:{other}"),
    };
    known.to_owned()
}
