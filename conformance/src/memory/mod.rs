//! The shipped session in this process: connections in memory, paused time, and no socket.
//!
//! [`Network`] stands in for the system: peers listen in it, and the gateway's [`Dialer`] connects through it. Its runtime has
//! one thread and runs while a peer waits, so a case goes the same way every time.

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
use portcullis::process::machine::Machine;
use tokio::runtime::{Builder, Runtime};

pub use pipe::End;
pub use socket::Memory;

/// Below the first port that is given away.
const FIRST_PORT: u16 = 40_000;

/// The listening peers, and the runtime whose paused time all parties share.
#[derive(Clone, Debug)]
pub struct Network {
    pub runtime: Arc<Runtime>,
    listeners: Arc<Listeners>,
}

/// The connections that wait to be accepted, by listening address.
#[derive(Debug, Default)]
struct Listeners {
    waiting: Mutex<HashMap<Address, VecDeque<End>>>,
    ports: Mutex<u16>,
}

impl Network {
    /// A network without listeners.
    ///
    /// # Errors
    /// When the runtime cannot be made.
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

    /// A port that was not given away before.
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
    /// Accepts a connection that waits.
    ///
    /// # Errors
    /// `WouldBlock` if none waits.
    pub fn accept(&self) -> io::Result<Memory> {
        let mut waiting = lock(&self.network.listeners.waiting);
        let next = waiting.get_mut(&self.address).and_then(VecDeque::pop_front);
        let end = next.ok_or(io::ErrorKind::WouldBlock)?;
        Ok(Memory::new(end, Arc::clone(&self.network.runtime)))
    }
}

impl Listeners {
    fn free_port(&self) -> u16 {
        let mut ports = lock(&self.ports);
        *ports += 1;
        FIRST_PORT + *ports
    }

    /// A connection from a new port to `address`: the new address, its end and the other end.
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
        let dialed = match (lock(&self.waiting).get_mut(address), address) {
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
        Box::pin(ready(dialed))
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
    /// What is wrong with it.
    pub fn new(network: Network, file: &Path, root: &Path) -> Result<Self, String> {
        let inside = network.runtime.enter();
        let dialer = Dialer::Custom(Arc::clone(&network.listeners) as Arc<dyn Dial>);
        let embedded = Embedded::new(options(file, root), Arc::new(world()), dialer)?;
        drop(inside);
        Ok(Self { embedded, network })
    }

    /// A new client's end of its connection, and its address.
    #[must_use]
    pub fn connect(&self, listen: SocketAddr) -> (Memory, SocketAddr) {
        let (own, client, gateway) = self.network.listeners.pair(listen);
        let _inside = self.network.runtime.enter();
        let socket = Socket::Custom(Box::new(gateway));
        self.embedded
            .accept(&Address::Inet(listen), socket, Peer::Inet(own));
        (Memory::new(client, Arc::clone(&self.network.runtime)), own)
    }
}

/// The first server of a configuration, for tests that need no session.
///
/// # Errors
/// The first error of the configuration.
pub fn server(text: &[u8], root: &Path) -> Result<Arc<Server>, String> {
    let file = root.join("gateway.conf");
    std::fs::write(&file, text).map_err(|error| error.to_string())?;
    let loaded = portcullis::config::load(&world(), &options(&file, root), &mut |_| ())
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
        pid: root.join("pid"),
    }
}

fn world() -> Machine {
    Machine {
        check_pair: portcullis::tls::check_pair,
        check_tls: portcullis::tls::check,
        check_client_tls: portcullis::tls::check_client,
    }
}
