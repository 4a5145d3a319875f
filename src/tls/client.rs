//! TLS towards servers: rustls client configurations made from `ClientTls`, and what a failed handshake is called in nginx's log.

use std::hash::{Hash, Hasher};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{CertificateError, ClientConfig, Error};

use super::peer::{Reason, Servers};
use super::settings::Settings;
use super::{pair, provider, versions};
use crate::base::Errno;
use crate::config::{ClientTls, TlsFault};

/// TLS as a client, made from one set of settings.
#[derive(Clone, Debug)]
pub struct Connector(Arc<Made>);

#[derive(Debug)]
struct Made {
    config: Arc<ClientConfig>,
    /// Who every server should be.
    name: Option<ServerName<'static>>,
    /// Whether it matters who a server is.
    verifies: bool,
}

/// Which [`Connector`] it was, also when that is gone.
#[derive(Clone, Debug)]
pub struct Identity(Weak<Made>);

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_ptr().hash(state);
    }
}

/// All that one connection needs to become TLS.
#[derive(Clone, Debug)]
pub struct Towards {
    /// The side of rustls.
    pub config: Arc<ClientConfig>,
    /// Who the server should be.
    pub name: ServerName<'static>,
}

impl Connector {
    /// Its name among others.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity(Arc::downgrade(&self.0))
    }

    /// For a connection to a server that is called `host`, unless the settings have a name for it. `None`: that is no name that
    /// a certificate could have, and it matters.
    #[must_use]
    pub fn towards(&self, host: &[u8]) -> Option<Towards> {
        let made = &self.0;
        let own = made.name.clone().or_else(|| read_name(host));
        // rustls needs a name in any case.
        let nobody = || (!made.verifies).then_some(ServerName::from(Ipv4Addr::UNSPECIFIED));
        Some(Towards {
            config: Arc::clone(&made.config),
            name: own.or_else(nobody)?,
        })
    }
}

fn read_name(name: &[u8]) -> Option<ServerName<'static>> {
    let name = std::str::from_utf8(name).ok()?;
    // The root's dot is in no certificate.
    let name = name.strip_suffix('.').unwrap_or(name);
    ServerName::try_from(name.to_owned()).ok()
}

/// What a connector was made from.
type Origin = (ClientTls, Vec<Vec<u8>>);

/// The connectors in use. Settings that are the same share one, and with it the sessions that can be resumed, over reloads too.
#[derive(Debug, Default)]
pub struct Connectors(Mutex<Vec<(Origin, Weak<Made>)>>);

impl Connectors {
    /// The one for these settings; `alpn` is what will be spoken inside, where that has a name.
    ///
    /// # Errors
    /// Certificates, key, name or ciphers are of no use.
    pub fn of(&self, material: &ClientTls, alpn: &[&[u8]]) -> Result<Connector, TlsFault> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, made)| made.strong_count() > 0);
        let same = |((own, words), _): &&(Origin, _)| own == material && words == alpn;
        if let Some(made) = all.iter().find(same).and_then(|(_, made)| made.upgrade()) {
            return Ok(Connector(made));
        }
        let made = client(material, alpn)?;
        let words = alpn.iter().map(|word| word.to_vec()).collect();
        all.push(((material.clone(), words), Arc::downgrade(&made.0)));
        Ok(made)
    }
}

fn client(material: &ClientTls, alpn: &[&[u8]]) -> Result<Connector, TlsFault> {
    let read = |name: &[u8]| {
        let text = String::from_utf8_lossy(name);
        read_name(name).ok_or_else(|| TlsFault::Other(format!("invalid server name \"{text}\"")))
    };
    let name = material.name.as_deref().map(read).transpose()?;
    let settings = Settings::of_client(material);
    let enabled = versions::enabled(settings.versions);
    let provider = aws_lc_rs::default_provider();
    let own = pair::load_all(
        material.pair.as_slice(),
        material.passwords.reveal(),
        &provider,
    )?;
    let provider = Arc::new(provider::limited(&settings, &enabled)?);
    let servers = Servers::new(material.verify.as_ref(), &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&enabled)
        .map_err(other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(servers));
    let mut config = match own.into_iter().next() {
        Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = material.tells_name;
    if !material.reuses_sessions {
        config.resumption = Resumption::disabled();
    }
    // A server's certificate is small, and what unpacks large is no friend.
    config.cert_decompressors.clear();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Connector(Arc::new(Made {
        config: Arc::new(config),
        name,
        verifies: material.verify.is_some(),
    })))
}

/// Whether the material makes a TLS client, for `World::check_client_tls`.
///
/// # Errors
/// As [`Connectors::of`].
pub fn check_client(material: &ClientTls) -> Result<(), TlsFault> {
    client(material, &[]).map(drop)
}

fn other(error: impl std::fmt::Display) -> TlsFault {
    TlsFault::Other(error.to_string())
}

impl Towards {
    /// A handshake that failed, in the words of nginx's upstream.
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
        match super::failure(error, b"") {
            Some(failure) => format!("SSL_do_handshake() failed (SSL: {failure})"),
            None if error.kind() == io::ErrorKind::UnexpectedEof => closed.to_owned(),
            None => format!("{closed}{}", Errno(error)),
        }
    }
}
