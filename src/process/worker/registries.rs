//! State that the process shares between its generations.

use std::sync::{Arc, OnceLock};

use crate::base::Registry;
use crate::config::LogTarget;
use crate::limit::Zones;
use crate::limit_store::LimitStores;
use crate::log::LogFiles;
use crate::monitor::Monitor;
use crate::net::dialer::Dialer;
use crate::net::resolver::Resolvers;
use crate::session::{CapabilityCache, PeerFailures, Shared};
use crate::tls::{Connectors, Pairs, Resumption};
use crate::upstream::Balancers;

/// The open files and caches that a generation takes over from the one before. They live as long as the process.
#[derive(Debug, Default)]
pub struct Registries {
    /// Open log files.
    pub log_files: LogFiles,
    /// Resolvers with their caches.
    pub resolvers: Resolvers,
    /// TLS sessions that clients can resume.
    pub resumption: Resumption,
    /// Certificates with their keys.
    pub pairs: Pairs,
    /// Connectors for TLS as a client, with sessions that can be resumed.
    pub connectors: Connectors,
    /// The capabilities of backends.
    pub capabilities: CapabilityCache,
    /// The failures of backends and auth servers, by the logs that have them.
    pub peer_failures: Registry<Vec<LogTarget>, PeerFailures>,
    /// The zones of limits.
    pub zones: Zones,
    /// The stores of limits, with their connections.
    pub limit_stores: LimitStores,
    /// The groups of backends.
    pub balancers: Balancers,
    /// Makes connections to auth servers and backends.
    pub dialer: Dialer,
    /// What is counted for `status`. Made when a configuration first has that directive.
    pub monitor: OnceLock<Arc<Monitor>>,
    /// The state shared by all sessions, such as the connection counter.
    pub shared: Arc<Shared>,
}
