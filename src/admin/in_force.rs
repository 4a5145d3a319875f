//! What the pages show of the configuration in force.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::limit::Zone;
use crate::monitor::ServerKey;
use crate::tls::CertificateFacts;
use crate::upstream::Balancer;

/// A configuration in force.
#[derive(Debug)]
pub struct InForce {
    /// The number of the configuration: the first one of a master is 1.
    pub number: u64,
    /// When it was put in force.
    pub since: SystemTime,
    /// The `listen` addresses, in the order of the sockets.
    pub servers: Vec<ServerInForce>,
    /// The groups of backends, each once.
    pub groups: Vec<Arc<Balancer>>,
    /// The zones of limits, each once, in the order of their names.
    pub limit_zones: Vec<LimitZoneInForce>,
    /// The certificates that clients get, each once.
    pub certificates: Vec<Certificate>,
}

/// One `listen` address.
#[derive(Clone, Debug)]
pub struct ServerInForce {
    /// The address.
    pub key: ServerKey,
    /// `server_name`
    pub name: String,
}

/// A zone of `limit_conn`, `limit_session` or `limit_auth`.
#[derive(Clone, Debug)]
pub struct LimitZoneInForce {
    pub name: String,
    /// `conn`, `session` or `auth`.
    pub kind: &'static str,
    /// The key as written.
    pub key: String,
    /// The most memory that it may need, in bytes.
    pub size: usize,
    pub zone: Arc<dyn Zone>,
}

/// A certificate that clients get.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Its file; `data:` within the configuration.
    pub file: PathBuf,
    /// What is in it.
    pub facts: CertificateFacts,
}
