//! SIGHUP: a new generation, or none and a line that says why.
//!
//! Two halves. `prepare` does all that may fail or take long, away from the threads that serve; `take_over` puts the result
//! in place, with the few steps that may still fail ahead of the first change.

use std::sync::Arc;

use super::bind;
use super::gateway::Gateway;
use super::live::Live;
use super::pid::PidFile;
use super::serve::Service;
use super::voice::Voice;
use crate::config::{self, Errno, Level, plan};
use crate::net::listener::Bound;

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
    let loaded = config::load(&*gateway.world, &gateway.options, &mut |note| {
        voice.diagnose(&note)
    });
    let config = loaded
        .map_err(|diagnostic| voice.diagnose(&diagnostic))
        .ok()?
        .config;
    let live = Live::build(config, &gateway.options, &gateway.files);
    let live = live
        .map_err(|fault| voice.say(Level::Emerg, format_args!("{fault}")))
        .ok()?;
    let running = Arc::clone(&gateway.live.load().config);
    let added = plan::diff(&running.sockets, &live.config.sockets).added;
    let added: Vec<_> = live
        .config
        .sockets
        .iter()
        .filter(|socket| added.contains(&socket.address))
        .collect();
    let added = bind::all(&added, &voice.with_log(Arc::clone(&live.log)))?;
    Some(Prepared { live, added })
}

impl Service {
    /// Puts a prepared generation in place of the running one. Sessions in progress notice nothing.
    pub(super) async fn take_over(&mut self, Prepared { live, added }: Prepared) {
        let path = &live.config.core.pid;
        let pid = (path != self.pid.path())
            .then(|| PidFile::write(path))
            .transpose();
        let pid = match pid {
            Ok(pid) => pid,
            Err(error) => {
                let text = format_args!("open() \"{}\" failed{}", path.display(), Errno(&error));
                return self.say(Level::Emerg, text);
            }
        };
        let listeners: Result<Vec<_>, _> = added.into_iter().map(Bound::into_listener).collect();
        let listeners = match listeners {
            Ok(listeners) => listeners,
            Err(error) => {
                return self.say(
                    Level::Emerg,
                    format_args!("epoll_ctl() failed{}", Errno(&error)),
                );
            }
        };

        let (old, new) = (
            Arc::clone(&self.gateway.live.load().config),
            Arc::clone(&live.config),
        );
        for address in plan::diff(&old.sockets, &new.sockets).removed {
            self.doors.close(&address).await;
        }
        self.gateway.live.store(Arc::new(live));
        self.doors.configure(&new.sockets, &self.gateway);
        self.doors.open(listeners, &self.gateway);
        if let Some(pid) = pid {
            self.pid = pid;
        }
        self.debug.follow(self.gateway.log());
        // nginx opens every log anew for a new configuration; whoever rotates logs by SIGHUP relies on it.
        self.open_logs_anew();
        self.notice(format_args!("reconfigured"));
    }
}
