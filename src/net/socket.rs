//! A connected stream socket, TCP or Unix, and who is at its other end.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use nix::sys::socket::{MsgFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::base::address::{Address, Ipv6Text};

/// The address a client came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// TCP, with the client's port.
    Inet(SocketAddr),
    /// A Unix socket: nginx calls all such clients `unix:`.
    Unix,
}

impl fmt::Display for Peer {
    /// Address and port, as in nginx's line `client … connected to …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Inet(address) => address.fmt(f),
            Peer::Unix => f.write_str("unix:"),
        }
    }
}

impl Peer {
    /// The address without its port, as nginx prints it; IPv6 without brackets.
    pub fn host(&self) -> String {
        match self {
            Peer::Inet(SocketAddr::V4(address)) => address.ip().to_string(),
            Peer::Inet(SocketAddr::V6(address)) => Ipv6Text(*address.ip()).to_string(),
            Peer::Unix => "unix:".into(),
        }
    }

    /// The IP address, if it has one; an IPv4 address inside IPv6 as IPv4.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Peer::Inet(address) => Some(address.ip().to_canonical()),
            Peer::Unix => None,
        }
    }
}

/// A connected socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
}

impl Socket {
    /// Connects to one address. TCP sockets get `TCP_NODELAY`: with Nagle's algorithm on, every reply that is
    /// sent in two writes waits for a delayed ACK.
    ///
    /// # Errors
    /// What `connect(2)` says; [`io::Error::raw_os_error`] is set.
    pub async fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Inet(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
            Address::Unix(path) => Ok(Socket::Unix(UnixStream::connect(path).await?)),
        }
    }

    /// The local end's address, if it is TCP.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Socket::Tcp(stream) => stream.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// The other end's address, if it is TCP.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        match self {
            Socket::Tcp(stream) => stream.peer_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// Looks at what comes next and leaves it there. `0` at the end of the stream. Must not be called again before all
    /// that was seen is read: the kernel would not tell of more.
    ///
    /// # Errors
    /// What recv(2) says.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.peek(buffer).await,
            Socket::Unix(stream) => {
                let peek = || Ok(recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_PEEK)?);
                stream.async_io(Interest::READABLE, peek).await
            }
        }
    }

    /// Takes what is there without waiting; `WouldBlock` when nothing is.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.try_read(buffer),
            Socket::Unix(stream) => stream.try_read(buffer),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, buffers),
            Socket::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, buffers),
        }
    }

    /// The records of one TLS flight go out in one packet.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
