//! The tasks that keep the groups of a generation up to date: health checks, and look-ups of names. No session waits for them.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{BackendChoice, Backends, health, names};
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
        let (mut tasks, mut groups) = (JoinSet::new(), HashSet::new());
        let permits = Arc::new(Semaphore::new(CHECKS));
        for (backends, balancer) in
            servers.flat_map(|one| one.balancers().map(move |its| (one, its)))
        {
            if !groups.insert(Arc::as_ptr(balancer)) {
                continue;
            }
            let group = &balancer.group;
            if let Some(check) = &group.health_check {
                let group = health::CheckedGroup {
                    backends: Arc::clone(backends),
                    balancer: Arc::clone(balancer),
                    check: check.clone(),
                    permits: Arc::clone(&permits),
                };
                tasks.spawn(group.check());
            }
            for server in &group.servers {
                if let Some(name) = &server.resolve {
                    let server = names::NamedServer {
                        backends: Arc::clone(backends),
                        balancer: Arc::clone(balancer),
                        name: name.clone(),
                        server: server.name.clone(),
                    };
                    tasks.spawn(server.follow());
                }
            }
        }
        Self(tasks)
    }

    /// Ends them: the generation lets nobody in any more.
    pub fn end(&mut self) {
        self.0.abort_all();
    }
}

impl Backends {
    /// The groups that sessions of the server may use.
    pub(super) fn balancers(&self) -> impl Iterator<Item = &Arc<Balancer>> {
        let (one, by_name) = match &self.choice {
            BackendChoice::AuthServer => (None, None),
            BackendChoice::Group(group) => (Some(group), None),
            BackendChoice::Route(_, groups) => (None, Some(groups.values())),
        };
        one.into_iter().chain(by_name.into_iter().flatten())
    }
}
