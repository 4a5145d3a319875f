//! A running process, as its acceptors and a reload see it.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::generation::Generation;
use super::registries::Registries;
use super::session_count::SessionCount;
use crate::log::ErrorLog;
use crate::process::limits::DescriptorLimit;

/// The state that all parts of the process share.
pub struct Instance {
    /// The state that generations share.
    pub registries: Registries,
    /// The current generation.
    pub generation: ArcSwap<Generation>,
    /// The open sessions of all generations.
    pub sessions: Arc<SessionCount>,
    /// The limit of open files.
    pub descriptors: DescriptorLimit,
}

impl Instance {
    /// An instance with its first generation.
    pub fn new(
        registries: Registries,
        generation: Generation,
        descriptors: DescriptorLimit,
    ) -> Self {
        let per_worker = generation.config.events.worker_connections;
        let connections = &registries.shared.connections;
        connections.set_limit(generation.connections(), per_worker);
        Self {
            registries,
            generation: ArcSwap::from_pointee(generation),
            sessions: Arc::default(),
            descriptors,
        }
    }

    /// The main error log of the current generation.
    pub fn log(&self) -> Arc<ErrorLog> {
        Arc::clone(&self.generation.load().log)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Instance")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
