//! The sessions of portcullis in this process, with connections in memory and paused time.
//!
//! [`Network`] replaces the system: peers listen in it, and the gateway's [`Dialer`] connects through it. Its runtime has one thread and
//! runs while a peer waits, so a case is deterministic.

mod pipe;
mod socket;

use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use portcullis::base::Address;
use portcullis::config::{LogDestination, Options, Server};
use portcullis::net::dialer::{Dial, Dialer};
use portcullis::net::socket::{Peer, Socket};
use portcullis::process::Embedded;
use portcullis::process::machine::{Machine, Rights};
use tokio::runtime::{Builder, Runtime};

pub use pipe::End;
pub use socket::MemorySocket;

/// Ports are counted from here.
const FIRST_PORT: u16 = 40_000;

/// The listening peers, and the runtime whose paused time the gateway and all peers share.
#[derive(Clone, Debug)]
pub struct Network {
    pub runtime: Arc<Runtime>,
    listeners: Arc<Listeners>,
}

/// The connections that have not been accepted yet, by listening address.
#[derive(Debug, Default)]
struct Listeners {
    waiting: Mutex<HashMap<Address, VecDeque<End>>>,
    ports: Mutex<u16>,
}

impl Network {
    /// A network without listeners.
    ///
    /// # Errors
    /// When the runtime cannot be created.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        Ok(Self {
            runtime: Arc::new(runtime),
            listeners: Arc::default(),
        })
    }

    /// A port that has not been returned before.
    #[must_use]
    pub fn free_port(&self) -> u16 {
        self.listeners.free_port()
    }

    /// Listens on an address.
    #[must_use]
    pub fn listen(&self, address: Address) -> Listener {
        lock(&self.listeners.waiting).insert(address.clone(), VecDeque::new());
        Listener {
            network: self.clone(),
            address,
        }
    }
}

/// A listening peer.
#[derive(Debug)]
pub struct Listener {
    network: Network,
    address: Address,
}

impl Listener {
    /// Accepts a waiting connection.
    ///
    /// # Errors
    /// `WouldBlock` if there is none.
    pub fn accept(&self) -> io::Result<MemorySocket> {
        let mut waiting = lock(&self.network.listeners.waiting);
        let next = waiting.get_mut(&self.address).and_then(VecDeque::pop_front);
        let end = next.ok_or(io::ErrorKind::WouldBlock)?;
        Ok(MemorySocket::new(end, Arc::clone(&self.network.runtime)))
    }
}

impl Listeners {
    fn free_port(&self) -> u16 {
        let mut ports = lock(&self.ports);
        *ports += 1;
        FIRST_PORT + *ports
    }

    /// Connects a new port to `address`; returns the new address, its end of the connection, and the other end.
    fn pair(&self, address: SocketAddr) -> (SocketAddr, End, End) {
        let ip = match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            own @ IpAddr::V6(_) => own,
        };
        let own = SocketAddr::new(ip, self.free_port());
        let (near, far) = End::pair(Some(own), Some(address));
        (own, near, far)
    }
}

impl Dial for Listeners {
    fn dial<'a>(
        &'a self,
        address: &'a Address,
    ) -> Pin<Box<dyn Future<Output = io::Result<Socket>> + Send + 'a>> {
        let result = match (lock(&self.waiting).get_mut(address), address) {
            (Some(waiting), _) => {
                let (near, far) = match address {
                    Address::Inet(address) => {
                        let (_, near, far) = self.pair(*address);
                        (near, far)
                    }
                    Address::Unix(_) => End::pair(None, None),
                };
                waiting.push_back(far);
                Ok(Socket::Custom(Box::new(near)))
            }
            (None, Address::Inet(_)) => Err(Errno::ECONNREFUSED.into()),
            (None, Address::Unix(_)) => Err(Errno::ENOENT.into()),
        };
        Box::pin(ready(result))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The gateway in a network.
#[derive(Debug)]
pub struct Gateway {
    embedded: Embedded,
    network: Network,
}

impl Gateway {
    /// Loads the configuration `file`.
    ///
    /// # Errors
    /// The error of the configuration.
    pub fn new(network: Network, file: &Path, root: &Path) -> Result<Self, String> {
        let guard = network.runtime.enter();
        let dialer = Dialer::Custom(Arc::clone(&network.listeners) as Arc<dyn Dial>);
        let embedded = Embedded::new(options(file, root), &machine(), dialer)?;
        drop(guard);
        Ok(Self { embedded, network })
    }

    /// Connects a new client; returns its socket and its address.
    #[must_use]
    pub fn connect(&self, listen: SocketAddr) -> (MemorySocket, SocketAddr) {
        let (own, client, gateway) = self.network.listeners.pair(listen);
        let _guard = self.network.runtime.enter();
        let socket = Socket::Custom(Box::new(gateway));
        self.embedded
            .accept(&Address::Inet(listen), socket, Peer::Inet(own));
        (
            MemorySocket::new(client, Arc::clone(&self.network.runtime)),
            own,
        )
    }
}

/// Loads a configuration and returns its first server, for tests without a session.
///
/// # Errors
/// The first error of the configuration.
pub fn server(text: &[u8], root: &Path) -> Result<Arc<Server>, String> {
    let file = root.join("gateway.conf");
    std::fs::write(&file, text).map_err(|error| error.to_string())?;
    let loaded = portcullis::config::load(&machine(), &options(&file, root), &mut |_| ())
        .map_err(|fault| String::from_utf8_lossy(&fault.message).into_owned())?;
    let server = loaded.config.servers.first().cloned();
    server.ok_or_else(|| "no server".to_owned())
}

fn options(file: &Path, root: &Path) -> Options {
    Options {
        program: "portcullis",
        prefix: root.to_owned(),
        file: file.to_owned(),
        globals: None,
        error_log: LogDestination::Stderr,
        allowed: Vec::new(),
        pid: portcullis::config::PidOption::BuiltIn(root.join("pid")),
        typed: None,
        messages: Default::default(),
    }
}

fn machine() -> Machine {
    Machine {
        check_pair: portcullis::tls::check_pair,
        check_tls: portcullis::tls::check,
        check_client_tls: portcullis::tls::check_client,
        rights: Rights::Own,
    }
}
