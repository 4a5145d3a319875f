//! Connected stream sockets, the addresses of their peers.

use std::fmt;
use std::future::{pending, poll_fn};
use std::io::{self, IoSlice};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::base::address::{Address, Ipv4Text, Ipv6Text};

/// The address a client came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// TCP, with the client's port.
    Inet(SocketAddr),
    /// A Unix socket, which nginx shows as `unix:`.
    Unix,
}

impl fmt::Display for Peer {
    /// Address and port, as in nginx's line `client … connected to …`: without the scope of a link-local address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Inet(address) => Address::Inet(*address).fmt(f),
            Peer::Unix => f.write_str("unix:"),
        }
    }
}

impl Peer {
    /// The address without its port, as nginx prints it; IPv6 without brackets.
    pub fn host(&self) -> Box<str> {
        match self {
            Peer::Inet(SocketAddr::V4(address)) => Ipv4Text::new(*address.ip()).as_str().into(),
            Peer::Inet(SocketAddr::V6(address)) => Ipv6Text(*address.ip()).to_string().into(),
            Peer::Unix => "unix:".into(),
        }
    }

    /// The port, if it has one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Peer::Inet(address) => Some(address.port()),
            Peer::Unix => None,
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

/// A connected stream socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
    /// A connection without a system socket: tests run whole sessions over these.
    Custom(Box<dyn CustomSocket>),
}

/// A bidirectional byte stream that takes the place of a system socket in [`Socket::Custom`].
///
/// `poll_shutdown` closes the sending side only; dropping the value closes both.
pub trait CustomSocket: AsyncRead + AsyncWrite + fmt::Debug + Send + Sync + Unpin {
    /// Copies the next bytes into `buffer` and leaves them to be read. The number of bytes is 0 at the end of the stream.
    fn poll_peek(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// The local end's address, if it has an IP address.
    fn local_address(&self) -> Option<SocketAddr>;

    /// The other end's address, if it has an IP address.
    fn peer_address(&self) -> Option<SocketAddr>;
}

impl Socket {
    /// Connects to one address. TCP sockets get `TCP_NODELAY`: with Nagle's algorithm on, every reply that is
    /// sent in two writes waits for a delayed ACK.
    ///
    /// # Errors
    /// The error of `connect(2)`; [`io::Error::raw_os_error`] is set.
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

    /// Moves the socket from the runtime that it belongs to into the current one.
    ///
    /// # Errors
    /// A runtime cannot change what is registered with epoll.
    pub fn into_current_runtime(self) -> io::Result<Self> {
        Ok(match self {
            Socket::Tcp(stream) => Socket::Tcp(TcpStream::from_std(stream.into_std()?)?),
            Socket::Unix(stream) => Socket::Unix(UnixStream::from_std(stream.into_std()?)?),
            Socket::Custom(_) => self,
        })
    }

