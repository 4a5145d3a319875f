//! The time that a run goes by: the system's, or a virtual one that passes only while nobody has anything to do.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// A source of time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's.
    System,
    /// That of a runtime whose time is paused. The runtime's tasks run while this clock sleeps.
    Virtual(Arc<Runtime>),
}

impl Clock {
    /// A point in this time.
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

    /// Lets this much time pass.
    pub fn sleep(&self, time: Duration) {
        match self {
            Self::System => thread::sleep(time),
            Self::Virtual(runtime) => runtime.block_on(async { tokio::time::sleep(time).await }),
        }
    }
}
