//! The socket on which the auth server or the backend listens, and its current connection.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use portcullis::base::Address;

use crate::case::PeerAddress;
use crate::clock::Clock;
use crate::connection::Connection;
use crate::memory::{self, Network};
use crate::socket::Socket;

/// The port of a peer on a Unix socket, for configurations that name one anyway.
const NO_PORT: u16 = 9;

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
    Memory(memory::Listener),
}

/// A listening peer.
#[derive(Debug)]
pub struct Listener {
    /// `None` if connections are refused.
    socket: Option<Listening>,
    clock: Clock,
    pub connection: Option<Connection>,
    /// The auth server has responded on this connection; the next request comes on a new one.
    pub answered: bool,
}

impl Listener {
    /// Begins to listen, in a network in memory if there is one; `path` is the name of a Unix socket. Returns the port, too.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn open(
        address: PeerAddress,
        path: &Path,
        network: Option<&Network>,
    ) -> io::Result<(u16, Self)> {
        if let Some(network) = network {
            return Ok(Self::open_in(network, address, path));
        }
        let (port, socket) = match address {
            PeerAddress::Ipv4 | PeerAddress::Refused => {
                tcp(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?)?
            }
            PeerAddress::Ipv6 => tcp(TcpListener::bind((Ipv6Addr::LOCALHOST, 0))?)?,
            PeerAddress::Unix => {
                let listener = UnixListener::bind(path)?;
                listener.set_nonblocking(true)?;
                (NO_PORT, Listening::Unix(listener))
            }
        };
        let listener = Self {
            socket: (address != PeerAddress::Refused).then_some(socket),
            clock: Clock::System,
            connection: None,
            answered: false,
        };
        Ok((port, listener))
    }

    fn open_in(network: &Network, address: PeerAddress, path: &Path) -> (u16, Self) {
        let port = match address {
            PeerAddress::Unix => NO_PORT,
            PeerAddress::Ipv4 | PeerAddress::Ipv6 | PeerAddress::Refused => network.free_port(),
        };
        let bound = match address {
            PeerAddress::Unix => Address::Unix(path.to_owned()),
            PeerAddress::Ipv6 => Address::Inet((Ipv6Addr::LOCALHOST, port).into()),
            PeerAddress::Ipv4 | PeerAddress::Refused => {
                Address::Inet((Ipv4Addr::LOCALHOST, port).into())
            }
        };
        let listens = address != PeerAddress::Refused;
        let listener = Self {
            socket: listens.then(|| Listening::Memory(network.listen(bound))),
            clock: Clock::Virtual(network.runtime.clone()),
            connection: None,
            answered: false,
        };
        (port, listener)
    }

    /// The current connection; waits for one if there is none.
    ///
    /// # Errors
    /// When the gateway does not connect in time.
    pub fn connection(&mut self, timeout: Duration) -> io::Result<&mut Connection> {
        let deadline = self.clock.now() + timeout;
        while self.connection.is_none() {
            match self.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.clock.now() >= deadline {
                        let text = "the gateway did not connect";
                        return Err(io::Error::new(ErrorKind::TimedOut, text));
                    }
                    self.clock.sleep(Duration::from_millis(1));
                }
                other => other?,
            }
        }
        let connection = self.connection.as_mut();
        connection.ok_or_else(|| ErrorKind::NotConnected.into())
    }

    /// Accepts a waiting connection.
    ///
    /// # Errors
    /// When there is none.
    pub fn accept(&mut self) -> io::Result<()> {
        let socket = match self.socket.as_ref().ok_or(ErrorKind::NotConnected)? {
            Listening::Tcp(listener) => Socket::System(listener.accept()?.0),
            // A connection only uses what TCP and Unix sockets have in common.
            Listening::Unix(listener) => {
                Socket::System(TcpStream::from(OwnedFd::from(listener.accept()?.0)))
            }
            Listening::Memory(listener) => Socket::Memory(listener.accept()?),
        };
        self.connection = Some(Connection::new(socket, self.clock.clone())?);
        Ok(())
    }
}

fn tcp(listener: TcpListener) -> io::Result<(u16, Listening)> {
    listener.set_nonblocking(true)?;
    Ok((listener.local_addr()?.port(), Listening::Tcp(listener)))
}
