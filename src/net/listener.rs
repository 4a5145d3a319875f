//! A listening socket: bound with nginx's options and nginx's words when that fails.
//!
//! Two forms: `Bound` exists before there is a runtime (binding comes before the process becomes a daemon, so that an
//! error is seen), `Listener` is the same socket inside tokio.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

use socket2::{Domain, SockAddr, SockRef, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::socket::{Peer, Socket};
use crate::config::Address;
use crate::config::plan::{self, KeepAlive, SocketOptions};

/// A socket that listens, not yet part of a runtime. Dropping it closes it, and unlinks it if it is a unix socket.
#[derive(Debug)]
pub struct Bound {
    socket: socket2::Socket,
    address: Address,
    path: Option<Unlinked>,
}

/// A listening socket inside tokio.
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

/// A step of binding that failed. Displays nginx's text without the errno: `bind() to 0.0.0.0:25 failed`.
#[derive(Debug)]
pub struct BindFault {
    call: String,
    /// What the kernel said.
    pub error: io::Error,
}

impl BindFault {
    fn new(call: impl fmt::Display, error: io::Error) -> Self {
        Self {
            call: call.to_string(),
            error,
        }
    }

    /// Whether somebody else has the address: worth another try.
    pub fn in_use(&self) -> bool {
        self.error.kind() == io::ErrorKind::AddrInUse
    }
}

impl fmt::Display for BindFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} failed", self.call)
    }
}

/// Removes a unix socket's file when its listener goes.
#[derive(Debug)]
struct Unlinked(PathBuf);

impl Drop for Unlinked {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Bound {
    /// Creates, binds and listens.
    pub fn bind(plan: &plan::Socket) -> Result<Self, BindFault> {
        let address = &plan.address;
        let (domain, target) = match address {
            Address::Inet(inet) => (Domain::for_address(*inet), SockAddr::from(*inet)),
            Address::Unix(path) => (
                Domain::UNIX,
                SockAddr::unix(path)
                    .map_err(|e| BindFault::new(format_args!("bind() to {address}"), e))?,
            ),
        };
        let socket = socket2::Socket::new(domain, Type::STREAM, None)
            .map_err(|e| BindFault::new(format_args!("socket() {address}"), e))?;
        socket
            .set_reuse_address(true)
            .map_err(|e| BindFault::new(format_args!("setsockopt(SO_REUSEADDR) {address}"), e))?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(plan.options.ipv6only).map_err(|e| {
                BindFault::new(format_args!("setsockopt(IPV6_V6ONLY) {address}"), e)
            })?;
        }
        socket
            .set_nonblocking(true)
            .map_err(|e| BindFault::new(format_args!("ioctl(FIONBIO) {address}"), e))?;
        socket
            .bind(&target)
            .map_err(|e| BindFault::new(format_args!("bind() to {address}"), e))?;
        // From here on the path is ours, whatever comes next.
        let path = match address {
            Address::Inet(_) => None,
            Address::Unix(path) => Some(Unlinked(path.clone())),
        };
        if let Some(Unlinked(path)) = &path {
            open_to_all(path)
                .map_err(|e| BindFault::new(format_args!("chmod() \"{}\"", path.display()), e))?;
        }
        let backlog = plan.options.backlog;
        socket.listen(backlog).map_err(|e| {
            BindFault::new(format_args!("listen() to {address}, backlog {backlog}"), e)
        })?;
        Ok(Self {
            socket,
            address: address.clone(),
            path,
        })
    }

    /// Moves the socket into the runtime that this is called in.
    pub fn into_listener(self) -> io::Result<Listener> {
        let descriptor = OwnedFd::from(self.socket);
        let socket = match self.address {
            Address::Inet(_) => Kind::Tcp(TcpListener::from_std(descriptor.into())?),
            Address::Unix(_) => Kind::Unix(UnixListener::from_std(descriptor.into())?),
        };
        Ok(Listener {
            socket,
            address: self.address,
            _path: self.path,
        })
    }

