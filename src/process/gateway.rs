//! What all parts of a running process share.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::generation::Generation;
use super::limits;
use super::sessions::Sessions;
use crate::config::{Options, World};
use crate::log::{ErrorLog, Files};
use crate::net::dialer::Dialer;
use crate::net::resolver::Resolvers;
use crate::session::{CapabilityCache, Shared};
use crate::tls::{Connectors, Resumption};

/// The process, seen from its acceptors and from a reload.
pub struct Gateway {
    /// How it was started: a reload reads the same file.
    pub options: Options,
    /// Where a reload reads from.
    pub world: Arc<dyn World + Send + Sync>,
    /// The open log files of all generations.
    pub files: Files,
    /// The resolvers of all generations.
    pub resolvers: Resolvers,
    /// The current generation.
    pub generation: ArcSwap<Generation>,
    /// TLS sessions that can be resumed, of all generations.
    pub resumption: Resumption,
    /// TLS as a client, of all generations.
    pub connectors: Connectors,
    /// What backends announce, of all generations.
    pub capabilities: CapabilityCache,
    /// How sessions connect to auth servers and backends.
    pub dialer: Dialer,
    /// Open sessions of all generations.
    pub sessions: Arc<Sessions>,
    /// What sessions share.
    pub shared: Arc<Shared>,
    /// The limit of open files.
    pub descriptors: limits::Files,
}

impl Gateway {
    /// The main error log of now.
    pub fn log(&self) -> Arc<ErrorLog> {
        Arc::clone(&self.generation.load().log)
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Gateway")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
