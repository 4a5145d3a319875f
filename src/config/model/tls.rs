//! The TLS settings of one server as data: file contents, not OpenSSL or rustls objects.

use std::path::PathBuf;
use std::time::Duration;

use super::choices::VerifyClient;
use super::files::{PassPhrases, TlsFile};
use super::versions::TlsVersions;
use crate::base::Protocol;

/// Name and value of an `ssl_conf_command`.
pub type Command = (Box<[u8]>, Box<[u8]>);

/// What the TLS of a server is made from.
#[derive(Clone, Debug)]
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
}

/// `ssl_session_cache`: where TLS sessions are kept for resumption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionCache {
    /// Nowhere, and clients are told so.
    Off,
    /// Nowhere, though clients are not told.
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
    /// None of the pass phrases decrypts the private key in this file.
    Locked(PathBuf),
    /// The key in this file does not match its certificate.
    Mismatch(PathBuf),
    /// No cipher suite is left of `ssl_ciphers`.
    Ciphers,
    /// Anything else, as a whole sentence.
    Other(String),
}
