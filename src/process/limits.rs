//! The limit of open files, and the number of sessions that it and `worker_connections` allow.

use super::process_log::ProcessLog;
use crate::base::Level;
use nix::sys::resource::{Resource, getrlimit, rlim_t};

/// The connections that nginx counts for one session: the client, and the auth server or the backend, since the former is closed before the
/// latter is opened. So `worker_connections` allows as many sessions as nginx would serve.
const CONNECTIONS: usize = 2;
/// The descriptors of one session: client, backend, and an idle connection to an auth server.
const DESCRIPTORS: usize = 3;
/// The descriptors for everything else: logs, epoll, the resolver, files that a reload reads.
const RESERVE: usize = 32;

/// The limit of open files, in descriptors.
#[derive(Clone, Copy, Debug)]
pub struct DescriptorLimit {
    /// The current limit.
    pub soft: rlim_t,
    /// The limit that it may be raised to.
    pub hard: rlim_t,
}

impl DescriptorLimit {
    /// The current limits.
    pub fn now() -> Self {
        // Cannot fail for a known resource. The fallback is the kernel's default.
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 4096));
        Self { soft, hard }
    }

    /// The limits with this `worker_rlimit_nofile`. Without it the soft limit is raised to the hard one.
    #[must_use]
    pub fn with(self, wanted: Option<u64>) -> Self {
        let hard = wanted.unwrap_or(self.hard);
        Self { soft: hard, hard }
    }

    /// Warns if `worker_connections` exceeds the limit, as nginx does.
    pub fn check(&self, worker_connections: usize, log: &ProcessLog) {
        let limit = self.soft;
        if worker_connections as u64 > limit {
            let text = "worker_connections exceed open file resource limit";
            let text = format_args!("{worker_connections} {text}: {limit}");
            log.line(Level::Warn, text);
        }
    }

    /// The number of sessions that these descriptors suffice for; at least one.
    pub fn sessions(&self, listeners: usize) -> usize {
        let all = usize::try_from(self.soft).unwrap_or(usize::MAX);
        (all.saturating_sub(RESERVE + listeners) / DESCRIPTORS).max(1)
    }
}

/// The number of sessions that `worker_connections` allows with this number of workers; at least one.
/// In each worker listening sockets count as connections.
pub fn sessions(worker_connections: usize, workers: usize, listeners: usize) -> usize {
    (worker_connections
        .saturating_sub(listeners)
        .saturating_mul(workers)
        / CONNECTIONS)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_counted_with_all_their_connections() {
        assert_eq!(sessions(512, 1, 2), 255);
        assert_eq!(sessions(512, 4, 2), 1020);
        assert_eq!(sessions(1, 1, 1), 1);
        assert_eq!(
            DescriptorLimit {
                soft: 1024,
                hard: 4096
            }
            .sessions(2),
            330
        );
        assert_eq!(DescriptorLimit { soft: 10, hard: 10 }.sessions(2), 1);
    }
}
