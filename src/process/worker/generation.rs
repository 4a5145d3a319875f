//! One generation: a configuration and what is built from it. The process holds the current one in an `ArcSwap`. A session holds its own
//! `Arc<Endpoint>`, so the endpoints of a generation live as long as its last session.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::builder::{BuildError, Builder, TlsByServer};
use super::registries::Registries;
use crate::admin::{LimitZoneInForce, MOST_CLIENTS};
use crate::base::{Address, Level};
use crate::config::{Config, Socket};
use crate::log::ErrorLog;
use crate::net::resolver::SystemNames;
use crate::process::limits;
use crate::session::{Backends, Endpoint, GroupTasks, ShutdownTimer};
use crate::upstream::Balancer;

/// One generation of the running configuration.
#[derive(Debug)]
pub struct Generation {
    /// The configuration.
    pub config: Arc<Config>,
    /// The main `error_log`.
    pub log: Arc<ErrorLog>,
    /// Whether an `error_log` of any server writes to standard error.
    pub uses_stderr: bool,
    shutdown: Option<Arc<ShutdownTimer>>,
    /// The endpoints of each socket, in the order of its routes.
    endpoints: HashMap<Address, (Socket, Vec<Arc<Endpoint>>)>,
}

impl Generation {
    /// Opens the logs and builds the endpoints, with what does not change from `before`.
    ///
    /// # Errors
    /// A log cannot be opened, or a certificate cannot be used.
    pub fn build(
        config: Config,
        names: SystemNames,
        registries: &Registries,
        before: Option<&Self>,
    ) -> Result<Self, BuildError> {
        let limit = config.core.worker_shutdown_timeout;
        // As in nginx, 0 sets no limit.
        let limit = limit.filter(|limit| !limit.is_zero());
        let shutdown = limit.map(|limit| Arc::new(ShutdownTimer::new(limit)));
        Self::assemble(config, names, registries, before, shutdown)
    }

