//! `health_check`: how the peers of a group are checked.

use std::time::Duration;

/// `health_check` in `upstream {}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HealthCheck {
    /// `interval`: the time between two checks of a peer, more than zero.
    pub interval: Duration,
    /// `jitter`: the longest time by which a check is delayed, by chance.
    pub jitter: Duration,
    /// `fails`: how many checks in a row make a peer unhealthy, at least 1.
    pub fails: u32,
    /// `passes`: how many checks in a row make it healthy again, at least 1.
    pub passes: u32,
    /// `port`: where the checks connect to, in place of the peer's port.
    pub port: Option<u16>,
}

/// nginx's default of `interval`.
const INTERVAL: Duration = Duration::from_secs(5);

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            interval: INTERVAL,
            jitter: Duration::ZERO,
            fails: 1,
            passes: 1,
            port: None,
        }
    }
}
