//! How long a player waits until the gateway counts as idle.

use std::time::Duration;

/// The conditions under which the gateway counts as idle.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The number of probes without any event.
    pub probes: usize,
    /// A pause after these probes.
    pub pause: Duration,
    /// How long the gateway may be behind the one that played before.
    pub grace: Duration,
}

impl Timing {
    /// For many conversations at once.
    pub const FAST: Self = Self {
        probes: 2,
        pause: Duration::ZERO,
        grace: Duration::from_millis(500),
    };
    /// For a single conversation in which the gateways differed.
    pub const THOROUGH: Self = Self {
        probes: 4,
        pause: Duration::from_millis(40),
        grace: Duration::from_millis(1500),
    };
}
