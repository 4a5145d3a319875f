//! A running process, as its acceptors and a reload see it.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::generation::Generation;
use super::limits::DescriptorLimit;
use super::registries::Registries;
use super::session_count::SessionCount;
use crate::config::{Options, World};
use crate::log::ErrorLog;

/// The state that all parts of the process share.
pub struct Instance {
    /// The options of the start. A reload reads the same file.
    pub options: Options,
    /// Where a reload reads from.
    pub world: Arc<dyn World + Send + Sync>,
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
