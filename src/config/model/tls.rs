//! The TLS settings of one server as data: file contents, not OpenSSL or rustls objects.

use std::path::PathBuf;

use crate::base::Protocol;
use crate::config::schema::modules::ssl::VerifyClient;
use crate::config::schema::values::session_cache::SessionCache;

/// Name and value of an `ssl_conf_command`.
pub type Command = (Box<[u8]>, Box<[u8]>);

/// What a TLS server configuration is made from. Present only where TLS is used.
#[derive(Clone, Debug)]
pub struct TlsMaterial {
    /// Certificate chain and key, pairs in the order written.
    pub pairs: Vec<(TlsFile, TlsFile)>,
    /// `ssl_protocols`, less what is never negotiated.
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
    /// `ssl_session_ticket_key`: files of 48 or 80 bytes, the first one encrypts.
    pub ticket_keys: Vec<TlsFile>,
    /// `ssl_session_timeout`
    pub session_timeout: std::time::Duration,
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
    /// `ssl_password_file`: pass phrases for encrypted keys, in the order written.
    pub passwords: Vec<Box<[u8]>>,
    /// The protocol behind it, for ALPN.
    pub protocol: Protocol,
}

/// A file that TLS needs, read when the configuration was.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsFile {
    /// Its absolute path, for messages.
    pub path: PathBuf,
    /// Its content, shared by all servers that name it.
    pub bytes: std::sync::Arc<[u8]>,
}

impl std::fmt::Debug for TlsFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the content: it may be a private key.
        f.debug_tuple("TlsFile").field(&self.path).finish()
    }
}

/// The TLS versions that may be negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsVersions {
    /// TLSv1.2
    pub tls12: bool,
    /// TLSv1.3
    pub tls13: bool,
}

/// Why the material cannot be used. The sentence is made here, after nginx's; the reasons after OpenSSL's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// No certificate can be read from this file.
    Certificate(PathBuf),
    /// No private key can be read from this file.
    Key(PathBuf),
    /// None of the pass phrases opens the private key in this file.
    Locked(PathBuf),
    /// The key in this file is not that of its certificate.
    Mismatch(PathBuf),
    /// No cipher suite is left of `ssl_ciphers`.
    Ciphers,
    /// Anything else, as a whole sentence.
    Other(String),
}
