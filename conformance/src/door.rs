//! Where the auth server or the backend listens, and its one connection at a time.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use portcullis::base::Address;

use crate::case::Seat;
use crate::clock::Clock;
use crate::link::{Link, Socket};
use crate::memory::{self, Network};

/// The port of who has none, for lines of a configuration that name one all the same.
const NO_PORT: u16 = 9;

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
    Memory(memory::Listener),
}

/// A listening peer.
#[derive(Debug)]
pub struct Door {
    listener: Option<Listener>,
    clock: Clock,
    pub link: Option<Link>,
    /// The auth server has answered on this link; the next request comes on a new one.
    pub answered: bool,
}

impl Door {
    /// Opens it, `socket` being the path for one on a unix socket. The number is its port.
    ///
    /// # Errors
    /// When nobody can listen there.
    pub fn open(seat: Seat, socket: &Path, network: Option<&Network>) -> io::Result<(u16, Self)> {
        if let Some(network) = network {
            return Ok(Self::open_in(network, seat, socket));
        }
        let (port, listener) = match seat {
            Seat::Ipv4 | Seat::Refused => tcp(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?)?,
            Seat::Ipv6 => tcp(TcpListener::bind((Ipv6Addr::LOCALHOST, 0))?)?,
            Seat::Unix => {
                let listener = UnixListener::bind(socket)?;
                listener.set_nonblocking(true)?;
                (NO_PORT, Listener::Unix(listener))
            }
        };
        let door = Self {
            listener: (seat != Seat::Refused).then_some(listener),
            clock: Clock::System,
            link: None,
            answered: false,
        };
        Ok((port, door))
    }

    /// The same in a network that is not the system's.
    fn open_in(network: &Network, seat: Seat, socket: &Path) -> (u16, Self) {
        let port = match seat {
            Seat::Unix => NO_PORT,
            Seat::Ipv4 | Seat::Ipv6 | Seat::Refused => network.free_port(),
        };
        let address = match seat {
            Seat::Unix => Address::Unix(socket.to_owned()),
            Seat::Ipv6 => Address::Inet((Ipv6Addr::LOCALHOST, port).into()),
            Seat::Ipv4 | Seat::Refused => Address::Inet((Ipv4Addr::LOCALHOST, port).into()),
        };
        let listener = (seat != Seat::Refused).then(|| Listener::Memory(network.listen(address)));
        let door = Self {
            listener,
            clock: Clock::Virtual(network.runtime.clone()),
            link: None,
            answered: false,
        };
        (port, door)
    }

    /// Its connection; waits for one where there is none.
    ///
    /// # Errors
    /// When the gateway does not connect in time.
    pub fn link(&mut self, patience: Duration) -> io::Result<&mut Link> {
        let until = self.clock.now() + patience;
        while self.link.is_none() {
            match self.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock && self.clock.now() < until => {
                    self.clock.sleep(Duration::from_millis(1));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(io::Error::new(
                        ErrorKind::TimedOut,
                        "the gateway did not connect",
                    ));
                }
                other => other?,
            }
        }
        self.link
            .as_mut()
            .ok_or_else(|| ErrorKind::NotConnected.into())
    }

    /// Takes a connection that waits.
    ///
    /// # Errors
    /// When there is none.
    pub fn accept(&mut self) -> io::Result<()> {
        let socket = match self.listener.as_ref().ok_or(ErrorKind::NotConnected)? {
            Listener::Tcp(listener) => Socket::System(listener.accept()?.0),
            // For all that a link does with it, it is one of TCP.
            Listener::Unix(listener) => {
                Socket::System(TcpStream::from(OwnedFd::from(listener.accept()?.0)))
            }
            Listener::Memory(listener) => Socket::Memory(listener.accept()?),
        };
        self.link = Some(Link::new(socket, self.clock.clone())?);
        Ok(())
    }
}

fn tcp(listener: TcpListener) -> io::Result<(u16, Listener)> {
    listener.set_nonblocking(true)?;
    Ok((listener.local_addr()?.port(), Listener::Tcp(listener)))
}
