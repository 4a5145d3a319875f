//! The configuration of a session, complete when a client is accepted.

use std::sync::Arc;

use super::auth_http::auth_server::AuthServer;
use super::backend::Backends;
use super::peer_failures::PeerFailures;
use super::recorder::Recorded;
use super::shutdown::{Shutdown, ShutdownTimer};
use crate::config::{self, Route, Server, TlsMode};
use crate::limit::Limits;
use crate::limit_store::LimitStore;
use crate::log::ErrorLog;
use crate::log::mail_log::MailLogs;
use crate::monitor::{CloseRequest, ServerMonitor};
use crate::net::resolver::Resolver;
use crate::proto::{LastReply, Settings};
use crate::tls;

/// One `listen` of one server. Its sessions share it and keep it to their end, whatever a reload does.
#[derive(Debug)]
pub struct Endpoint {
    pub server: Arc<Server>,
    /// The server's replies and limits.
    pub settings: Settings,
    pub log: Arc<ErrorLog>,
    /// The failures of backends and auth servers that this log has.
    pub peer_failures: Arc<PeerFailures>,
    /// Its `mail_log`.
    pub mail_log: Arc<MailLogs>,
    /// What `status` shows of its sessions.
    pub monitor: Option<ServerMonitor>,
    /// The `listen` address as log lines show it.
    pub listen: Arc<str>,
    /// The PROXY header that comes first.
    pub client_header: ClientHeader,
    /// TLS with clients.
    pub tls: TlsMode<Arc<tls::ServerTls>>,
    /// The server's name servers, or the system's if it has none.
    pub resolver: Resolver,
    pub authenticator: Authenticator,
    pub backends: Arc<Backends>,
    /// What limits clients, if anything does.
    pub limits: Option<Arc<Limits>>,
    /// Where several gateways share what the limits count.
    pub limit_store: Option<Arc<LimitStore>>,
    /// `worker_shutdown_timeout`
    pub shutdown: Option<Arc<ShutdownTimer>>,
}

/// The PROXY header at the start of a client's connection (`listen … proxy_protocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientHeader {
    /// There is none.
    Off,
    /// Its addresses are read.
    Addresses,
    /// Its extensions are kept too, because a value of the configuration depends on them.
    WithTlvs,
}

impl ClientHeader {
    /// That of a route.
    pub fn of(route: &Route) -> Self {
        match route.proxy_protocol {
            false => Self::Off,
            true if route.server.uses_tlvs() => Self::WithTlvs,
            true => Self::Addresses,
        }
    }
}

impl Endpoint {
    /// Where its sessions are recorded.
    pub(super) fn recorded(&self) -> Recorded<'_> {
        Recorded {
            logs: &self.mail_log,
            monitor: self.monitor.as_ref(),
            server: &self.server,
            listen: &self.listen,
        }
    }

    /// The end of a session by `worker_shutdown_timeout` or by the administrator, where one of them is possible.
    pub(super) fn shutdown(&self, close: Option<CloseRequest>) -> Option<Box<Shutdown>> {
        if self.shutdown.is_none() && close.is_none() {
            return None;
        }
        let mut reply = Vec::new();
        let kind = LastReply::ShuttingDown;
        self.settings.last_reply(kind, &mut reply);
        Some(Shutdown::new(self.shutdown.clone(), close, reply))
    }
}

/// The peer that decides about logins.
pub type Authenticator = config::Authenticator<Arc<AuthServer>>;
