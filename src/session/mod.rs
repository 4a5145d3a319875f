//! One client's connection, from accept to end: the only place where the dialogues meet the network.
//!
//! accept → PROXY header → TLS → (name, greeting delay) → greeting → commands → login → backend → tunnel. What comes before the tunnel
//! runs in one boxed future that is dropped when mail flows, so a session that waits costs two sockets and little
//! else.

mod auth_http;
mod backend;
mod cipher;
mod client;
pub mod endpoint;
mod log;
pub mod shared;

use std::sync::Arc;

pub use crate::session::auth_http::auth_server::AuthServer;
pub use crate::session::backend::capability_cache::{BackendCapabilities, CapabilityCache};
pub use crate::session::endpoint::Endpoint;
pub use shared::Shared;

use crate::base::Level;
use crate::net::socket::{Peer, Socket};
use crate::net::stream::Stream;
use crate::net::tunnel;
use crate::session::client::buffer::Client;
use crate::session::client::commands::Session;
use crate::session::client::identity::Identity;
use crate::session::client::source::Source;
use crate::session::log::SessionLog;

/// A client that was accepted.
#[derive(Debug)]
pub struct Arrival {
    /// The connection.
    pub socket: Socket,
    /// Who is at its other end.
    pub peer: Peer,
    /// Its number in the log.
    pub number: u64,
}

/// A backend that takes the mail from here.
#[derive(Debug)]
struct Bridge {
    backend: Stream,
    /// Bytes that the backend sent behind its last reply.
    read_too_far: Vec<u8>,
}

/// Serves one client to its end.
pub async fn serve(arrival: Arrival, endpoint: Arc<Endpoint>, shared: Arc<Shared>) {
    let silence = endpoint.server.proxy.proxy_timeout;
    // Boxed: all that a login needs is freed before mail flows.
    let login = Box::pin(log_in(arrival, endpoint, shared)).await;
    let Some((client, bridge, log)) = login else {
        return;
    };
    let (stream, typed_ahead) = client.into_parts();
    let (end, carried) = tunnel::run(
        stream,
        bridge.backend,
        typed_ahead,
        bridge.read_too_far,
        silence,
    )
    .await;
    tracing::debug!(
        connection = log.number(),
        up = carried.up,
        down = carried.down,
        "tunnel closed"
    );
    log.tunnel_ended(&end);
}

/// All that comes before mail flows.
async fn log_in(
    arrival: Arrival,
    endpoint: Arc<Endpoint>,
    shared: Arc<Shared>,
) -> Option<(Client, Bridge, SessionLog)> {
    let settings = endpoint.settings.clone();
    let mut log = SessionLog::new(&arrival, &endpoint);
    let Arrival {
        mut socket, peer, ..
    } = arrival;
    let source = Source::learn(&mut socket, peer, &endpoint, &mut log).await;
    let identity = Identity::of(source.ok()?);
    let mut client = Client::new(socket, &endpoint);
    if endpoint.ssl {
        log.doing("SSL handshaking");
        let tls = endpoint.tls.clone()?;
        client
            .secure(&tls, &settings, endpoint.server.mail.timeout, &log)
            .await
            .ok()?;
    }
    let learned = endpoint.first_backend_capabilities().await;
    let front = settings.server(client.tls().is_some(), learned);
    let mut session = Session::new(endpoint, shared, client, log, identity, front);
    let bridge = match session.greet().await {
        Ok(()) => session.converse().await,
        Err(over) => Err(over),
    };
    match bridge {
        Ok(bridge) => {
            let (client, log) = session.into_parts();
            Some((client, bridge, log))
        }
        Err(_) => {
            if let Some(trouble) = session.client.trouble() {
                session.log.lost_client(trouble);
            }
            None
        }
    }
}

/// The session is over; everything that had to be said has been said.
#[derive(Debug)]
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Over
    }
}

/// Levels of what a socket's failure means, as nginx has them.
fn level_of(error: &std::io::Error) -> Level {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::NotConnected
        | Kind::TimedOut
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown => Level::Error,
        _ => Level::Crit,
    }
}