    /// The generation after this one with the same configuration and other TLS files. The sessions of both have the same future.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn renew(
        &self,
        config: Config,
        names: SystemNames,
        registries: &Registries,
    ) -> Result<Self, BuildError> {
        let shutdown = self.shutdown.clone();
        Self::assemble(config, names, registries, Some(self), shutdown)
    }

    /// Opens the logs and checks the TLS material as [`Self::build`] does, without building endpoints. Returns the main log.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn probe(
        config: &Config,
        names: SystemNames,
        registries: &Registries,
    ) -> Result<Arc<ErrorLog>, BuildError> {
        let _open = open_logs(config, registries)?;
        let mut builder = Builder::new(registries, names, None, None, TlsByServer::new());
        let log = builder.log(&config.error_log)?;
        for route in config.sockets.iter().flat_map(|socket| &socket.routes) {
            builder.probe(route)?;
        }
        Ok(log)
    }

    fn assemble(
        config: Config,
        names: SystemNames,
        registries: &Registries,
        before: Option<&Self>,
        shutdown: Option<Arc<ShutdownTimer>>,
    ) -> Result<Self, BuildError> {
        let _open = open_logs(&config, registries)?;
        let shows_status = !config.status_sockets.is_empty();
        let monitor =
            shows_status.then(|| Arc::clone(registries.monitor.get_or_init(Arc::default)));
        let tls_before = before.map(Self::tls_by_server).unwrap_or_default();
        let mut builder = Builder::new(registries, names, shutdown.clone(), monitor, tls_before);
        let log = builder.log(&config.error_log)?;
        let mut endpoints = HashMap::new();
        for socket in &config.sockets {
            let routes = socket.routes.iter().map(|route| builder.endpoint(route));
            let routes = routes.collect::<Result<_, _>>()?;
            endpoints.insert(socket.address.clone(), (socket.clone(), routes));
        }
        Ok(Self {
            config: Arc::new(config),
            log,
            uses_stderr: builder.uses_stderr(),
            shutdown,
            endpoints,
        })
    }

    fn tls_by_server(&self) -> TlsByServer {
        let sockets = self.endpoints.values();
        let pairs = sockets.flat_map(|(socket, endpoints)| socket.routes.iter().zip(endpoints));
        let with_tls = pairs.filter_map(|(route, endpoint)| {
            let (material, made) = route.tls.tls().zip(endpoint.tls.tls())?;
            Some((route.id, (Arc::clone(material), Arc::clone(made))))
        });
        with_tls.collect()
    }

    /// The endpoint for a connection to `address`. `local` returns the connection's local address, and is called only where
    /// several servers share a socket. `None` for an address that this generation does not listen on.
    pub fn endpoint(
        &self,
        address: &Address,
        local: impl FnOnce() -> Option<IpAddr>,
    ) -> Option<&Arc<Endpoint>> {
        let (socket, endpoints) = self.endpoints.get(address)?;
        match &endpoints[..] {
            [endpoint] => Some(endpoint),
            endpoints => endpoints.get(socket.route(local())),
        }
    }

    /// Asks the backends that authenticate by themselves for their capabilities, ahead of the first client.
    pub fn fetch_capabilities(&self) {
        for backends in self.backends() {
            backends.capabilities();
        }
    }

    /// Starts what keeps the groups of backends up to date. Must be called inside the runtime.
    pub fn start_group_tasks(&self) -> GroupTasks {
        GroupTasks::start(self.backends())
    }

    /// Connects the stores of limits. Must be called inside the runtime.
    pub fn start_limit_stores(&self) {
        let endpoints = self.endpoints.values().flat_map(|(_, endpoints)| endpoints);
        for store in endpoints.filter_map(|endpoint| endpoint.limit_store.as_ref()) {
            store.start(&self.log);
        }
    }

    /// The groups of backends, each once.
    pub fn groups(&self) -> Vec<Arc<Balancer>> {
        let mut groups: Vec<Arc<Balancer>> = Vec::new();
        for balancer in self
            .backends()
            .flat_map(|backends| backends.choice.groups())
        {
            if !groups.iter().any(|known| Arc::ptr_eq(known, balancer)) {
                groups.push(Arc::clone(balancer));
            }
        }
        groups
    }

    /// The zones of limits, each once, in the order of their names.
    pub fn limit_zones(&self) -> Vec<LimitZoneInForce> {
        let endpoints = self.endpoints.values().flat_map(|(_, endpoints)| endpoints);
        let limits = endpoints.filter_map(|endpoint| endpoint.limits.as_ref());
        let zones = limits.flat_map(|limits| limits.zones());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let zones = zones.map(|(config, zone)| {
            let name = text(&config.name);
            let zone = LimitZoneInForce {
                name: name.clone(),
                kind: config.kind.word(),
                key: text(&config.key.written),
                size: config.size,
                zone,
            };
            (name, zone)
        });
        zones.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// The number of descriptors of listening sockets, and of the clients of `status`.
    pub fn listening_descriptors(&self) -> usize {
        let config = &self.config;
        let of_status = match config.status_sockets.len() {
            0 => 0,
            sockets => sockets + MOST_CLIENTS,
        };
        config.sockets.len() + of_status
    }

    /// The backends of all servers, in the order of the sockets.
    fn backends(&self) -> impl Iterator<Item = &Arc<Backends>> {
        let sockets = self.config.sockets.iter();
        let endpoints = sockets.filter_map(|socket| self.endpoints.get(&socket.address));
        let endpoints = endpoints.flat_map(|(_, endpoints)| endpoints);
        endpoints.map(|endpoint| &endpoint.backends)
    }

    /// Whether the sessions of both end by the same timer.
    pub fn continues(&self, before: &Self) -> bool {
        match (&self.shutdown, &before.shutdown) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Starts `worker_shutdown_timeout` for the sessions of this generation, which accepts nobody any more. Returns it. Must be
    /// called inside the runtime.
    pub fn retire(&self) -> Option<Duration> {
        let timer = self.shutdown.as_ref()?;
        timer.start();
        Some(timer.limit())
    }

    /// The number of connections that `worker_connections` allows.
    pub fn connections(&self) -> usize {
        let (core, listeners) = (&self.config.core, self.config.sockets.len());
        let own = listeners + usize::from(core.master_process);
        let per_worker = self.config.events.worker_connections;
        limits::connections(per_worker, own, core.worker_processes)
    }
}

/// Opens every configured log, in the order written, whether or not a server uses it, as nginx does.
fn open_logs(config: &Config, registries: &Registries) -> Result<Vec<ErrorLog>, BuildError> {
    let files = config.log_files.iter();
    let opened = files.map(|path| registries.log_files.open_file(path, Level::Emerg));
    opened.collect::<Result<_, _>>().map_err(BuildError::Log)
}
