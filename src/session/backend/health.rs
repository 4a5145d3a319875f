//! Active checks of the peers of a group (`health_check`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::Backends;
use super::candidates::now;
use super::connect::CONNECTING;
use super::matching::satisfy;
use super::probe::{ProbeError, ask, connect};
use crate::base::{Address, Level};
use crate::config::{Admission, HealthCheck};
use crate::proto::dialogues;
use crate::session::phase::Phase;
use crate::upstream::{Balancer, HealthChange, Peer};

/// The longest time that a check takes, where `proxy_connect_timeout` allows more.
const LONGEST: Duration = Duration::from_secs(10);

/// A group whose peers are checked.
#[derive(Clone, Debug)]
pub(super) struct CheckedGroup {
    /// The server that decides about protocol, TLS and PROXY headers, and whose log has the changes.
    pub backends: Arc<Backends>,
    pub balancer: Arc<Balancer>,
    pub check: HealthCheck,
    /// Limits the checks of all groups.
    pub permits: Arc<Semaphore>,
}

impl CheckedGroup {
    /// Checks each peer once in an interval. A check that takes longer puts off the next one of its peer, and no others.
    pub async fn check(self) {
        let mut ticks = interval(self.check.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tasks = JoinSet::new();
        let mut running: Vec<(Arc<Peer>, AbortHandle)> = Vec::new();
        loop {
            ticks.tick().await;
            while tasks.try_join_next().is_some() {}
            running.retain(|(_, task)| !task.is_finished());
            for peer in self.balancer.peers() {
                let is_running = running.iter().any(|(one, _)| Arc::ptr_eq(one, &peer));
                if peer.server.admission == Admission::Open && !is_running {
                    let task = tasks.spawn(self.clone().check_peer(Arc::clone(&peer)));
                    running.push((peer, task));
                }
            }
        }
    }

    /// Checks a peer, and logs a change of its state.
    async fn check_peer(self, peer: Arc<Peer>) {
        sleep(by_chance(self.check.jitter)).await;
        let _permit = self.permits.acquire().await;
        let phase = &mut CONNECTING.clone();
        let limit = self.backends.server.proxy.proxy_connect_timeout;
        let asked = timeout(limit.min(LONGEST), self.ask(&peer, phase)).await;
        let result = asked.unwrap_or(Err(ProbeError::TimedOut));
        let Some(change) = self.balancer.checked(&peer, result.is_ok(), now()) else {
            return;
        };
        let (log, address) = (&self.backends.log, &peer.address);
        match (change, result) {
            (HealthChange::Healthy { after }, _) => {
                let seconds = after.as_secs();
                let line = format_args!("upstream {address} is healthy again after {seconds} s");
                log.line(Level::Error, None, line);
            }
            (HealthChange::Unhealthy, Err(why)) => {
                let action = phase.action();
                let line = format_args!("upstream {address} is unhealthy: {why} while {action}");
                log.line(Level::Error, None, line);
            }
            // A successful check makes no peer unhealthy.
            (HealthChange::Unhealthy, Ok(())) => {}
        }
    }

    async fn ask(&self, peer: &Peer, phase: &mut Phase) -> Result<(), ProbeError> {
        let address = match (&peer.address, self.check.port) {
            (Address::Inet(own), Some(port)) => &Address::Inet(SocketAddr::new(own.ip(), port)),
            (own, _) => own,
        };
        let (backends, host) = (&self.backends, &peer.server.host);
        if let Some(matching) = &self.check.matching {
            let mut connection = connect(backends, address, host, phase).await?;
            satisfy(&mut connection, matching, phase).await?;
            connection.leave(&[]).await;
            return Ok(());
        }
        let dialogue = dialogues::availability_probe(&backends.server);
        let (quit, connection) = ask(backends, address, host, dialogue, phase).await?;
        connection.leave(quit).await;
        Ok(())
    }
}

/// A time up to a limit.
fn by_chance(limit: Duration) -> Duration {
    let most = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(fastrand::u64(0..=most))
}
