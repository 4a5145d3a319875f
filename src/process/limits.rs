//! The limit of open files, and the number of sessions that it and `worker_connections` allow.

use super::process_log::ProcessLog;
use crate::base::Level;
use nix::sys::resource::{Resource, getrlimit, rlim_t};

/// The descriptors of one session: the client's, and that of the auth server or the backend.
const DESCRIPTORS: usize = 2;
/// The descriptors of one thread that serves: its epoll instance twice, and an eventfd.
const THREAD: usize = 3;
/// The descriptors for everything else: the main thread, the master, the resolver, kept connections to auth servers.
const RESERVE: usize = 24;

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

    /// The number of sessions that these descriptors suffice for; at least one. A reload hands over all listening sockets and logs once
    /// more.
    pub fn sessions(&self, listeners: usize, logs: usize, threads: usize) -> usize {
        let all = usize::try_from(self.soft).unwrap_or(usize::MAX);
        let others = RESERVE + THREAD * threads + 2 * (listeners + logs);
        (all.saturating_sub(others) / DESCRIPTORS).max(1)
    }
}

/// The number of connections that `worker_connections` allows with this number of workers; enough for one session. In each worker
/// of nginx, listening sockets and the channel to the master count too: its `own` connections.
pub fn connections(worker_connections: usize, own: usize, workers: usize) -> usize {
    (worker_connections.saturating_sub(own))
        .saturating_mul(workers)
        .max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_counted_with_all_their_connections() {
        assert_eq!(connections(512, 3, 1), 509);
        assert_eq!(connections(512, 3, 4), 2036);
        assert_eq!(connections(1, 2, 1), 2);
        assert_eq!(
            DescriptorLimit {
                soft: 1024,
                hard: 4096
            }
            .sessions(2, 1, 2),
            494
        );
        assert_eq!(DescriptorLimit { soft: 10, hard: 10 }.sessions(2, 1, 1), 1);
    }
}
