//! The acceptor of one listening socket: which server answers, whether there is room, and the session's start.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::gateway::Gateway;
use super::generation::Generation;
use crate::base::{Address, Errno, Level};
use crate::config::TlsMode;
use crate::net::accept::{Keeper, Trouble};
use crate::net::socket::{Peer, Socket};
use crate::proto::LastReply;
use crate::session::{self, Arrival, Endpoint};

/// Lines about exhausted descriptors come at most this often.
const QUIET: Duration = Duration::from_secs(1);

/// Lets clients of one socket in.
#[derive(Debug)]
pub struct Acceptor {
    gateway: Arc<Gateway>,
    address: Address,
    complained: Mutex<Option<Instant>>,
}

impl Acceptor {
    /// The acceptor of the socket that is bound to `address`.
    pub fn new(gateway: Arc<Gateway>, address: Address) -> Self {
        Self {
            gateway,
            address,
            complained: Mutex::new(None),
        }
    }

    /// Whether a line about exhaustion is due; asked before it is written.
    fn may_complain(&self) -> bool {
        let mut last = self
            .complained
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= QUIET);
        if due {
            *last = Some(Instant::now());
        }
        due
    }

    fn turn_away(&self, generation: &Generation, endpoint: &Endpoint, socket: Socket) {
        let connections = generation.config.events.worker_connections;
        generation.log.line(
            Level::Alert,
            None,
            format_args!("{connections} worker_connections are not enough"),
        );
        if !matches!(endpoint.tls, TlsMode::Implicit(_)) {
            let mut reply = Vec::new();
            endpoint
                .settings
                .last_reply(LastReply::TooManyConnections, &mut reply);
            socket.turn_away(&reply);
        }
    }
}

impl Keeper for Acceptor {
    /// Waits while the descriptors left could not carry one more session to its end. To the log this is what it would
    /// become a moment later: accept4(2) without a descriptor.
    async fn room(&self) {
        let limit = self
            .gateway
            .descriptors
            .sessions(self.gateway.generation.load().config.sockets.len());
        if self.gateway.sessions.open() >= limit {
            let error = io::Error::from(nix::errno::Errno::EMFILE);
            self.failed(&error, Trouble::Exhausted);
            self.gateway.sessions.fewer_than(limit).await;
        }
    }

    fn admit(&self, socket: Socket, peer: Peer) {
        let generation = self.gateway.generation.load();
        let Some(endpoint) = generation.endpoint(&self.address, || {
            let local = socket.local_address()?;
            Some(local.ip().to_canonical())
        }) else {
            return;
        };
        let Some(ticket) = self.gateway.sessions.begin(generation.limit()) else {
            return self.turn_away(&generation, endpoint, socket);
        };
        let (endpoint, shared) = (Arc::clone(endpoint), Arc::clone(&self.gateway.shared));
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
            drop(ticket);
        });
    }

    fn failed(&self, error: &io::Error, trouble: Trouble) {
        let level = match trouble {
            Trouble::Gone => Level::Error,
            Trouble::Exhausted => Level::Crit,
            Trouble::Odd => Level::Alert,
        };
        if trouble == Trouble::Exhausted && !self.may_complain() {
            return;
        }
        let listen = &self.address;
        let text = format_args!(
            "accept4() failed{} while accepting new connection on {listen}",
            Errno(error)
        );
        self.gateway.generation.load().log.line(level, None, text);
    }
}