    /// The local end's address, if it is TCP.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Socket::Tcp(stream) => stream.local_addr().ok(),
            Socket::Unix(_) => None,
            Socket::Custom(connection) => connection.local_address(),
        }
    }

    /// The other end's address, if it is TCP.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        match self {
            Socket::Tcp(stream) => stream.peer_addr().ok(),
            Socket::Unix(_) => None,
            Socket::Custom(connection) => connection.peer_address(),
        }
    }

    /// Breaks the connection with `ETIMEDOUT` once sent bytes were not acknowledged for this time (`TCP_USER_TIMEOUT`,
    /// RFC 5482). Without effect on other sockets than TCP ones.
    ///
    /// # Errors
    /// The error of `setsockopt(2)`.
    pub fn set_user_timeout(&self, limit: Duration) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => SockRef::from(stream).set_tcp_user_timeout(Some(limit)),
            Socket::Unix(_) | Socket::Custom(_) => Ok(()),
        }
    }

    /// Returns when the connection is broken, by a reset for example. Reads nothing, so it works while received bytes are left
    /// unread, and does not notice that the peer has closed its sending side.
    ///
    /// # Errors
    /// The error of `epoll(7)`.
    pub async fn broken(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.ready(Interest::ERROR).await.map(|_| ()),
            Socket::Unix(stream) => stream.ready(Interest::ERROR).await.map(|_| ()),
            Socket::Custom(_) => pending().await,
        }
    }

    /// Copies the next bytes into `buffer` and leaves them to be read. Returns 0 at the end of the stream. Before the next
    /// call, read all bytes that were returned: the kernel does not report more until then.
    ///
    /// # Errors
    /// The error of `recv(2)`.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.peek(buffer).await,
            Socket::Unix(stream) => {
                let peek = || Ok(recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_PEEK)?);
                stream.async_io(Interest::READABLE, peek).await
            }
            Socket::Custom(connection) => poll_fn(|cx| connection.poll_peek(cx, buffer)).await,
        }
    }

    /// Waits until there is something to read, bytes or an end. It may return early.
    ///
    /// # Errors
    /// The socket's.
    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.readable().await,
            Socket::Unix(stream) => stream.readable().await,
            Socket::Custom(_) => self.peek(&mut [0]).await.map(drop),
        }
    }

    /// Calls `read` when the socket is readable, until it does not fail with [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    /// That of `read`, and [`Unsupported`](io::ErrorKind::Unsupported) without a system socket.
    pub fn poll_read_with<T>(
        &self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let result = match self {
                Socket::Tcp(stream) => {
                    ready!(stream.poll_read_ready(cx))?;
                    stream.try_io(Interest::READABLE, || read(stream.as_fd()))
                }
                Socket::Unix(stream) => {
                    ready!(stream.poll_read_ready(cx))?;
                    stream.try_io(Interest::READABLE, || read(stream.as_fd()))
                }
                Socket::Custom(_) => Err(io::ErrorKind::Unsupported.into()),
            };
            if !is_temporary(&result) {
                return Poll::Ready(result);
            }
        }
    }

    /// Calls `write` when the socket is writable, until it does not fail with [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Errors
    /// That of `write`, and [`Unsupported`](io::ErrorKind::Unsupported) without a system socket.
    pub fn poll_write_with<T>(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let result = match self {
                Socket::Tcp(stream) => {
                    ready!(stream.poll_write_ready(cx))?;
                    stream.try_io(Interest::WRITABLE, || write(stream.as_fd()))
                }
                Socket::Unix(stream) => {
                    ready!(stream.poll_write_ready(cx))?;
                    stream.try_io(Interest::WRITABLE, || write(stream.as_fd()))
                }
                Socket::Custom(_) => Err(io::ErrorKind::Unsupported.into()),
            };
            if !is_temporary(&result) {
                return Poll::Ready(result);
            }
        }
    }

    /// Sends one line to a client that is not served, and closes the sending side. Does not wait: a new socket has room for a
    /// line, and errors are of no interest.
    pub fn turn_away(mut self, line: &[u8]) {
        let socket = match &mut self {
            Socket::Tcp(stream) => SockRef::from(&*stream),
            Socket::Unix(stream) => SockRef::from(&*stream),
            Socket::Custom(connection) => {
                let mut cx = Context::from_waker(Waker::noop());
                let _ = Pin::new(&mut *connection).poll_write(&mut cx, line);
                let _ = Pin::new(connection).poll_shutdown(&mut cx);
                return;
            }
        };
        let _ = socket.send(line);
        let _ = socket.shutdown(Shutdown::Write);
    }
}

/// Whether the call is worth repeating once the socket is ready again.
fn is_temporary<T>(result: &io::Result<T>) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    result
        .as_ref()
        .is_err_and(|error| matches!(error.kind(), WouldBlock | Interrupted))
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
            Socket::Custom(connection) => Pin::new(connection).poll_read(cx, buffer),
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
            Socket::Custom(connection) => Pin::new(connection).poll_write(cx, bytes),
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
            Socket::Custom(connection) => Pin::new(connection).poll_write_vectored(cx, buffers),
        }
    }

    /// The records of one TLS flight go out in one packet.
    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A socket has no buffer of its own.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Custom(connection) => Pin::new(connection).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_clients_are_shown_without_scope() {
        let client = |text: &str| Peer::Inet(text.parse().expect("an address"));
        let local = client("[fe80::1%3]:25");
        assert_eq!(local.to_string(), "[fe80::1]:25");
        assert_eq!(&*local.host(), "fe80::1");
        assert_eq!(client("127.0.0.1:25").to_string(), "127.0.0.1:25");
    }
}
