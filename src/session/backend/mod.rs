//! The session's way to its backend: connection, TLS, the conversation up to the login, and the cache of capabilities.
//!
//! The functions here take the parts of a session that they need ([`ClientContext`]) and return what came of it, errors
//! included; `glue` applies that to the session.

pub mod authorized_login;
pub mod backend_login;
pub mod capability_cache;
mod connect;
mod connection;
mod conversation;
pub mod error;
mod glue;
mod start_tls;

use super::log::SessionLog;
use super::{Bridge, Endpoint, Shared};
use crate::proto::backend::Accepted;
use crate::proto::login::ClientHost;

/// The parts of a client's session that a conversation with a backend needs.
#[derive(Debug)]
pub(in crate::session) struct ClientContext<'a> {
    /// The server.
    pub endpoint: &'a Endpoint,
    /// Gives each connection its number.
    pub shared: &'a Shared,
    /// The session's log, which also knows what is being done.
    pub log: &'a mut SessionLog,
    /// The client's address and name.
    pub client: ClientHost<'a>,
    /// The PROXY header for a new connection.
    pub header: Option<Vec<u8>>,
}

/// A client that its backend has let in.
#[derive(Debug)]
pub(in crate::session) struct Admitted {
    /// How.
    pub accepted: Accepted,
    /// The backend's reply.
    pub reply: Vec<u8>,
    /// The connection for the tunnel.
    pub bridge: Bridge,
}
