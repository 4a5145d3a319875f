//! Builds the endpoints of one generation. Servers with equal settings share a log, a resolver, an auth server and TLS as a client.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::registries::Registries;
use crate::base::Protocol;
use crate::config::settings::Mail;
use crate::config::{
    self, AuthTarget, AuthUrl, ClientTls, LogDestination, LogTarget, MailLog, ProxyPass, Route,
    Server, ServerId, TlsFault, TlsMaterial,
};
use crate::limit::Limits;
use crate::limit_store::LimitStore;
use crate::log::mail_log::MailLogs;
use crate::log::{ErrorLog, OpenError};
use crate::monitor::{Monitor, ServerKey};
use crate::net::resolver::{Resolver, SystemNames};
use crate::proto::Settings;
use crate::session::{
    AuthServer, Authenticator, BackendChoice, Backends, BalancersByName, ClientHeader, Endpoint,
    PeerFailures, ShutdownTimer,
};
use crate::tls::{Connector, ServerTls};

/// The protocols that the gateway offers to auth servers.
const AUTH_ALPN: &[&[u8]] = &[b"http/1.1"];

/// The error that prevents a generation from a valid configuration. Displays the log line.
#[derive(Debug)]
pub enum BuildError {
    /// A log could not be opened.
    Log(OpenError),
    /// A certificate could not be used, although the check of the configuration accepted it.
    Tls(TlsFault),
}

/// TLS with clients, with the material that it was made from.
pub(super) type TlsByServer = HashMap<ServerId, (Arc<TlsMaterial>, Arc<ServerTls>)>;

/// The parts built so far.
pub(super) struct Builder<'a> {
    registries: &'a Registries,
    shutdown: Option<Arc<ShutdownTimer>>,
    /// Where `status` is configured.
    monitor: Option<Arc<Monitor>>,
    /// For the servers without a `resolver`.
    system: Resolver,
    logs: HashMap<Vec<LogTarget>, Arc<ErrorLog>>,
    mail_logs: HashMap<Vec<MailLog>, Arc<MailLogs>>,
    servers: HashMap<ServerId, ServerParts>,
    tls: HashMap<ServerId, Arc<ServerTls>>,
    /// TLS with clients in the generation before.
    tls_before: TlsByServer,
    auth_servers: HashMap<(AuthTarget, config::Resolver), Arc<AuthServer>>,
    /// The groups that variables can name. Their default port depends on the protocol.
    groups: HashMap<Protocol, Arc<BalancersByName>>,
}

/// The parts that the endpoints of one server share.
#[derive(Clone)]
struct ServerParts {
    settings: Settings,
    log: Arc<ErrorLog>,
    peer_failures: Arc<PeerFailures>,
    mail_log: Arc<MailLogs>,
    resolver: Resolver,
    authenticator: Authenticator,
    backends: Arc<Backends>,
    limits: Option<Arc<Limits>>,
    limit_store: Option<Arc<LimitStore>>,
}

impl<'a> Builder<'a> {
    pub fn new(
        registries: &'a Registries,
        names: SystemNames,
        shutdown: Option<Arc<ShutdownTimer>>,
        monitor: Option<Arc<Monitor>>,
        tls_before: TlsByServer,
    ) -> Self {
        Self {
            registries,
            shutdown,
            monitor,
            system: Resolver::system(names),
            logs: HashMap::new(),
            mail_logs: HashMap::new(),
            servers: HashMap::new(),
            tls: HashMap::new(),
            tls_before,
            auth_servers: HashMap::new(),
            groups: HashMap::new(),
        }
    }

    /// Opens a list of `error_log` lines.
    pub fn log(&mut self, targets: &[LogTarget]) -> Result<Arc<ErrorLog>, BuildError> {
        let files = &self.registries.log_files;
        shared(&mut self.logs, targets, || {
            files.open(targets).map_err(BuildError::Log)
        })
    }

    /// Opens the logs of `mail_log`.
    fn mail_log(&mut self, logs: &[MailLog]) -> Result<Arc<MailLogs>, BuildError> {
        let files = &self.registries.log_files;
        shared(&mut self.mail_logs, logs, || {
            files.open_mail_logs(logs).map_err(BuildError::Log)
        })
    }

    /// The state of peers whose failures are in these logs.
    fn peer_failures(&self, targets: &[LogTarget]) -> Arc<PeerFailures> {
        let known = &self.registries.peer_failures;
        let make = |_: &Vec<LogTarget>| Ok::<_, Infallible>(PeerFailures::default());
        let Ok(state) = known.get_or_make(targets.to_vec(), make);
        state
    }

