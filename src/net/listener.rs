//! A listening socket inside tokio.

use std::io;
use std::os::fd::OwnedFd;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::bound::{BindFault, Bound, Unlinked, reconfigure};
use super::socket::{Peer, Socket};
use crate::base::Address;
use crate::config::SocketOptions;

/// A socket that listens. Dropping it closes it, and unlinks it if it is a unix socket.
#[derive(Debug)]
pub struct Listener {
    socket: Kind,
    address: Address,
    _path: Option<Unlinked>,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Moves a bound socket into the runtime that this is called in.
    ///
    /// # Errors
    /// What registering it with the runtime's epoll says.
    pub fn new(bound: Bound) -> io::Result<Self> {
        let (descriptor, address, path) = bound.into_parts();
        let socket = match address {
            Address::Inet(_) => Kind::Tcp(TcpListener::from_std(descriptor.into())?),
            Address::Unix(_) => Kind::Unix(UnixListener::from_std(descriptor.into())?),
        };
        Ok(Self {
            socket,
            address,
            _path: path,
        })
    }

    /// The address it was bound to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Gives a socket that a reload keeps the options of the new configuration, its backlog included. Each failure is one
    /// line (alert, `…, ignored`).
    pub fn configure(&self, options: &SocketOptions) -> Vec<BindFault> {
        reconfigure(self.socket_ref(), &self.address, options)
    }

    /// Waits for the next connection. TCP connections have TCP_NODELAY from their listener, without which each reply that
    /// is not the last would wait for the peer's delayed ACK.
    ///
    /// # Errors
    /// What accept4(2) says.
    pub async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match &self.socket {
            Kind::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Socket::Tcp(stream), Peer::Inet(peer)))
            }
            Kind::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Socket::Unix(stream), Peer::Unix))
            }
        }
    }

    /// The next connection that the kernel has ready, if any. Asks the kernel itself: for the last look before closing.
    ///
    /// # Errors
    /// `WouldBlock` when there is none; what accept4(2) says.
    pub fn accept_now(&self) -> io::Result<(Socket, Peer)> {
        let (socket, peer) = self.socket_ref().accept()?;
        socket.set_nonblocking(true)?;
        let descriptor = OwnedFd::from(socket);
        match peer.as_socket() {
            Some(peer) => Ok((
                Socket::Tcp(TcpStream::from_std(descriptor.into())?),
                Peer::Inet(peer),
            )),
            None => Ok((
                Socket::Unix(UnixStream::from_std(descriptor.into())?),
                Peer::Unix,
            )),
        }
    }

    fn socket_ref(&self) -> SockRef<'_> {
        match &self.socket {
            Kind::Tcp(listener) => SockRef::from(listener),
            Kind::Unix(listener) => SockRef::from(listener),
        }
    }
}
