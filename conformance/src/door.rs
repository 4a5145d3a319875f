//! Where the auth server or the backend listens, and its one connection at a time.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::case::Seat;
use crate::link::Link;

/// The port of who has none, for lines of a configuration that name one all the same.
const NO_PORT: u16 = 9;

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A listening peer.
#[derive(Debug)]
pub struct Door {
    listener: Option<Listener>,
    pub link: Option<Link>,
    /// The auth server has answered on this link; the next request comes on a new one.
    pub answered: bool,
}

impl Door {
    /// Opens it, `socket` being the path for one on a unix socket. The number is its port.
    ///
    /// # Errors
    /// When nobody can listen there.
    pub fn open(seat: Seat, socket: &Path) -> io::Result<(u16, Self)> {
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
            link: None,
            answered: false,
        };
        Ok((port, door))
    }

    /// Its connection; waits for one where there is none.
    ///
    /// # Errors
    /// When the gateway does not connect in time.
    pub fn link(&mut self, patience: Duration) -> io::Result<&mut Link> {
        let until = Instant::now() + patience;
        while self.link.is_none() {
            match self.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                    thread::sleep(Duration::from_millis(1));
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
            Listener::Tcp(listener) => listener.accept()?.0,
            // For all that a link does with it, it is one of TCP.
            Listener::Unix(listener) => TcpStream::from(OwnedFd::from(listener.accept()?.0)),
        };
        self.link = Some(Link::new(socket)?);
        Ok(())
    }
}

fn tcp(listener: TcpListener) -> io::Result<(u16, Listener)> {
    listener.set_nonblocking(true)?;
    Ok((listener.local_addr()?.port(), Listener::Tcp(listener)))
}