    /// Sets the options that may fail without harm; each failure is one line (alert, `…, ignored`).
    pub fn configure(&self, options: &SocketOptions) -> Vec<BindFault> {
        configure(SockRef::from(&self.socket), &self.address, options)
    }
}

impl Listener {
    /// The address it was bound to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Gives a socket that a reload keeps the options of the new configuration, its backlog included.
    pub fn configure(&self, options: &SocketOptions) -> Vec<BindFault> {
        let socket = self.socket_ref();
        let mut faults = Vec::new();
        if let Err(e) = socket.listen(options.backlog) {
            faults.push(BindFault::new(
                format_args!("listen() to {}, backlog {}", self.address, options.backlog),
                e,
            ));
        }
        faults.extend(configure(socket, &self.address, options));
        faults
    }

    /// Waits for the next connection. TCP connections get TCP_NODELAY, without which each reply that is not the last
    /// would wait for the peer's delayed ACK.
    pub async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match &self.socket {
            Kind::Tcp(listener) => listener
                .accept()
                .await
                .and_then(|(stream, peer)| tcp(stream, peer)),
            Kind::Unix(listener) => listener
                .accept()
                .await
                .map(|(stream, _)| (Socket::Unix(stream), Peer::Unix)),
        }
    }

    /// The next connection that the kernel has ready, if any. Asks the kernel itself: for the last look before closing.
    pub fn accept_now(&self) -> io::Result<(Socket, Peer)> {
        let (socket, peer) = self.socket_ref().accept()?;
        socket.set_nonblocking(true)?;
        let descriptor = OwnedFd::from(socket);
        match peer.as_socket() {
            Some(peer) => tcp(TcpStream::from_std(descriptor.into())?, peer),
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

fn tcp(stream: TcpStream, peer: SocketAddr) -> io::Result<(Socket, Peer)> {
    // Fails only for a connection that is gone already; the session will notice.
    let _ = stream.set_nodelay(true);
    Ok((Socket::Tcp(stream), Peer::Inet(peer)))
}

/// nginx lets everybody connect to its unix sockets.
fn open_to_all(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))
}

fn configure(socket: SockRef<'_>, address: &Address, options: &SocketOptions) -> Vec<BindFault> {
    let mut faults = Vec::new();
    let mut note = |option: &str, value: usize, done: io::Result<()>| {
        if let Err(error) = done {
            faults.push(BindFault::new(
                format_args!("setsockopt({option}, {value}) {address}"),
                error,
            ));
        }
    };
    if let Some(size) = options.rcvbuf {
        note("SO_RCVBUF", size, socket.set_recv_buffer_size(size));
    }
    if let Some(size) = options.sndbuf {
        note("SO_SNDBUF", size, socket.set_send_buffer_size(size));
    }
    match options.so_keepalive {
        None => {}
        Some(KeepAlive::Off) => note("SO_KEEPALIVE", 0, socket.set_keepalive(false)),
        Some(KeepAlive::On {
            idle,
            interval,
            count,
        }) => {
            note("SO_KEEPALIVE", 1, socket.set_keepalive(true));
            let seconds = |n: u32| Duration::from_secs(n.into());
            let parts = [
                (
                    "TCP_KEEPIDLE",
                    idle,
                    TcpKeepalive::new().with_time(seconds(idle)),
                ),
                (
                    "TCP_KEEPINTVL",
                    interval,
                    TcpKeepalive::new().with_interval(seconds(interval)),
                ),
                (
                    "TCP_KEEPCNT",
                    count,
                    TcpKeepalive::new().with_retries(count),
                ),
            ];
            for (option, value, part) in parts.into_iter().filter(|(_, value, _)| *value > 0) {
                note(option, value as usize, socket.set_tcp_keepalive(&part));
            }
        }
    }
    faults
}
