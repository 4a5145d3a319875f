//! The process in the status.

use serde::Serialize;

use crate::admin::process::ProcessFigures;
use crate::admin::state::State;
use crate::admin::time::seconds;

/// The worker process.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Process {
    pub pid: u32,
    /// Bytes in memory.
    pub resident_memory: Option<u64>,
    /// Seconds on the processors.
    pub cpu_seconds: Option<f64>,
    pub open_files: Option<u64>,
    pub most_open_files: Option<u64>,
    /// When counting began, in seconds since 1970.
    #[serde(skip)]
    pub started: f64,
}

impl Process {
    pub(super) fn of(state: &State) -> Self {
        let figures = ProcessFigures::now(state.process().as_mut());
        Self {
            pid: std::process::id(),
            resident_memory: figures.resident,
            cpu_seconds: figures.cpu.map(|cpu| cpu.as_secs_f64()),
            open_files: figures.descriptors,
            most_open_files: figures.most_descriptors,
            started: seconds(state.monitor.started),
        }
    }
}
