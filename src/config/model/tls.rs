//! TLS settings as data: file contents, not OpenSSL or rustls objects.

use std::path::PathBuf;
use std::time::Duration;

use super::conf_command::{Command, CommandFiles};
use super::files::{PassPhrases, TlsFile};
use super::values::{Alpn, VerifyClient};
use super::versions::TlsVersions;
use crate::base::{Protocol, Secret};

/// OpenSSL's own limit of the depth of a chain.
const ANY_DEPTH: usize = 100;

/// When TLS begins. `T` is the TLS material: file contents in a configuration, a ready TLS configuration in a running server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode<T> {
    /// Never: the connection stays in clear text.
    #[default]
    Off,
    /// Within the open connection, by STARTTLS or STLS.
    StartTls {
        /// Whether logins are refused before it.
        required: bool,
        /// The TLS material.
        tls: T,
    },
    /// With the first byte.
    Implicit(T),
}

impl<T> TlsMode<T> {
    /// The TLS material; `None` for clear text.
    pub fn tls(&self) -> Option<&T> {
        match self {
            Self::Off => None,
            Self::StartTls { tls, .. } | Self::Implicit(tls) => Some(tls),
        }
    }

    /// Converts the TLS material with `make`, and keeps the mode.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn try_map<U, E>(&self, make: impl FnOnce(&T) -> Result<U, E>) -> Result<TlsMode<U>, E> {
        Ok(match self {
            Self::Off => TlsMode::Off,
            Self::StartTls { required, tls } => TlsMode::StartTls {
                required: *required,
                tls: make(tls)?,
            },
            Self::Implicit(tls) => TlsMode::Implicit(make(tls)?),
        })
    }
}

/// The TLS material of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsMaterial {
    /// Certificate chains and their keys, in the order written.
    pub pairs: Vec<(TlsFile, TlsFile)>,
    /// `ssl_protocols`, without those that are never negotiated.
    pub protocols: TlsVersions,
    /// `ssl_ciphers`, OpenSSL's cipher string as written.
    pub ciphers: Box<[u8]>,
    /// `ssl_ecdh_curve` as written; `auto` unless given.
    pub curves: Box<[u8]>,
    /// `ssl_prefer_server_ciphers`
    pub prefer_server_ciphers: bool,
    /// `ssl_certificate_compression`
    pub certificate_compression: bool,
    /// `ssl_conf_command`: names and values in the order written.
    pub commands: Vec<Command>,
    /// The files that those commands name.
    pub command_files: CommandFiles,
    /// `ssl_session_cache`
    pub session_cache: SessionCache,
    /// `ssl_session_tickets`
    pub session_tickets: bool,
    /// `ssl_session_ticket_key`: files of 48 or 80 bytes; the first one encrypts.
    pub ticket_keys: Vec<TlsFile>,
    /// `ssl_session_timeout`
    pub session_timeout: Duration,
    /// `ssl_verify_client`
    pub verify_client: VerifyClient,
    /// `ssl_verify_depth`
    pub verify_depth: usize,
    /// `ssl_client_certificate`: CAs that are also named to the client.
    pub client_cas: Option<TlsFile>,
    /// `ssl_trusted_certificate`
    pub trusted_cas: Option<TlsFile>,
    /// `ssl_crl`
    pub crl: Option<TlsFile>,
    /// `ssl_password_file`: pass phrases for encrypted keys.
    pub passwords: PassPhrases,
    /// The protocol inside TLS, for ALPN.
    pub protocol: Protocol,
    /// `ssl_alpn`
    pub alpn: Alpn,
}

/// `ssl_session_cache`: where TLS sessions are kept for resumption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionCache {
    /// `off`: no cache, and clients receive no session id.
    Off,
    /// `none`: no cache, though clients receive a session id.
    #[default]
    None,
    /// In each process (OpenSSL's own cache).
    Builtin {
        /// How many; 0 is no limit.
        sessions: usize,
    },
    /// In a shared memory zone.
    Shared {
        /// The name of the zone.
        name: Box<[u8]>,
        /// Its size in bytes.
        size: usize,
    },
}

/// Why TLS cannot be made from the given files. `openssl::messages` has nginx's sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// No certificate can be read from this file.
    Certificate(PathBuf),
    /// No private key can be read from this file.
    Key(PathBuf),
    /// The key of the certificate in this file is too small.
    SmallKey(PathBuf),
    /// The private key in this file is of a kind that is not supported, such as Ed448.
    KeyKind(PathBuf, String),
    /// None of the pass phrases decrypts the private key in this file.
    Locked(PathBuf),
    /// The key in this file does not match its certificate.
    Mismatch(PathBuf),
    /// The fault is in a file of this command of `ssl_conf_command`.
    InCommand(&'static str, Box<TlsFault>),
    /// No cipher suite is left of `ssl_ciphers`.
    Ciphers,
    /// Any other error, as a whole sentence.
    Other(String),
}

/// The TLS material for connections to other servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientTls {
    /// How the server's certificate is verified; `None` where it is not.
    pub verify: Option<Verify>,
    /// The name expected in the certificate: a host name, or an address without brackets; `None` where each connection has its own.
    pub name: Option<Box<[u8]>>,
    /// Whether that name is sent to the server (SNI).
    pub tells_name: bool,
    /// The certificate to present, and its key.
    pub pair: Option<(TlsFile, TlsFile)>,
    /// Pass phrases for the key.
    pub passwords: PassPhrases,
    /// The versions that may be negotiated.
    pub versions: TlsVersions,
    /// An OpenSSL cipher string.
    pub ciphers: Box<[u8]>,
    /// Commands of SSL_CONF_cmd(3), in the order written.
    pub commands: Vec<Command>,
    /// The files that those commands name.
    pub command_files: CommandFiles,
    /// Whether sessions are resumed.
    pub reuses_sessions: bool,
}

impl ClientTls {
    /// TLS with a server of this name, and OpenSSL's defaults besides.
    #[must_use]
    pub fn new(name: &[u8], verify: Option<Verify>) -> Self {
        Self {
            verify,
            name: Some(name.into()),
            tells_name: true,
            pair: None,
            passwords: Secret::default(),
            versions: TlsVersions {
                tls12: true,
                tls13: true,
            },
            ciphers: b"DEFAULT".as_slice().into(),
            commands: Vec::new(),
            command_files: CommandFiles::default(),
            reuses_sessions: true,
        }
    }
}

/// How a server's certificate is verified, besides its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verify {
    /// The trusted CAs; the system's where none are named.
    pub roots: Option<TlsFile>,
    /// How many CA certificates may stand between it and a trusted one.
    pub depth: usize,
    /// Revoked certificates.
    pub crl: Option<TlsFile>,
}

impl Verify {
    /// Verification by these CAs, or by those of the system, in chains as long as OpenSSL allows.
    #[must_use]
    pub fn by(roots: Option<TlsFile>) -> Self {
        Self {
            roots,
            depth: ANY_DEPTH,
            crl: None,
        }
    }
}
