//! The things that the pages show, as their owner updates them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::in_force::InForce;
use super::process::ProcessSource;
use crate::monitor::Monitor;

/// What the pages show.
#[derive(Debug)]
pub struct State {
    /// What sessions publish.
    pub monitor: Arc<Monitor>,
    in_force: ArcSwapOption<InForce>,
    quitting: AtomicBool,
    process: Mutex<Option<ProcessSource>>,
    viewers: Arc<Semaphore>,
}

/// The most clients at a time. Further ones wait in the queue of their socket.
pub const MOST_CLIENTS: usize = 32;
/// The most clients that follow `/events`: half of all clients, so that the others always find a place.
const MOST_VIEWERS: usize = MOST_CLIENTS / 2;

/// The place of a client that follows `/events`. Dropping it makes room.
pub(super) type Viewer = OwnedSemaphorePermit;

impl State {
    /// The state of a process that serves no configuration yet.
    pub fn new(monitor: Arc<Monitor>) -> Self {
        Self {
            monitor,
            in_force: ArcSwapOption::empty(),
            quitting: AtomicBool::new(false),
            process: Mutex::new(None),
            viewers: Arc::new(Semaphore::new(MOST_VIEWERS)),
        }
    }

    /// Shows another configuration.
    pub fn put_in_force(&self, in_force: InForce) {
        self.in_force.store(Some(Arc::new(in_force)));
    }

    /// The configuration in force.
    pub fn in_force(&self) -> Option<Arc<InForce>> {
        self.in_force.load_full()
    }

    /// The process accepts no more clients.
    pub fn quit(&self) {
        self.quitting.store(true, Ordering::Relaxed);
    }

    /// Whether clients are served: a configuration is in force, and the process does not end.
    pub fn is_ready(&self) -> bool {
        !self.quitting.load(Ordering::Relaxed) && self.in_force.load().is_some()
    }

    /// A place for a client that follows `/events`. `None`: there are too many.
    pub(super) fn viewer(&self) -> Option<Viewer> {
        Arc::clone(&self.viewers).try_acquire_owned().ok()
    }

    /// Takes the source of the kernel's figures.
    pub fn set_process(&self, source: ProcessSource) {
        *self.process() = Some(source);
    }

    /// The source of the kernel's figures, if there is one.
    pub(super) fn process(&self) -> MutexGuard<'_, Option<ProcessSource>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
