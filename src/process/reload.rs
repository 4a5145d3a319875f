//! SIGHUP: a new generation, or none and a line that says why.
//!
//! Two halves. `prepare` does all that may fail or take long, away from the threads that serve; `take_over` puts the result
//! in place, with the few steps that may still fail ahead of the first change.

use std::sync::Arc;

use super::gateway::Gateway;
use super::generation::Generation;
use super::pid::PidFile;
use super::serve::Service;
use super::voice::Voice;
use super::{bind, bootstrap};
use crate::base::Level;
use crate::config::{Config, sockets};
use crate::net::bound::Bound;
use crate::net::listener::Listener;

/// A generation that is ready to take over.
#[derive(Debug)]
pub struct Prepared {
    generation: Generation,
    /// Its sockets that the running one does not have.
    added: Vec<Bound>,
}

/// Reads and checks the configuration, opens its logs, binds its new sockets. Blocks. `None`: what was wrong is in the log,
/// and nothing has changed.
pub fn prepare(gateway: &Gateway) -> Option<Prepared> {
    let voice = Voice::running(gateway.log());
    let config = bootstrap::load(&gateway.options, &*gateway.world, &voice)?.config;
    let generation = voice.accept(Generation::build(
        config,
        &gateway.options,
        &gateway.files,
        &gateway.resolvers,
        &gateway.resumption,
        &gateway.connectors,
        &gateway.capabilities,
        &gateway.dialer,
    ))?;
    let running = Arc::clone(&gateway.generation.load().config);
    let added = sockets::diff(&running.sockets, &generation.config.sockets).added;
    let is_added = |socket: &&sockets::Socket| added.contains(&socket.address);
    let added: Vec<_> = generation.config.sockets.iter().filter(is_added).collect();
    let added = bind::all(&added, &voice.with_log(Arc::clone(&generation.log)))?;
    Some(Prepared { generation, added })
}

impl Service {
    /// Puts a prepared generation in place of the running one. Sessions in progress notice nothing.
    pub(super) async fn take_over(&mut self, Prepared { generation, added }: Prepared) {
        let voice = Voice::running(self.gateway.log());
        let path = &generation.config.pid;
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
            Arc::clone(&self.gateway.generation.load().config),
            Arc::clone(&generation.config),
        );
        for address in sockets::diff(&old.sockets, &new.sockets).removed {
            self.acceptors.close(&address).await;
        }
        self.gateway.generation.store(Arc::new(generation));
        self.mention_what_stays(&old, &new);
        self.acceptors.configure(&new.sockets, &self.gateway);
        self.acceptors.open(listeners, &self.gateway);
        self.gateway.generation.load().ask_ahead();
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
