//! A connection to the store: address, TLS, login, and a script that shows that it can be used.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Peer;
use super::failure::Failure;
use super::script::{Arguments, PROBE};
use crate::base::Address;
use crate::net::socket::Socket;
use crate::net::stream::Stream;

/// The time for a connection to one of several addresses.
const EACH_ADDRESS: Duration = Duration::from_secs(2);

/// A connection in use.
pub(super) struct Live {
    pub connection: MultiplexedConnection,
    /// A call has failed: no other one is made.
    is_broken: AtomicBool,
    broken: mpsc::Sender<Failure>,
}

/// What has to run for a connection to work.
pub(super) struct Driver {
    exchange: Pin<Box<dyn Future<Output = ()> + Send>>,
    broken: mpsc::Receiver<Failure>,
}

impl Live {
    /// Whether calls are made.
    pub fn is_usable(&self) -> bool {
        !self.is_broken.load(Ordering::Relaxed)
    }

    /// A call has failed.
    pub fn fail(&self, failure: Failure) {
        self.is_broken.store(true, Ordering::Relaxed);
        // The first failure is the one that is told.
        let _ = self.broken.try_send(failure);
    }
}

impl Driver {
    /// Serves the connection to its end.
    pub async fn run(&mut self) -> Failure {
        tokio::select! {
            biased;
            Some(failure) = self.broken.recv() => failure,
            () = &mut self.exchange => Failure::Closed,
        }
    }
}

/// Connects to the store.
///
/// # Errors
/// Why it cannot be used.
pub(super) async fn connect(peer: &Peer) -> Result<(Live, Driver), Failure> {
    let stream = secured(peer, dial(peer).await?).await?;
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let made = MultiplexedConnection::new_with_config(&login(peer), stream, config).await?;
    let (connection, exchange) = made;
    let (tell, broken) = mpsc::channel(1);
    let mut driver = Driver {
        exchange: Box::pin(exchange),
        broken,
    };
    let key = [&peer.config.prefix, b"probe".as_slice()].concat();
    let with = Arguments {
        keys: vec![key],
        arguments: Vec::new(),
    };
    tokio::select! {
        biased;
        probed = PROBE.call(connection.clone(), &with) => probed.map(drop)?,
        failure = driver.run() => return Err(failure),
    }
    let live = Live {
        connection,
        is_broken: AtomicBool::new(false),
        broken: tell,
    };
    Ok((live, driver))
}

/// Connects to the first address that can be reached.
async fn dial(peer: &Peer) -> Result<Socket, Failure> {
    let mut failure = Failure::Closed;
    for address in addresses(peer).await {
        match timeout(EACH_ADDRESS, peer.dialer.connect(&address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => failure = Failure::Unreachable(address, error),
            Err(_) => failure = Failure::NotConnected(EACH_ADDRESS),
        }
    }
    Err(failure)
}

/// The addresses of its name now; those of the configuration where it is none, or cannot be resolved.
async fn addresses(peer: &Peer) -> Vec<Address> {
    let known = &peer.config.addresses;
    let Some((name, port)) = &peer.config.name else {
        return known.clone();
    };
    match peer.resolver.addresses(name, *port).await {
        Ok((found, _)) => found.into_iter().map(Address::Inet).collect(),
        Err(_) => known.clone(),
    }
}

async fn secured(peer: &Peer, socket: Socket) -> Result<Stream, Failure> {
    let mut stream = Stream::Plain(socket);
    if let Some(tls) = &peer.tls {
        let handshake = stream.connect_tls(tls.config.clone(), tls.name.clone());
        let handshake = handshake.await;
        handshake.map_err(|error| Failure::Handshake(tls.failure(&error)))?;
    }
    Ok(stream)
}

fn login(peer: &Peer) -> RedisConnectionInfo {
    let info = RedisConnectionInfo::default();
    let info = info
        .set_db(peer.config.database.into())
        .set_skip_set_lib_name();
    let Some(login) = &peer.config.login else {
        return info;
    };
    let info = info.set_password(login.password.reveal());
    match &login.user {
        Some(user) => info.set_username(user),
        None => info,
    }
}
