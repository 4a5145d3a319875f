//! The end of a load: the checks that need the whole text, and the resulting configuration.

use super::config::Config;
use super::merged::MergedServer;
use super::origins::Deciding;
use super::report::{Report, Stop};
use super::scopes::Scopes;
use super::sockets::{Socket, grouped, sockets};
use super::static_auth::AuthHttpAnswer;
use crate::base::Level;
use crate::config::model::{Affinity, LogDestination, LogTarget, Options, Origin, StatusListen};
use crate::config::schema::held::Held;
use crate::config::schema::modules::{Core, Events};
use crate::config::syntax::Diagnostic;

/// The values of the whole text.
pub struct Whole {
    core: Core,
    events: Events,
    servers: Vec<MergedServer>,
    log_files: Vec<std::path::PathBuf>,
    /// The zones that lines use and none defines.
    undefined_zones: Vec<Vec<u8>>,
    /// What answers each `auth_http`.
    auth_http: Vec<AuthHttpAnswer>,
    /// The lines of `worker_shutdown_timeout` and `worker_connections`.
    origins: Vec<(Deciding, Origin)>,
}

impl Whole {
    /// The settings outside `mail {}`, and the servers in it.
    pub fn new(scopes: Scopes, servers: Vec<MergedServer>, auth_http: Vec<AuthHttpAnswer>) -> Self {
        let main = &scopes.main;
        let shutdown = main.core.worker_shutdown_timeout.as_ref();
        let shutdown =
            shutdown.map(|written| (Deciding::ShutdownTimeout, Origin::of(&written.span)));
        let connections = main.events.worker_connections.as_ref();
        let connections =
            connections.map(|written| (Deciding::WorkerConnections, Origin::of(&written.span)));
        Self {
            core: Core::merge(&main.core, &main.core),
            events: Events::merge(&main.events, &main.events),
            origins: shutdown.into_iter().chain(connections).collect(),
            servers,
            auth_http,
            undefined_zones: scopes
                .claims
                .undefined_zones()
                .map(<[u8]>::to_vec)
                .collect(),
            log_files: scopes.claims.log_files,
        }
    }

    /// Warns about directives of the main context that do not fit together.
    pub fn warn(&self, report: &mut Report<'_>) {
        if let Some(Affinity::Masks(masks)) = &self.core.worker_cpu_affinity
            && masks.len() != 1
            && masks.len() != self.core.worker_processes
        {
            let message = "the number of \"worker_processes\" is not equal to the number of \"worker_cpu_affinity\" masks, \
                           using last mask for remaining worker processes";
            report.warn(Diagnostic::bare(Level::Warn, message).after_syntax());
        }
    }

    /// Checks for faults in a text whose syntax is valid. `has_events`: the text has an `events {}`.
    pub fn check(&self, has_events: bool, report: &mut Report<'_>) -> Result<(), Stop> {
        if !has_events {
            report.fault(late("no \"events\" section in configuration".into()))?;
        }
        let listens = self.servers.iter().flat_map(|server| &server.mail.listen);
        let sockets = grouped(listens.map(|listen| (listen, ()))).len();
        let connections = self.events.worker_connections;
        if has_events && connections < sockets + 1 {
            report.fault(late(format!(
                "{connections} worker_connections are not enough for {sockets} listening sockets"
            )))?;
        }
        for name in &self.undefined_zones {
            let name = String::from_utf8_lossy(name);
            let fault = late(format!("zero size shared memory zone \"{name}\""));
            let hint = "the zone needs a line of its own in `mail`, such as `limit_conn_zone $remote_addr zone=NAME:1m;`";
            report.fault(fault.with_help(hint))?;
        }
        Ok(())
    }

    /// The configuration. Servers that a fault made incomplete are left out.
    pub fn into_config(self, options: &Options) -> Config {
        let mut error_log = self.core.error_log.clone();
        // As in nginx, the log of `-e` takes errors where no other is on this machine.
        let is_here = |target: &LogTarget| match target.destination {
            LogDestination::File(_) | LogDestination::Stderr => true,
            LogDestination::Syslog(_) => false,
        };
        if !error_log.iter().any(is_here) {
            let destination = options.error_log.clone();
            error_log.push(LogTarget::new(destination, Level::Error));
        }
        let servers = self.servers.into_iter();
        let servers: Vec<_> = servers
            .filter_map(|server| server.into_server(&error_log, &self.origins, &self.auth_http))
            .collect();
        let status_sockets = self.core.status.iter().map(status_socket).collect();
        Config {
            file: options.file.clone(),
            prefix: options.prefix.clone(),
            pid: options.pid.file(self.core.pid.as_deref()),
            error_log,
            core: self.core,
            events: self.events,
            auth_http: self.auth_http,
            sockets: sockets(&servers),
            status_sockets,
            servers: servers.into_iter().map(|(server, _)| server).collect(),
            log_files: self.log_files,
        }
    }
}

fn status_socket(listen: &StatusListen) -> Socket {
    Socket {
        address: listen.address.clone(),
        options: listen.options(),
        routes: Vec::new(),
    }
}

/// A fault that nginx finds after it has logged "syntax is ok".
fn late(message: String) -> Diagnostic {
    Diagnostic::bare(Level::Emerg, message).after_syntax()
}
