//! A listening socket inside tokio.

use std::io;
use std::os::fd::OwnedFd;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::socket::{Peer, Socket};
use crate::base::Address;

/// A listening socket: a duplicate of one that the master has bound. Dropping it closes the duplicate.
#[derive(Debug)]
pub struct Listener {
    socket: Kind,
    address: Address,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Moves a listening socket into the current runtime.
    ///
    /// # Errors
    /// The runtime cannot register the socket with epoll.
    pub fn new(descriptor: OwnedFd, address: Address) -> io::Result<Self> {
        let socket = match address {
            Address::Inet(_) => Kind::Tcp(TcpListener::from_std(descriptor.into())?),
            Address::Unix(_) => Kind::Unix(UnixListener::from_std(descriptor.into())?),
        };
        Ok(Self { socket, address })
    }

    /// The address that it is bound to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits for the next connection. TCP connections inherit TCP_NODELAY from the listener; without it every reply but the last would
    /// wait for the peer's delayed ACK.
    ///
    /// # Errors
    /// accept4(2) fails.
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

    /// The next connection that the kernel has already accepted. Calls accept4(2) without waiting, for the last connections before the
    /// socket is closed.
    ///
    /// # Errors
    /// `WouldBlock` when there is none; accept4(2) fails.
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
