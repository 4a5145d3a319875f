//! One client's connection from accept to end: the only place where the dialogues meet the network.
//!
//! A session goes through phases: PROXY header and TLS, [`Greeting`], [`Commands`], [`Authenticating`], [`Tunnel`]. Each is a
//! value that the next one is made from, and each can end the session with a [`SessionEnd`]. The phases before the tunnel
//! run in one boxed future that is dropped when the tunnel begins: an idle tunnel owns two sockets and little else.

mod auth_http;
mod authenticating;
mod backend;
mod client;
mod closing;
mod commands;
mod connections;
mod end;
mod endpoint;
mod greeting;
mod io_failure;
mod limit_state;
mod limits;
mod log;
mod monitored;
mod outcome;
mod peer_failures;
mod phase;
mod recorder;
mod recording;
mod reporting;
mod shared;
mod shutdown;
mod tunnel;
mod verdict;

use std::pin::Pin;
use std::sync::Arc;

pub use auth_http::auth_server::AuthServer;
pub use backend::{
    BackendCapabilities, BackendChoice, Backends, BalancersByName, CapabilityCache, GroupTasks,
};
pub use connections::{Connection, Connections};
pub use endpoint::{Authenticator, ClientHeader, Endpoint};
pub use peer_failures::PeerFailures;
pub use shared::Shared;
pub use shutdown::ShutdownTimer;

use self::authenticating::Authenticating;
use self::backend::BackendStream;
use self::client::connection::Client;
use self::client::source::Source;
use self::commands::Commands;
use self::end::{Cause, SessionEnd};
use self::greeting::Greeting;
use self::log::SessionLog;
use self::phase::Phase;
use self::recorder::Recorder;
use self::shutdown::{Shutdown, over};
use self::tunnel::Tunnel;
use crate::config::{Stage, TlsMode};
use crate::log::mail_log::HeaderRecord;
use crate::net::socket::{Peer, Socket};

/// A client that was accepted.
#[derive(Debug)]
pub struct Arrival {
    pub socket: Socket,
    pub peer: Peer,
    /// The connection's number in the log.
    pub number: u64,
}

/// The parts of a session that last from the greeting to the end.
#[derive(Debug)]
struct Session<'s> {
    endpoint: &'s Endpoint,
    shared: &'s Shared,
    client: &'s mut Client,
    log: &'s mut SessionLog,
}

/// Serves one client to its end.
pub fn serve(
    arrival: Arrival,
    endpoint: Arc<Endpoint>,
    shared: Arc<Shared>,
) -> impl Future<Output = ()> + Send {
    // Boxed: everything that only a login needs is freed before the tunnel begins.
    let login = Box::pin(log_in(arrival, endpoint, shared));
    async {
        if let Some(tunnel) = login.await {
            tunnel.await;
        }
    }
}

/// Writes the line of a client that `worker_connections` leaves no room for, which has no number otherwise.
pub fn record_turned_away(client: (&Peer, &Socket), endpoint: &Endpoint, shared: &Shared) {
    if endpoint.mail_log.is_empty() && endpoint.monitor.is_none() {
        return;
    }
    if let Some(mut record) = Recorder::new(endpoint.recorded(), shared.next_number(), client) {
        let per_worker = shared.connections.per_worker();
        let end = Phase::Greeting.end(Cause::NoConnection { per_worker });
        record.conclude(end.conclusion(&endpoint.server));
    }
}

/// The future of the tunnel, in an allocation of its own size.
type Boxed<F> = Pin<Box<F>>;

