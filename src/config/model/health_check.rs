//! `health_check`: how the peers of a group are checked.

use std::time::Duration;

use super::health_match::HealthMatch;

/// `health_check` in `upstream {}`. `M` is the block that `match` names, or the name while the blocks are read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HealthCheck<M = HealthMatch> {
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
    /// `match`: what is sent and expected. Without it, a check is the greeting and the question for capabilities.
    pub matching: Option<M>,
}

/// nginx's default of `interval`.
const INTERVAL: Duration = Duration::from_secs(5);

impl<M> HealthCheck<M> {
    /// The same check with another value of `match`.
    pub fn with_match<N>(&self, matching: Option<N>) -> HealthCheck<N> {
        HealthCheck {
            interval: self.interval,
            jitter: self.jitter,
            fails: self.fails,
            passes: self.passes,
            port: self.port,
            matching,
        }
    }
}

impl<M> Default for HealthCheck<M> {
    fn default() -> Self {
        Self {
            interval: INTERVAL,
            jitter: Duration::ZERO,
            fails: 1,
            passes: 1,
            port: None,
            matching: None,
        }
    }
}
