//! How many descriptors the process may have, and how many sessions they and `worker_connections` carry.

use std::io;

use super::voice::Voice;
use crate::base::Level;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// Connections that nginx counts for one session at any time: the client, and the auth server or the backend (the former
/// is closed before the latter is opened). The limit of `worker_connections` lets in as many sessions as nginx would serve.
const CONNECTIONS: usize = 2;
/// Descriptors that one session may hold: client, backend, and an auth connection that is kept for the next one.
const DESCRIPTORS: usize = 3;
/// Descriptors for all else: logs, epoll, the resolver, files read by a reload.
const RESERVE: usize = 32;

/// The limit of open files, in descriptors.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    /// The limit in force.
    pub soft: rlim_t,
    /// What it may be raised to.
    pub hard: rlim_t,
}

impl Files {
    /// What holds now.
    pub fn now() -> Self {
        // Cannot fail for a known resource; if it did, this is what the kernel gives everybody.
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 4096));
        Self { soft, hard }
    }

    /// Sets `worker_rlimit_nofile`, or, without it, raises the soft limit to the hard one.
    pub fn raise(&mut self, wanted: Option<rlim_t>) -> io::Result<()> {
        let (soft, hard) = wanted.map_or((self.hard, self.hard), |wanted| (wanted, wanted));
        if (soft, hard) != (self.soft, self.hard) {
            setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?;
            *self = Self { soft, hard };
        }
        Ok(())
    }

    /// Warns where `worker_connections` asks for more, as nginx does.
    pub fn mention(&self, worker_connections: usize, voice: &Voice) {
        let limit = self.soft;
        if worker_connections as u64 > limit {
            let text = "worker_connections exceed open file resource limit";
            voice.say(
                Level::Warn,
                format_args!("{worker_connections} {text}: {limit}"),
            );
        }
    }

    /// Sessions that can be served to their end with these descriptors; never less than one.
    pub fn sessions(&self, listeners: usize) -> usize {
        let all = usize::try_from(self.soft).unwrap_or(usize::MAX);
        (all.saturating_sub(RESERVE + listeners) / DESCRIPTORS).max(1)
    }
}

/// Sessions that `worker_connections` of that many workers admit; never less than one. Listening sockets take
/// connections too, in each worker.
pub fn admitted(worker_connections: usize, workers: usize, listeners: usize) -> usize {
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
    fn sessions_are_counted_to_their_end() {
        assert_eq!(admitted(512, 1, 2), 255);
        assert_eq!(admitted(512, 4, 2), 1020);
        assert_eq!(admitted(1, 1, 1), 1);
        assert_eq!(
            Files {
                soft: 1024,
                hard: 4096
            }
            .sessions(2),
            330
        );
        assert_eq!(Files { soft: 10, hard: 10 }.sessions(2), 1);
    }
}