/// Runs the phases before the tunnel. `None`: the session has ended.
///
/// Everything that a client does not need while it waits for its next command is in a box that is dropped before.
fn log_in(
    arrival: Arrival,
    endpoint: Arc<Endpoint>,
    shared: Arc<Shared>,
) -> impl Future<Output = Option<Boxed<impl Future<Output = ()> + Send>>> + Send {
    let Arrival {
        socket,
        peer,
        number,
    } = arrival;
    let server = &endpoint.server;
    let mut log = SessionLog::new(
        endpoint.log.clone(),
        endpoint.peer_failures.clone(),
        endpoint.listen.clone(),
        number,
        &peer,
    );
    let ends = (&peer, &socket);
    log.record(Recorder::new(endpoint.recorded(), number, ends));
    let mut shutdown = endpoint.shutdown(log.close_request());
    let mut source = Source::new(&socket, peer, server);
    let mut client = Client::new(socket, server.client_buffer(), server.mail.timeout);
    // Not an async function: it would have room for its arguments twice.
    async move {
        if endpoint.client_header != ClientHeader::Off {
            let received = receive_header(&endpoint, &mut client, &mut source, &mut shutdown);
            match Box::pin(received).await {
                Ok(header) => log.client(&source.peer, header),
                Err(cause) => {
                    // No reply: the client may expect TLS.
                    let end = Phase::ProxyHeader.end(cause);
                    log.concluded(end.conclusion(&endpoint.server));
                    end.log(&log);
                    return None;
                }
            }
        }
        let session = Session {
            endpoint: &endpoint,
            shared: &shared,
            client: &mut client,
            log: &mut log,
        };
        let greeting = Box::pin(greet(session, source));
        let reached = tokio::select! {
            biased;
            reached = reach_backend(greeting) => reached,
            reason = over(&mut shutdown) => Err(Phase::Commands.end(Cause::Shutdown(reason))),
        };
        match reached {
            Ok((backend, connection)) => {
                log.logged_in();
                log.tunnelled(&client, &backend);
                let backend = (backend, connection);
                let tunnel = Tunnel::new(client, backend, &endpoint.server, shutdown, log);
                Some(Box::pin(tunnel.run()))
            }
            Err(end) => {
                let session = Session {
                    endpoint: &endpoint,
                    shared: &shared,
                    client: &mut client,
                    log: &mut log,
                };
                Box::pin(closing::close(session, end, &mut shutdown)).await;
                None
            }
        }
    }
}

/// Reads the PROXY header.
async fn receive_header(
    endpoint: &Endpoint,
    client: &mut Client,
    source: &mut Source,
    shutdown: &mut Option<Box<Shutdown>>,
) -> Result<Option<HeaderRecord>, Cause> {
    let server = &endpoint.server;
    let trusted = &server.realip.set_real_ip_from;
    let with_tlvs = endpoint.client_header == ClientHeader::WithTlvs;
    tokio::select! {
        received = source.receive_header(client, server.mail.timeout, trusted, with_tlvs) => {
            received.map_err(Cause::ProxyHeader)
        }
        reason = over(shutdown) => Err(Cause::Shutdown(reason)),
    }
}

/// Runs the phases from implicit TLS to the greeting.
async fn greet(mut session: Session<'_>, source: Source) -> Result<Commands<'_>, SessionEnd> {
    let is_limited = session.endpoint.limits.is_some();
    if is_limited {
        let access = limits::check_access(&session, &source.peer);
        access.map_err(|cause| Phase::Greeting.end(cause))?;
        limits::enter(&mut session, Stage::Accept).await?;
    }
    if let TlsMode::Implicit(tls) = &session.endpoint.tls {
        let limit = session.endpoint.server.mail.timeout;
        let secured = session.client.secure(tls, limit).await;
        session.log.secured(session.client);
        secured.map_err(|error| Phase::Handshake.end(Cause::Tls(error)))?;
        if is_limited {
            limits::enter(&mut session, Stage::Tls).await?;
        }
    }
    let greeting = Greeting::new(session, source).await;
    greeting.greet().await
}

/// Runs the phases from the greeting to the login.
async fn reach_backend<'s>(
    greeting: impl Future<Output = Result<Commands<'s>, SessionEnd>>,
) -> Result<(BackendStream, Option<Connection>), SessionEnd> {
    let mut commands = greeting.await?;
    loop {
        let needed = commands.serve().await?;
        // Boxed: a client that has not sent its login does not need the room.
        let authenticating = Box::pin(Authenticating::new(&mut commands, needed).run());
        if let Some(backend) = authenticating.await? {
            return Ok((backend, commands.second.take()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most bytes of a session's future in its task, of the part before the tunnel, and of the tunnel.
    const LIMITS: (usize, usize, usize) = (48, 920, 416);

    fn size<A, B, C, F: Future>(_: fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    fn tunnel_size<A, B, C, F: Future<Output = Option<Pin<Box<T>>>>, T>(
        _: fn(A, B, C) -> F,
    ) -> usize {
        size_of::<T>()
    }

    #[test]
    fn an_idle_session_is_small() {
        let (session, login, tunnel) = (size(serve), size(log_in), tunnel_size(log_in));
        assert!(session <= LIMITS.0, "{session}");
        assert!(login <= LIMITS.1, "{login}");
        assert!(tunnel <= LIMITS.2, "{tunnel}");
    }
}