    /// Whether a log writes to standard error.
    pub fn uses_stderr(&self) -> bool {
        let is_stderr = |log: &MailLog| log.destination == LogDestination::Stderr;
        self.logs.values().any(|log| log.has_stderr())
            || self.mail_logs.keys().flatten().any(is_stderr)
    }

    /// The endpoint of one route.
    pub fn endpoint(&mut self, route: &Route) -> Result<Arc<Endpoint>, BuildError> {
        let ServerParts {
            settings,
            log,
            peer_failures,
            mail_log,
            resolver,
            authenticator,
            backends,
            limits,
            limit_store,
        } = self.server(route)?;
        let listen: Arc<str> = Arc::from(&*route.name);
        let monitor = self.monitor.as_ref();
        let monitor = monitor.map(|monitor| {
            monitor.server(ServerKey {
                address: Arc::clone(&listen),
                protocol: route.server.protocol(),
            })
        });
        Ok(Arc::new(Endpoint {
            monitor,
            server: Arc::clone(&route.server),
            settings,
            log,
            peer_failures,
            mail_log,
            listen,
            client_header: ClientHeader::of(route),
            tls: route.tls.try_map(|material| self.tls(route.id, material))?,
            resolver,
            authenticator,
            backends,
            limits,
            limit_store,
            shutdown: self.shutdown.clone(),
        }))
    }

    /// Opens and checks what the endpoint of a route needs, in the same order.
    pub fn probe(&mut self, route: &Route) -> Result<(), BuildError> {
        let server = &route.server;
        self.log(&server.error_log)?;
        self.connector(server.backend_tls.tls(), &[])?;
        self.mail_log(&server.mail_log)?;
        self.limit_store(server)?;
        if let config::Authenticator::AuthHttp { server, .. } = &server.authenticator {
            self.connector(server.tls.as_ref(), AUTH_ALPN)?;
        }
        if let Some(material) = route.tls.tls() {
            self.tls(route.id, material)?;
        }
        Ok(())
    }

    fn server(&mut self, route: &Route) -> Result<ServerParts, BuildError> {
        if let Some(parts) = self.servers.get(&route.id) {
            return Ok(parts.clone());
        }
        let server = &route.server;
        let authenticator = &server.authenticator;
        let log = self.log(&server.error_log)?;
        let parts = ServerParts {
            settings: Settings::of(server),
            backends: self.backends(server, Arc::clone(&log))?,
            log,
            peer_failures: self.peer_failures(&server.error_log),
            mail_log: self.mail_log(&server.mail_log)?,
            limits: self.limits(server),
            limit_store: self.limit_store(server)?,
            resolver: self.resolver(&server.mail),
            authenticator: authenticator
                .try_map(|target| self.auth_server(target, &server.mail))?,
        };
        self.servers.insert(route.id, parts.clone());
        Ok(parts)
    }

    /// The limits of a server, with the zones of the process.
    fn limits(&self, server: &Server) -> Option<Arc<Limits>> {
        let limits = server.limits.as_ref()?;
        let zones = &self.registries.zones;
        Some(Arc::new(zones.limits(limits, Instant::now())))
    }

    /// Where the limits of a server share what they count. The first server that uses a store decides about name servers.
    fn limit_store(&self, server: &Server) -> Result<Option<Arc<LimitStore>>, BuildError> {
        let store = server
            .limits
            .as_ref()
            .and_then(|limits| limits.store.as_ref());
        let Some(store) = store else {
            return Ok(None);
        };
        let connector = self.connector(store.tls.as_deref(), &[])?;
        // The settings have the name.
        let tls = connector.and_then(|connector| connector.target(b""));
        let (resolver, dialer) = (self.resolver(&server.mail), self.registries.dialer.clone());
        let known = &self.registries.limit_stores;
        let Ok(store) = known.get_or_make((**store).clone(), |config| {
            Ok::<_, Infallible>(LimitStore::new(config.clone(), tls, resolver, dialer))
        });
        Ok(Some(store))
    }

    /// TLS with the clients of a server, whose `listen` lines have the same material: that of the generation before if its material is the
    /// same too.
    fn tls(&mut self, id: ServerId, material: &TlsMaterial) -> Result<Arc<ServerTls>, BuildError> {
        let known = self.registries;
        let make = || ServerTls::new(material, &known.resumption, &known.pairs).map(Arc::new);
        let made = match (self.tls.get(&id), self.tls_before.get(&id)) {
            (Some(made), _) => return Ok(Arc::clone(made)),
            (None, Some((same, made))) if **same == *material => Arc::clone(made),
            (None, _) => make().map_err(BuildError::Tls)?,
        };
        self.tls.insert(id, Arc::clone(&made));
        Ok(made)
    }

