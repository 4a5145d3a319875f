//! The acceptor of one listening socket: it finds the server, checks the limits and starts the session on one of the threads.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::instance::Instance;
use super::session_count::SessionSlot;
use super::threads::Threads;
use crate::base::{Address, Errno, Level};
use crate::config::TlsMode;
use crate::net::accept::{AcceptFailure, AcceptHandler};
use crate::net::listener::Accepted;
use crate::net::socket::{Peer, Socket};
use crate::proto::LastReply;
use crate::session::{self, Arrival, Connection, Endpoint, Shared};

/// The least time between two log lines about exhausted descriptors.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

/// Starts the sessions of one listening socket.
#[derive(Debug)]
pub struct ListenerHandler {
    acceptor: Acceptor,
    threads: Arc<Threads>,
    /// The number of the thread that accepts.
    own: usize,
    complained: Mutex<Option<Instant>>,
}

/// Admits clients of the socket that is bound to `address`.
#[derive(Debug)]
pub struct Acceptor {
    instance: Arc<Instance>,
    address: Address,
}

/// A client that there is room for.
#[derive(Debug)]
struct Admission {
    peer: Peer,
    /// The connection's number in the log.
    number: u64,
    endpoint: Arc<Endpoint>,
    shared: Arc<Shared>,
    /// Both counts last to the end of the session.
    counted: (Connection, SessionSlot),
}

impl Acceptor {
    /// The acceptor for the socket that is bound to `address`.
    pub fn new(instance: Arc<Instance>, address: Address) -> Self {
        Self { instance, address }
    }

    /// Serves a connection in the current runtime.
    pub fn serve(&self, socket: Socket, peer: Peer) {
        let local = || Some(socket.local_address()?.ip());
        match self.admit(peer, local) {
            Ok(Some(admission)) => drop(tokio::spawn(admission.serve(socket))),
            Ok(None) => {}
            Err(endpoint) => self.turn_away(&endpoint, socket, &peer),
        }
    }

    /// Finds the endpoint of a client, counts the session and writes its first line. `None`: the configuration has no endpoint any more.
    ///
    /// # Errors
    /// The endpoint of a client that there is no room for.
    fn admit(
        &self,
        peer: Peer,
        local: impl FnOnce() -> Option<IpAddr>,
    ) -> Result<Option<Admission>, Arc<Endpoint>> {
        let generation = self.instance.generation.load();
        let local = || Some(local()?.to_canonical());
        let Some(endpoint) = generation.endpoint(&self.address, local) else {
            return Ok(None);
        };
        let shared = Arc::clone(&self.instance.registries.shared);
        let Some(connection) = shared.connections.take() else {
            return Err(Arc::clone(endpoint));
        };
        let number = shared.next_number();
        let text = format_args!("client {peer} connected to {}", endpoint.listen);
        endpoint.log.line(Level::Info, Some(number), text);
        Ok(Some(Admission {
            peer,
            number,
            endpoint: Arc::clone(endpoint),
            shared,
            counted: (connection, self.instance.sessions.begin()),
        }))
    }

    /// Writes that there is no room for a client, and tells the client unless it expects TLS.
    fn turn_away(&self, endpoint: &Endpoint, socket: Socket, peer: &Peer) {
        let generation = self.instance.generation.load();
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

impl Admission {
    /// Serves the client to its end.
    async fn serve(self, socket: Socket) {
        let Self {
            peer,
            number,
            endpoint,
            shared,
            counted,
        } = self;
        let arrival = Arrival {
            socket,
            peer,
            number,
        };
        session::serve(arrival, endpoint, shared).await;
        drop(counted);
    }

    /// Serves the client of a connection that belongs to no runtime yet in the current one.
    async fn begin(self, connection: Accepted) {
        match connection.into_socket() {
            Ok(socket) => self.serve(socket).await,
            Err(error) => {
                let text = format_args!("epoll_ctl() failed{}", Errno(&error));
                let log = &self.endpoint.log;
                log.line(Level::Alert, Some(self.number), text);
            }
        }
    }
}

impl ListenerHandler {
    /// The handler for the socket that is bound to `address`, on thread `own`.
    pub fn new(
        instance: Arc<Instance>,
        address: Address,
        threads: Arc<Threads>,
        own: usize,
    ) -> Self {
        Self {
            acceptor: Acceptor::new(instance, address),
            threads,
            own,
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
}

impl AcceptHandler for ListenerHandler {
    /// Waits while the remaining descriptors do not suffice for one more session. The log line is that of accept4(2) without a descriptor,
    /// which would fail next.
    async fn ready(&self) {
        let generation = self.acceptor.instance.generation.load_full();
        let (sockets, logs) = (
            generation.listening_descriptors(),
            &generation.config.log_files,
        );
        let limit = (self.acceptor.instance.descriptors).sessions(
            sockets,
            logs.len(),
            self.threads.count(),
        );
        drop(generation);
        if self.acceptor.instance.sessions.open() >= limit {
            let shared = &self.acceptor.instance.registries.shared;
            if !shared.connections.reclaim() {
                let error = io::Error::from(nix::errno::Errno::EMFILE);
                self.failed(&error, AcceptFailure::Exhausted);
            }
            self.acceptor.instance.sessions.fewer_than(limit).await;
        }
    }

    fn accepted(&self, connection: Accepted) {
        let local = || Some(connection.local_address()?.ip());
        match self.acceptor.admit(connection.peer, local) {
            Ok(Some(admission)) => self.threads.spawn(self.own, |place| async move {
                admission.begin(connection).await;
                drop(place);
            }),
            Ok(None) => {}
            Err(endpoint) => {
                let peer = connection.peer;
                if let Ok(socket) = connection.into_socket() {
                    self.acceptor.turn_away(&endpoint, socket, &peer);
                }
            }
        }
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
        let listen = &self.acceptor.address;
        let text = format_args!(
            "accept4() failed{} while accepting new connection on {listen}",
            Errno(error)
        );
        self.acceptor
            .instance
            .generation
            .load()
            .log
            .line(level, None, text);
    }
}
