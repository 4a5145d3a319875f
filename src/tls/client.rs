//! TLS towards servers: rustls client configurations made from `ClientTls`, and nginx's log texts for failed handshakes.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{CertificateError, ClientConfig, Error};

use super::pair::Pairs;
use super::peer::{Reason, ServerVerifier};
use super::settings::Settings;
use super::{own, provider, signatures};
use crate::base::{ClientHello, Errno, Registry};
use crate::config::{ClientTls, TlsFault};

/// TLS as a client with one set of settings.
#[derive(Clone, Debug)]
pub struct Connector(Arc<Made>);

#[derive(Debug)]
struct Made {
    id: ConnectorId,
    config: Arc<ClientConfig>,
    /// The name that every server should have.
    name: Option<ServerName<'static>>,
    /// Whether certificates are verified.
    verifies: bool,
}

/// Identifies a [`Connector`], even after it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectorId(u64);

impl ConnectorId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The parameters of one connection's handshake.
#[derive(Clone, Debug)]
pub struct Target {
    /// rustls's configuration.
    pub config: Arc<ClientConfig>,
    /// The name that the server should have.
    pub name: ServerName<'static>,
}

impl Connector {
    /// Identifies it among others.
    #[must_use]
    pub fn id(&self) -> ConnectorId {
        self.0.id
    }

    /// For a connection to `host`, unless the settings have a name. `None` where the certificate is verified and the host has no name that
    /// a certificate could have.
    #[must_use]
    pub fn target(&self, host: &[u8]) -> Option<Target> {
        let made = &self.0;
        let own = made.name.clone().or_else(|| read_name(host));
        // rustls requires a name even where none is verified or sent.
        let any = || (!made.verifies).then_some(ServerName::from(Ipv4Addr::UNSPECIFIED));
        Some(Target {
            config: Arc::clone(&made.config),
            name: own.or_else(any)?,
        })
    }
}

fn read_name(name: &[u8]) -> Option<ServerName<'static>> {
    let name = std::str::from_utf8(name).ok()?;
    // Names in certificates have no trailing dot.
    let name = name.strip_suffix('.').unwrap_or(name);
    ServerName::try_from(name.to_owned()).ok()
}

/// The connectors in use. Equal settings share one, and with it the sessions that can be resumed, over reloads too.
#[derive(Debug, Default)]
pub struct Connectors(Registry<(ClientTls, Vec<Vec<u8>>), Made>);

impl Connectors {
    /// The connector for these settings. `alpn` has the names of the protocol inside, where it has names.
    ///
    /// # Errors
    /// Certificates, key, name or ciphers cannot be used.
    pub fn get(&self, material: &ClientTls, alpn: &[&[u8]]) -> Result<Connector, TlsFault> {
        let alpn = alpn.iter().map(|name| name.to_vec()).collect();
        let key = (material.clone(), alpn);
        let made = self
            .0
            .get_or_make(key, |(material, alpn)| make(material, alpn));
        made.map(Connector)
    }
}

fn make(material: &ClientTls, alpn: &[Vec<u8>]) -> Result<Made, TlsFault> {
    let read = |name: &[u8]| {
        let text = String::from_utf8_lossy(name);
        read_name(name).ok_or_else(|| TlsFault::Other(format!("invalid server name \"{text}\"")))
    };
    let name = material.name.as_deref().map(read).transpose()?;
    let settings = Settings::of_client(material);
    let versions = provider::versions(settings.versions);
    let provider = aws_lc_rs::default_provider();
    let passwords = material.passwords.reveal();
    let own = Pairs::default().load_all(material.pair.as_slice(), passwords, &provider)?;
    let own = own::replace(own, &material.command_files, passwords, &provider)?;
    let own = signatures::limit(own, settings.signs);
    let provider = Arc::new(provider::limited(&settings, &versions)?);
    let verifier = ServerVerifier::new(material, &settings, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| TlsFault::Other(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match own.into_iter().next() {
        Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = material.tells_name;
    if !material.reuses_sessions {
        config.resumption = Resumption::disabled();
    }
    // Guards against decompression bombs.
    config.cert_decompressors.clear();
    config.alpn_protocols = alpn.to_vec();
    Ok(Made {
        id: ConnectorId::next(),
        config: Arc::new(config),
        name,
        verifies: material.verify.is_some(),
    })
}

/// Whether the material makes a TLS client, for `World::check_client_tls`.
///
/// # Errors
/// As [`Connectors::get`].
pub fn check_client(material: &ClientTls) -> Result<(), TlsFault> {
    make(material, &[]).map(drop)
}

impl Target {
    /// A failed handshake as nginx logs it for an upstream.
    pub fn failure(&self, error: &io::Error) -> String {
        use CertificateError::{NotValidForName, Other};
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(Error::InvalidCertificate(NotValidForName)) => {
                let name = self.name.to_str();
                return format!("upstream SSL certificate does not match \"{name}\"");
            }
            Some(Error::InvalidCertificate(Other(other))) => {
                if let Some(reason) = other.0.downcast_ref::<Reason>() {
                    let number = reason.number();
                    return format!("upstream SSL certificate verify error: ({number}:{reason})");
                }
            }
            _ => {}
        }
        let closed = "peer closed connection in SSL handshake";
        match super::failure(error, &ClientHello::default()) {
            Some(failure) => format!("SSL_do_handshake() failed (SSL: {failure})"),
            None if error.kind() == io::ErrorKind::UnexpectedEof => closed.to_owned(),
            None => format!("{closed}{}", Errno(error)),
        }
    }
}