    fn auth_server(
        &mut self,
        target: &AuthTarget,
        mail: &Mail,
    ) -> Result<Arc<AuthServer>, BuildError> {
        let key = (target.clone(), mail.resolver.clone());
        if let Some(made) = self.auth_servers.get(&key) {
            return Ok(Arc::clone(made));
        }
        let connector = self.connector(target.tls.as_ref(), AUTH_ALPN)?;
        let tls = connector.and_then(|connector| connector.target(&target.url.host));
        let (resolver, dialer) = (self.resolver(mail), self.registries.dialer.clone());
        let counts = self.monitor.as_ref();
        let counts = counts.map(|monitor| monitor.auth_server(&shown(&target.url)));
        let url = target.url.clone();
        let made = Arc::new(AuthServer::new(
            url,
            target.answer.clone(),
            tls,
            resolver,
            dialer,
            counts,
        ));
        self.auth_servers.insert(key, Arc::clone(&made));
        Ok(made)
    }

    fn backends(
        &mut self,
        server: &Arc<Server>,
        log: Arc<ErrorLog>,
    ) -> Result<Arc<Backends>, BuildError> {
        let tls = self.connector(server.backend_tls.tls(), &[])?;
        let choice = self.choice(server);
        Ok(Arc::new(Backends {
            server: Arc::clone(server),
            capabilities: self.registries.capabilities.get(server, tls.as_ref()),
            tls,
            choice,
            resolver: self.resolver(&server.mail),
            dialer: self.registries.dialer.clone(),
            log,
            relay_reported: AtomicBool::new(false),
        }))
    }

    /// How the backend of a session is chosen. Servers of one protocol share the groups that variables can name.
    fn choice(&mut self, server: &Server) -> BackendChoice {
        let known = &self.registries.balancers;
        match server.authenticator.proxy_pass() {
            None => BackendChoice::AuthServer,
            Some(ProxyPass::Upstream(upstream)) => {
                BackendChoice::Group(known.balancer(&upstream.group))
            }
            Some(ProxyPass::Route(route)) => {
                let groups = self.groups.entry(server.protocol()).or_insert_with(|| {
                    let groups = route.groups.iter();
                    let groups = groups.map(|group| {
                        (
                            group.name.to_ascii_lowercase().into(),
                            known.balancer(group),
                        )
                    });
                    Arc::new(groups.collect())
                });
                BackendChoice::Route(route.text.clone(), Arc::clone(groups))
            }
        }
    }

    /// TLS as a client, where TLS is on.
    fn connector(
        &self,
        material: Option<&ClientTls>,
        alpn: &[&[u8]],
    ) -> Result<Option<Connector>, BuildError> {
        let made = material.map(|material| self.registries.connectors.get(material, alpn));
        made.transpose().map_err(BuildError::Tls)
    }

    fn resolver(&self, mail: &Mail) -> Resolver {
        match &mail.resolver {
            config::Resolver::Off => self.system.with_timeout(mail.resolver_timeout),
            configured => {
                let resolvers = &self.registries.resolvers;
                resolvers.get(configured, mail.resolver_timeout)
            }
        }
    }
}

/// The URL of an auth server as `status` shows it.
fn shown(url: &AuthUrl) -> String {
    let scheme = match url.tls {
        true => "https",
        false => "http",
    };
    let (host, port) = match (&url.name, url.addresses.first()) {
        (Some((name, port)), _) => (name.to_string(), format!(":{port}")),
        (None, Some(address)) => (address.to_string(), String::new()),
        (None, None) => Default::default(),
    };
    let uri = String::from_utf8_lossy(&url.uri);
    format!("{scheme}://{host}{port}{uri}")
}

/// The value of a key, which the first use makes.
fn shared<K, Q, V>(
    made: &mut HashMap<K, Arc<V>>,
    key: &Q,
    make: impl FnOnce() -> Result<V, BuildError>,
) -> Result<Arc<V>, BuildError>
where
    K: Borrow<Q> + Eq + Hash,
    Q: ToOwned<Owned = K> + Eq + Hash + ?Sized,
{
    if let Some(value) = made.get(key) {
        return Ok(Arc::clone(value));
    }
    let value = Arc::new(make()?);
    made.insert(key.to_owned(), Arc::clone(&value));
    Ok(value)
}

impl fmt::Display for BuildError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(error) => error.fmt(out),
            Self::Tls(TlsFault::Other(text)) => out.write_str(text),
            Self::Tls(fault) => write!(out, "{fault:?}"),
        }
    }
}
