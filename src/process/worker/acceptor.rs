//! The acceptor of one listening socket: it finds the server, checks the limits and starts the session.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::generation::Generation;
use super::instance::Instance;
use crate::base::{Address, Errno, Level};
use crate::config::TlsMode;
use crate::net::accept::{AcceptFailure, AcceptHandler};
use crate::net::socket::{Peer, Socket};
use crate::proto::LastReply;
use crate::session::{self, Arrival, Endpoint};

/// The least time between two log lines about exhausted descriptors.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

/// Starts the sessions of one socket.
#[derive(Debug)]
pub struct Acceptor {
    instance: Arc<Instance>,
    address: Address,
    complained: Mutex<Option<Instant>>,
}

impl Acceptor {
    /// The acceptor for the socket that is bound to `address`.
    pub fn new(instance: Arc<Instance>, address: Address) -> Self {
        Self {
            instance,
            address,
            complained: Mutex::new(None),
        }
    }

    /// Whether a line about exhausted descriptors is due, and is written now.
    fn may_complain(&self) -> bool {
        let mut last = self
            .complained
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= COMPLAINT_INTERVAL);
        if due {
            *last = Some(Instant::now());
        }
        due
    }

    fn refuse(&self, generation: &Generation, endpoint: &Endpoint, socket: Socket, peer: &Peer) {
        let connections = generation.config.events.worker_connections;
        generation.log.line(
            Level::Alert,
            None,
            format_args!("{connections} worker_connections are not enough"),
        );
        let shared = &self.instance.registries.shared;
        session::record_turned_away((peer, &socket), endpoint, shared);
        if !matches!(endpoint.tls, TlsMode::Implicit(_)) {
            let mut reply = Vec::new();
            let kind = LastReply::TooManyConnections;
            endpoint.settings.last_reply(kind, &mut reply);
            socket.turn_away(&reply);
        }
    }
}

impl AcceptHandler for Acceptor {
    /// Waits while the remaining descriptors do not suffice for one more session. The log line is that of accept4(2) without a descriptor,
    /// which would fail next.
    async fn ready(&self) {
        let generation = self.instance.generation.load_full();
        let (sockets, logs) = (&generation.config.sockets, &generation.config.log_files);
        let limit = (self.instance.descriptors).sessions(sockets.len(), logs.len());
        drop(generation);
        if self.instance.sessions.open() >= limit {
            let error = io::Error::from(nix::errno::Errno::EMFILE);
            self.failed(&error, AcceptFailure::Exhausted);
            self.instance.sessions.fewer_than(limit).await;
        }
    }

    fn accepted(&self, socket: Socket, peer: Peer) {
        let generation = self.instance.generation.load();
        let Some(endpoint) = generation.endpoint(&self.address, || {
            let local = socket.local_address()?;
            Some(local.ip().to_canonical())
        }) else {
            return;
        };
        let shared = Arc::clone(&self.instance.registries.shared);
        let Some(connection) = shared.connections.take() else {
            return self.refuse(&generation, endpoint, socket, &peer);
        };
        let counted = (connection, self.instance.sessions.begin());
        let endpoint = Arc::clone(endpoint);
        let number = shared.next_number();
        let text = format_args!("client {peer} connected to {}", endpoint.listen);
        endpoint.log.line(Level::Info, Some(number), text);
        tokio::spawn(async move {
            session::serve(
                Arrival {
                    socket,
                    peer,
                    number,
                },
                endpoint,
                shared,
            )
            .await;
            drop(counted);
        });
    }

    fn failed(&self, error: &io::Error, kind: AcceptFailure) {
        let level = match kind {
            AcceptFailure::Aborted => Level::Error,
            AcceptFailure::Exhausted => Level::Crit,
            AcceptFailure::Other => Level::Alert,
        };
        if kind == AcceptFailure::Exhausted && !self.may_complain() {
            return;
        }
        let listen = &self.address;
        let text = format_args!(
            "accept4() failed{} while accepting new connection on {listen}",
            Errno(error)
        );
        self.instance.generation.load().log.line(level, None, text);
    }
}
