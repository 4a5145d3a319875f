//! One generation: a configuration and what was made from it. The process holds the current one in an `ArcSwap`; sessions
//! hold their own `Arc<Endpoint>` and never look here again, so a generation lives as long as its last session.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, ptr};

use super::limits;
use crate::base::{Address, Level};
use crate::config;
use crate::config::settings::Mail;
use crate::config::{
    AuthTarget, ClientTls, Config, LogTarget, Options, Server, TlsFault, TlsMaterial, sockets,
};
use crate::log::{ErrorLog, Files, OpenFault};
use crate::net::dialer::Dialer;
use crate::net::resolver::{Resolver, Resolvers};
use crate::proto::Settings;
use crate::session::{AuthServer, Authenticator, Backends, CapabilityCache, Endpoint};
use crate::tls::{self, Connectors, Resumption};

/// One generation of the running configuration.
#[derive(Debug)]
pub struct Generation {
    /// What it was made from.
    pub config: Arc<Config>,
    /// The main `error_log`.
    pub log: Arc<ErrorLog>,
    /// The endpoints behind each socket, in the order of its routes.
    endpoints: HashMap<Address, (sockets::Socket, Vec<Arc<Endpoint>>)>,
}

/// Why no generation came of a configuration that was read without error.
#[derive(Debug)]
pub enum BuildFault {
    /// A log could not be opened.
    Log(OpenFault),
    /// A certificate could not be used, although the check of the configuration found it fit.
    Tls(TlsFault),
}

impl Generation {
    #[expect(clippy::too_many_arguments, reason = "one for each registry")]
    /// Opens the logs and builds the TLS side of each server. Where no `error_log` holds, errors go to the log of `-e`.
    pub fn build(
        config: Config,
        options: &Options,
        files: &Files,
        resolvers: &Resolvers,
        resumption: &Resumption,
        connectors: &Connectors,
        capabilities: &CapabilityCache,
        dialer: &Dialer,
    ) -> Result<Self, BuildFault> {
        let fallback = LogTarget {
            destination: options.error_log.clone(),
            level: Level::Error,
        };
        let mut parts = Parts {
            files,
            resolvers,
            system: Resolver::system(Duration::ZERO),
            resumption,
            connectors,
            capabilities,
            dialer,
            fallback: [fallback],
            logs: HashMap::new(),
            servers: HashMap::new(),
            tls: HashMap::new(),
            auth_servers: Vec::new(),
        };
        // Every file that is named is opened, in the order written, whether a server uses it or not.
        let named = config.log_files.iter();
        let named = named.map(|path| files.open_file(path, Level::Emerg));
        let _open = named
            .collect::<Result<Vec<_>, _>>()
            .map_err(BuildFault::Log)?;
        let log = parts.log(&config.error_log)?;
        let mut endpoints = HashMap::new();
        for socket in &config.sockets {
            let routes = socket.routes.iter().map(|route| parts.endpoint(route));
            let routes = routes.collect::<Result<_, _>>()?;
            endpoints.insert(socket.address.clone(), (socket.clone(), routes));
        }
        Ok(Self {
            config: Arc::new(config),
            log,
            endpoints,
        })
    }

    /// Who answers a connection to `address` that arrived at the local address `local` (asked for only where several
    /// servers share a socket). `None` for an address that this generation does not listen on.
    pub fn endpoint(
        &self,
        address: &Address,
        local: impl FnOnce() -> Option<IpAddr>,
    ) -> Option<&Arc<Endpoint>> {
        let (socket, endpoints) = self.endpoints.get(address)?;
        if let [endpoint] = &endpoints[..] {
            return Some(endpoint);
        }
        let chosen = socket.route(local());
        let at = socket
            .routes
            .iter()
            .position(|route| ptr::eq(route, chosen))?;
        endpoints.get(at)
    }

    /// Asks the backends that authenticate by themselves for their capabilities, ahead of the first client.
    pub fn ask_ahead(&self) {
        for endpoint in self.endpoints.values().flat_map(|(_, endpoints)| endpoints) {
            endpoint.backends.capabilities();
        }
    }

    /// Sessions that `worker_connections` lets in.
    pub fn limit(&self) -> usize {
        let Config {
            core,
            events,
            sockets,
            ..
        } = &*self.config;
        limits::admitted(
            events.worker_connections,
            core.worker_processes,
            sockets.len(),
        )
    }
}

/// What makes an auth server: its URL, TLS towards it, and who looks its name up.
type AuthKey = (AuthTarget, config::Resolver);

