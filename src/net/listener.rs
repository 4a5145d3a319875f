//! A listening socket inside tokio.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::{SocketFlags, acceptfrom_with};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpStream, UnixStream};

use super::socket::{Peer, Socket};
use crate::base::Address;

/// A listening socket: a duplicate of one that the master has bound. Dropping it closes the duplicate.
#[derive(Debug)]
pub struct Listener {
    socket: AsyncFd<OwnedFd>,
    address: Address,
}

/// A connection that was accepted and belongs to no runtime yet: the thread that accepts it is not always the one that serves it.
#[derive(Debug)]
pub struct Accepted {
    descriptor: OwnedFd,
    /// The client's address.
    pub peer: Peer,
}

impl Listener {
    /// Moves a listening socket into the current runtime.
    ///
    /// # Errors
    /// The runtime cannot register the socket with epoll.
    #[expect(
        deprecated,
        reason = "its successor is unsafe to call; an OwnedFd is what it wants"
    )]
    pub fn new(descriptor: OwnedFd, address: Address) -> io::Result<Self> {
        let socket = AsyncFd::with_interest(descriptor, Interest::READABLE)?;
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
    pub async fn accept(&self) -> io::Result<Accepted> {
        self.socket.async_io(Interest::READABLE, accept).await
    }

    /// The next connection that the kernel has already accepted. Calls accept4(2) without waiting, for the last connections before the
    /// socket is closed.
    ///
    /// # Errors
    /// `WouldBlock` when there is none; accept4(2) fails.
    pub fn accept_now(&self) -> io::Result<Accepted> {
        accept(self.socket.get_ref())
    }
}

impl Accepted {
    /// The local end's address, if it is TCP.
    pub fn local_address(&self) -> Option<SocketAddr> {
        let local = SockRef::from(&self.descriptor).local_addr().ok()?;
        local.as_socket()
    }

    /// Moves the connection into the current runtime.
    ///
    /// # Errors
    /// The runtime cannot register the socket with epoll.
    pub fn into_socket(self) -> io::Result<Socket> {
        match self.peer {
            Peer::Inet(_) => Ok(Socket::Tcp(TcpStream::from_std(self.descriptor.into())?)),
            Peer::Unix => Ok(Socket::Unix(UnixStream::from_std(self.descriptor.into())?)),
        }
    }
}

fn accept(listener: &OwnedFd) -> io::Result<Accepted> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (descriptor, peer) = acceptfrom_with(listener, flags)?;
    let peer = match peer.map(SocketAddr::try_from) {
        Some(Ok(address)) => Peer::Inet(address),
        Some(Err(_)) | None => Peer::Unix,
    };
    Ok(Accepted { descriptor, peer })
}
