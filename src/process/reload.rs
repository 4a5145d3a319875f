//! SIGHUP: puts a new generation into force, or logs why it cannot.
//!
//! `prepare` does everything that may fail or take long, on a thread of its own. `take_over` puts the result into force; its few steps that
//! may fail come before the first change.

use std::sync::Arc;

use super::generation::Generation;
use super::instance::Instance;
use super::pid::PidFile;
use super::process_log::ProcessLog;
use super::service::Service;
use super::{bind, bootstrap};
use crate::base::Level;
use crate::config::{Config, Socket, sockets};
use crate::net::bound_socket::BoundSocket;
use crate::net::listener::Listener;

/// A generation that can be put into force.
#[derive(Debug)]
pub struct Prepared {
    generation: Generation,
    /// The sockets that the current generation does not have.
    added: Vec<BoundSocket>,
}

/// Reads and checks the configuration, opens its logs and binds its new sockets. Blocks. `None` after a logged error: then nothing has
/// changed.
pub fn prepare(instance: &Instance) -> Option<Prepared> {
    let log = ProcessLog::running(instance.log());
    let config = bootstrap::load(&instance.options, &*instance.world, &log)?.config;
    let built = Generation::build(config, &instance.registries);
    let generation = log.accept(built)?;
    let current = Arc::clone(&instance.generation.load().config);
    let added = sockets::diff(&current.sockets, &generation.config.sockets).added;
    let is_added = |socket: &&Socket| added.contains(&socket.address);
    let added: Vec<_> = generation.config.sockets.iter().filter(is_added).collect();
    let added = bind::all(&added, &log.with_log(Arc::clone(&generation.log)))?;
    Some(Prepared { generation, added })
}

impl Service {
    /// Puts a prepared generation into force. Running sessions keep theirs.
    pub(super) async fn take_over(&mut self, Prepared { generation, added }: Prepared) {
        let log = ProcessLog::running(self.instance.log());
        let path = &generation.config.pid;
        let pid = (path != self.pid.path())
            .then(|| PidFile::write(path))
            .transpose();
        let Some(pid) = log.check(format_args!("open() \"{}\"", path.display()), pid) else {
            return;
        };
        let listeners = added.into_iter().map(Listener::new).collect();
        let Some(listeners) = log.check(format_args!("epoll_ctl()"), listeners) else {
            return;
        };

        let (old, new) = (
            Arc::clone(&self.instance.generation.load().config),
            Arc::clone(&generation.config),
        );
        for address in sockets::diff(&old.sockets, &new.sockets).removed {
            self.acceptors.close(&address).await;
        }
        self.instance.generation.store(Arc::new(generation));
        self.warn_of_fixed_settings(&old, &new);
        self.acceptors.configure(&new.sockets, &self.instance);
        self.acceptors.open(listeners, &self.instance);
        self.instance.generation.load().fetch_capabilities();
        if let Some(pid) = pid {
            self.pid = pid;
        }
        self.debug.follow(self.instance.log());
        // nginx opens every log again for a new configuration; administrators rotate logs by SIGHUP.
        self.reopen_logs();
        self.notice(format_args!("reconfigured"));
    }

    /// Threads and limits of the start stay in force.
    fn warn_of_fixed_settings(&self, old: &Config, new: &Config) {
        let (old, new) = (&old.core, &new.core);
        let processes = old.worker_processes != new.worker_processes;
        let files = old.worker_rlimit_nofile != new.worker_rlimit_nofile;
        for (name, is_changed) in [
            ("worker_processes", processes),
            ("worker_rlimit_nofile", files),
        ] {
            if is_changed {
                let text = format_args!("a new \"{name}\" takes effect with the next start");
                self.line(Level::Warn, text);
            }
        }
    }
}
