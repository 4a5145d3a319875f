//! A session's way to its backend: connection, TLS, the conversation up to the login, and the cache of capabilities.
//!
//! The functions take the parts of a session that they need ([`ClientContext`]) and return results, errors included. The phases
//! decide how a result affects the client.

pub mod authorized_login;
pub mod backend_login;
mod candidates;
pub mod capability_cache;
mod connect;
mod connection;
mod conversation;
pub mod error;
mod group_tasks;
mod health;
mod matching;
mod names;
pub mod not_offered;
mod probe;
mod relay;
mod route;
mod start_tls;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use capability_cache::{BackendCapabilities, CapabilityCache};
use connection::BackendConnection;
pub use connection::BackendStream;
pub use group_tasks::GroupTasks;
pub use route::{BackendChoice, BalancersByName};

use super::log::SessionLog;
use super::phase::Phase;
use super::shared::Shared;
use crate::config::{BareNewlines, Server};
use crate::log::ErrorLog;
use crate::net::dialer::Dialer;
use crate::net::resolver::Resolver;
use crate::proto::backend::Accepted;
use crate::proto::backend::wire::Capabilities;
use crate::proto::login::{Bytes, ClientHost, Origin};
use crate::proto::proxy_protocol::SentHeader;
use crate::proto::smtp::follower::Follower;
use crate::tls;

/// The settings for connections from one server to its backends.
#[derive(Debug)]
pub struct Backends {
    pub server: Arc<Server>,
    /// TLS, unless `proxy_ssl` is off.
    pub tls: Option<tls::Connector>,
    /// The backend's capabilities, if the server announces those.
    pub capabilities: Option<Arc<BackendCapabilities>>,
    /// How `proxy_pass` chooses the backend of a session.
    pub choice: BackendChoice,
    pub resolver: Resolver,
    pub dialer: Dialer,
    /// The server's log.
    pub log: Arc<ErrorLog>,
    /// The error about an open relay is in the log.
    pub relay_reported: AtomicBool,
}

/// The parts of a client's session that a conversation with a backend needs.
#[derive(Debug)]
pub(in crate::session) struct ClientContext<'a> {
    pub backends: &'a Backends,
    pub shared: &'a Shared,
    pub log: &'a mut SessionLog,
    /// The step of the conversation that log lines name. It keeps its value when the conversation ends.
    pub phase: &'a mut Phase,
    pub client: ClientHost<'a>,
    /// The PROXY header for a new connection.
    pub header: Option<SentHeader>,
}

/// A client that its backend has accepted.
#[derive(Debug)]
pub(in crate::session) struct Admitted {
    pub accepted: Accepted,
    /// The backend's last reply.
    pub reply: Vec<u8>,
    pub backend: BackendStream,
}

impl Admitted {
    /// A client of this server that was accepted with this reply, by a backend with these capabilities. `mail` is the MAIL command
    /// that the gateway has sent. Where `log` has lines for messages, the session is watched even if nothing has to be kept from
    /// the backend.
    fn new(
        (accepted, reply): (Accepted, Vec<u8>),
        connection: BackendConnection,
        found: Capabilities,
        server: &Server,
        mail: Option<&[u8]>,
        log: &SessionLog,
    ) -> Self {
        log.upstream_answered();
        let mut backend = connection.into_stream();
        let newlines = server.bare_newlines();
        backend.follower = if found.trust.proxy_commands || newlines != BareNewlines::Pass {
            let follower = Follower::new(found.chunking);
            Some(Box::new(follower.screen(newlines, mail)))
        } else if log.follows_messages() {
            Some(Box::new(Follower::watching(found.chunking)))
        } else {
            None
        };
        Admitted {
            accepted,
            reply,
            backend,
        }
    }
}

/// A copy of the MAIL command of a client without a login, for [`Admitted::new`]. Only where messages are read: most sessions need no copy.
fn mail_command(server: &Server, origin: &Origin) -> Option<Bytes> {
    let envelope = origin.envelope()?;
    (server.bare_newlines() != BareNewlines::Pass).then(|| envelope.mail.clone())
}
