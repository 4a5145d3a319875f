//! The clock of a run: the system's, or a virtual one that advances only while all tasks wait.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// A source of time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The clock of the system.
    System,
    /// The clock of a runtime with paused time. The tasks of the runtime run while a caller sleeps.
    Virtual(Arc<Runtime>),
}

impl Clock {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            Self::Virtual(runtime) => {
                let _inside = runtime.enter();
                tokio::time::Instant::now().into_std()
            }
        }
    }

    /// Sleeps.
    pub fn sleep(&self, time: Duration) {
        match self {
            Self::System => thread::sleep(time),
            Self::Virtual(runtime) => runtime.block_on(async { tokio::time::sleep(time).await }),
        }
    }
}
