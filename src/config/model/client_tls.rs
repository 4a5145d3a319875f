//! The TLS settings towards one other server, as data.

use super::files::{PassPhrases, TlsFile};
use super::tls::Command;
use super::versions::TlsVersions;

/// What TLS as a client is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Whether sessions are resumed.
    pub reuses_sessions: bool,
}

/// How a server's certificate is verified, besides its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verify {
    /// The trusted CAs; the system's where none are named.
    pub roots: Option<TlsFile>,
    /// How many CA certificates may stand between it and a trusted one.
    pub depth: usize,
    /// Revoked certificates.
    pub crl: Option<TlsFile>,
}