/// What the endpoints of one generation share: a log per list, all else per server.
struct Parts<'a> {
    files: &'a Files,
    resolvers: &'a Resolvers,
    /// For the servers without a `resolver`.
    system: Resolver,
    resumption: &'a Resumption,
    connectors: &'a Connectors,
    capabilities: &'a CapabilityCache,
    dialer: &'a Dialer,
    fallback: [LogTarget; 1],
    logs: HashMap<Vec<LogTarget>, Arc<ErrorLog>>,
    servers: HashMap<*const Server, Shared>,
    /// The TLS of each server.
    tls: HashMap<*const TlsMaterial, Arc<tls::Server>>,
    /// Servers that ask the same auth server by the same name servers share what is known of it.
    auth_servers: Vec<(AuthKey, Arc<AuthServer>)>,
}

/// What the endpoints of one server share.
#[derive(Clone)]
struct Shared {
    settings: Settings,
    log: Arc<ErrorLog>,
    resolver: Resolver,
    authenticator: Authenticator,
    backends: Arc<Backends>,
}

impl Parts<'_> {
    fn log(&mut self, targets: &[LogTarget]) -> Result<Arc<ErrorLog>, BuildFault> {
        let targets = if targets.is_empty() {
            &self.fallback
        } else {
            targets
        };
        if let Some(log) = self.logs.get(targets) {
            return Ok(Arc::clone(log));
        }
        let log = Arc::new(self.files.open(targets).map_err(BuildFault::Log)?);
        self.logs.insert(targets.to_vec(), Arc::clone(&log));
        Ok(log)
    }

    fn endpoint(&mut self, route: &sockets::Route) -> Result<Arc<Endpoint>, BuildFault> {
        let Shared {
            settings,
            log,
            resolver,
            authenticator,
            backends,
        } = self.shared(&route.server)?;
        Ok(Arc::new(Endpoint {
            server: Arc::clone(&route.server),
            settings,
            log,
            listen: Arc::from(&*route.name),
            proxy_protocol: route.proxy_protocol,
            tls: route.tls.try_map(|material| self.tls(material))?,
            resolver,
            authenticator,
            backends,
        }))
    }

    fn shared(&mut self, server: &Arc<Server>) -> Result<Shared, BuildFault> {
        if let Some(shared) = self.servers.get(&Arc::as_ptr(server)) {
            return Ok(shared.clone());
        }
        let backend_tls = self.connector(server.backend_tls.tls(), &[])?;
        let shared = Shared {
            settings: Settings::of(server),
            log: self.log(&server.error_log)?,
            resolver: self.resolver(&server.mail),
            authenticator: server
                .authenticator
                .try_map(|target| self.auth_server(target, &server.mail))?,
            backends: Arc::new(Backends {
                server: Arc::clone(server),
                capabilities: self.capabilities.of(server, backend_tls.as_ref()),
                tls: backend_tls,
                resolver: self.resolver(&server.mail),
                dialer: self.dialer.clone(),
            }),
        };
        self.servers.insert(Arc::as_ptr(server), shared.clone());
        Ok(shared)
    }

    fn tls(&mut self, material: &Arc<TlsMaterial>) -> Result<Arc<tls::Server>, BuildFault> {
        if let Some(made) = self.tls.get(&Arc::as_ptr(material)) {
            return Ok(Arc::clone(made));
        }
        let made = tls::Server::new(material, self.resumption).map_err(BuildFault::Tls)?;
        let made = Arc::new(made);
        self.tls.insert(Arc::as_ptr(material), Arc::clone(&made));
        Ok(made)
    }
}

impl Parts<'_> {
    fn auth_server(
        &mut self,
        target: &AuthTarget,
        mail: &Mail,
    ) -> Result<Arc<AuthServer>, BuildFault> {
        let key = (target.clone(), mail.resolver.clone());
        if let Some((_, made)) = self.auth_servers.iter().find(|(own, _)| *own == key) {
            return Ok(Arc::clone(made));
        }
        let connector = self.connector(target.tls.as_ref(), &[b"http/1.1"])?;
        let tls = connector.and_then(|connector| connector.towards(&target.url.host));
        let (resolver, dialer) = (self.resolver(mail), self.dialer.clone());
        let made = AuthServer::new(target.url.clone(), tls, resolver, dialer);
        let made = Arc::new(made);
        self.auth_servers.push((key, Arc::clone(&made)));
        Ok(made)
    }

    /// TLS as a client, where there is TLS.
    fn connector(
        &self,
        material: Option<&ClientTls>,
        alpn: &[&[u8]],
    ) -> Result<Option<tls::Connector>, BuildFault> {
        let made = material.map(|material| self.connectors.of(material, alpn));
        made.transpose().map_err(BuildFault::Tls)
    }

    fn resolver(&self, mail: &Mail) -> Resolver {
        match &mail.resolver {
            config::Resolver::Off => self.system.with_patience(mail.resolver_timeout),
            configured => self.resolvers.of(configured, mail.resolver_timeout),
        }
    }
}

impl fmt::Display for BuildFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(fault) => fault.fmt(out),
            Self::Tls(TlsFault::Other(text)) => out.write_str(text),
            Self::Tls(fault) => write!(out, "{fault:?}"),
        }
    }
}
