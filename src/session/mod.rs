//! One client's connection, from accept to end: the only place where the dialogues meet the network.
//!
//! accept → PROXY header → TLS → (name, greeting delay) → greeting → commands → login → backend → tunnel. What comes before the tunnel
//! runs in one boxed future that is dropped when mail flows, so a session that waits costs two sockets and little
//! else.

mod auth_server;
mod cipher;
mod client;
mod commands;
mod connect;
mod dialogue;
mod greeting;
mod handshake;
mod http;
mod identity;
mod inquiry;
mod journal;
mod judged;
mod learned;
mod naming;
pub mod place;
mod pool;
mod rising;
pub mod shared;
mod source;
mod vouched;

use std::sync::Arc;

pub use auth_server::AuthServer;
pub use place::Place;
pub use shared::Shared;

use crate::config::Level;
use crate::net::socket::{Peer, Socket};
use crate::net::stream::Stream;
use crate::net::tunnel;
use client::Client;
use commands::Session;
use identity::Identity;
use journal::Journal;
use source::Source;

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
struct Bridge {
    backend: Stream,
    /// Bytes that the backend sent behind its last reply.
    read_too_far: Vec<u8>,
}

/// Serves one client to its end.
pub async fn serve(arrival: Arrival, place: Arc<Place>, shared: Arc<Shared>) {
    let silence = place.server.proxy.proxy_timeout;
    // Boxed: all that a login needs is freed before mail flows.
    let login = Box::pin(log_in(arrival, place, shared)).await;
    let Some((client, bridge, journal)) = login else {
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
        connection = journal.number(),
        up = carried.up,
        down = carried.down,
        "tunnel closed"
    );
    journal.tunnel_ended(&end);
}

/// All that comes before mail flows.
async fn log_in(
    arrival: Arrival,
    place: Arc<Place>,
    shared: Arc<Shared>,
) -> Option<(Client, Bridge, Journal)> {
    let settings = place.settings.clone();
    let mut journal = Journal::new(&arrival, &place);
    let Arrival {
        mut socket, peer, ..
    } = arrival;
    let source = Source::learn(&mut socket, peer, &place, &mut journal).await;
    let identity = Identity::of(source.ok()?);
    let mut client = Client::new(socket, &place);
    if place.ssl {
        journal.doing("SSL handshaking");
        let tls = place.tls.clone()?;
        client
            .secure(
                &tls,
                place.server.protocol,
                place.server.mail.timeout,
                &journal,
            )
            .await
            .ok()?;
    }
    let learned = shared.offers_soon(&place).await;
    let front = settings.front(client.tls().is_some(), learned);
    let mut session = Session::new(place, shared, client, journal, identity, front);
    let bridge = match session.greet().await {
        Ok(()) => session.converse().await,
        Err(over) => Err(over),
    };
    match bridge {
        Ok(bridge) => {
            let (client, journal) = session.into_parts();
            Some((client, bridge, journal))
        }
        Err(_) => None,
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
