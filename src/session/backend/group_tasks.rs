//! The tasks that keep the groups of a generation up to date: health checks, and look-ups of names. No session waits for them.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Backends, health, names};
use crate::upstream::Balancer;

/// The most health checks at the same time.
const CHECKS: usize = 64;

/// The tasks of one generation. They end when this is dropped.
#[derive(Debug, Default)]
pub struct GroupTasks(JoinSet<()>);

impl GroupTasks {
    /// Starts the tasks of the groups that these servers use. Where several servers use one group, the first of them decides how it is
    /// checked. Must be called inside the runtime.
    pub fn start<'a>(servers: impl Iterator<Item = &'a Arc<Backends>>) -> Self {
        let (mut tasks, mut groups) = (JoinSet::new(), Vec::<&Arc<Balancer>>::new());
        let permits = Arc::new(Semaphore::new(CHECKS));
        for backends in servers {
            let Some(balancer) = &backends.balancer else {
                continue;
            };
            let group = &balancer.group;
            let resolved = || {
                group
                    .servers
                    .iter()
                    .filter_map(|server| server.resolve.as_ref().zip(Some(server)))
            };
            if group.health_check.is_none() && resolved().next().is_none() {
                continue;
            }
            if groups.iter().any(|known| Arc::ptr_eq(known, balancer)) {
                continue;
            }
            groups.push(balancer);
            if let Some(check) = &group.health_check {
                let group = health::CheckedGroup {
                    backends: Arc::clone(backends),
                    balancer: Arc::clone(balancer),
                    check: check.clone(),
                    permits: Arc::clone(&permits),
                };
                tasks.spawn(group.check());
            }
            for (name, server) in resolved() {
                let server = names::NamedServer {
                    backends: Arc::clone(backends),
                    balancer: Arc::clone(balancer),
                    name: name.clone(),
                    server: server.name.clone(),
                };
                tasks.spawn(server.follow());
            }
        }
        Self(tasks)
    }

    /// Ends them: the generation lets nobody in any more.
    pub fn end(&mut self) {
        self.0.abort_all();
    }
}
