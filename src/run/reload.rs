//! SIGHUP: a new generation, or none and a line that says why.
//!
//! Two halves. `prepare` does all that may fail or take long, away from the threads that serve; `take_over` puts the result
//! in place, with the few steps that may still fail ahead of the first change.

use std::sync::Arc;

use super::gateway::Gateway;
use super::live::Live;
use super::pid::PidFile;
use super::serve::Service;
use super::voice::Voice;
use super::{bind, early};
use crate::config::{Config, Level, plan};
use crate::net::bound::Bound;
use crate::net::listener::Listener;

/// A generation that is ready to take over.
#[derive(Debug)]
pub struct Prepared {
    live: Live,
    /// Its sockets that the running one does not have.
    added: Vec<Bound>,
}

/// Reads and checks the configuration, opens its logs, binds its new sockets. Blocks. `None`: what was wrong is in the log,
/// and nothing has changed.
pub fn prepare(gateway: &Gateway) -> Option<Prepared> {
    let voice = Voice::running(gateway.log());
    let config = early::load(&gateway.options, &*gateway.world, &voice)?.config;
    let live = voice.accept(Live::build(
        config,
        &gateway.options,
        &gateway.files,
        &gateway.resolvers,
        &gateway.resumption,
        &gateway.connectors,
    ))?;
    let running = Arc::clone(&gateway.live.load().config);
    let added = plan::diff(&running.sockets, &live.config.sockets).added;
    let is_added = |socket: &&plan::Socket| added.contains(&socket.address);
    let added: Vec<_> = live.config.sockets.iter().filter(is_added).collect();
    let added = bind::all(&added, &voice.with_log(Arc::clone(&live.log)))?;
    Some(Prepared { live, added })
}

impl Service {
    /// Puts a prepared generation in place of the running one. Sessions in progress notice nothing.
    pub(super) async fn take_over(&mut self, Prepared { live, added }: Prepared) {
        let voice = Voice::running(self.gateway.log());
        let path = &live.config.core.pid;
        let pid = (path != self.pid.path())
            .then(|| PidFile::write(path))
            .transpose();
        let Some(pid) = voice.check(format_args!("open() \"{}\"", path.display()), pid) else {
            return;
        };
        let listeners = added.into_iter().map(Listener::new).collect();
        let Some(listeners) = voice.check(format_args!("epoll_ctl()"), listeners) else {
            return;
        };

        let (old, new) = (
            Arc::clone(&self.gateway.live.load().config),
            Arc::clone(&live.config),
        );
        for address in plan::diff(&old.sockets, &new.sockets).removed {
            self.doors.close(&address).await;
        }
        self.gateway.live.store(Arc::new(live));
        self.mention_what_stays(&old, &new);
        self.doors.configure(&new.sockets, &self.gateway);
        self.doors.open(listeners, &self.gateway);
        self.gateway.live.load().ask_ahead(&self.gateway.shared);
        if let Some(pid) = pid {
            self.pid = pid;
        }
        self.debug.follow(self.gateway.log());
        // nginx opens every log anew for a new configuration; whoever rotates logs by SIGHUP relies on it.
        self.open_logs_anew();
        self.notice(format_args!("reconfigured"));
    }

    /// Threads and limits are those of the start.
    fn mention_what_stays(&self, old: &Config, new: &Config) {
        let (old, new) = (&old.core, &new.core);
        for (name, changed) in [
            (
                "worker_processes",
                old.worker_processes != new.worker_processes,
            ),
            (
                "worker_rlimit_nofile",
                old.worker_rlimit_nofile != new.worker_rlimit_nofile,
            ),
        ] {
            if changed {
                let text = format_args!("a new \"{name}\" takes effect with the next start");
                self.say(Level::Warn, text);
            }
        }
    }
}
