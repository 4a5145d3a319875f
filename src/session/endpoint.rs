//! What a session is born with.

use std::sync::Arc;

use super::{AuthServer, BackendCapabilities};
use crate::config::Server;
use crate::log::ErrorLog;
use crate::net::dialer::Dialer;
use crate::net::resolver::Resolver;
use crate::proto::Settings;
use crate::tls;

/// One `listen` of one server. Shared by its sessions, which keep it to their end whatever a reload does.
#[derive(Debug)]
pub struct Endpoint {
    /// The server.
    pub server: Arc<Server>,
    /// What it says to every client.
    pub settings: Settings,
    /// Its error log.
    pub log: Arc<ErrorLog>,
    /// Its TLS, where it has TLS.
    pub tls: Option<Arc<tls::Server>>,
    /// TLS towards backends, where `proxy_ssl` is not off.
    pub backend_tls: Option<tls::Connector>,
    /// What the backend announces, where it is asked for that.
    pub capabilities: Option<Arc<BackendCapabilities>>,
    /// Looks names up: its name servers, or the system's where it has none.
    pub resolver: Resolver,
    /// How connections to backends are made.
    pub dialer: Dialer,
    /// The auth server, where one decides about logins.
    pub auth_server: Option<Arc<AuthServer>>,
    /// TLS from the first byte.
    pub ssl: bool,
    /// A PROXY header comes first (`listen … proxy_protocol`).
    pub proxy_protocol: bool,
    /// The `listen` address as log lines have it.
    pub listen: Box<str>,
}
