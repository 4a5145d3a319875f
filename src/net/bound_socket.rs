//! Binding with nginx's options, and nginx's error texts.
//!
//! A `BoundSocket` is a listening socket outside tokio: sockets are bound before the process becomes a daemon, so that errors are seen.
//! Inside tokio it becomes a `Listener`.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

use socket2::{Domain, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use crate::base::Address;
use crate::config::{self, KeepAlive, SocketOptions};

/// A listening socket. Dropping it closes it and removes the file of a unix socket.
#[derive(Debug)]
pub struct BoundSocket {
    socket: Socket,
    address: Address,
    file: Option<SocketFile>,
}

/// The file of a unix socket. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A failed system call. Displays nginx's text without the errno: `bind() to 0.0.0.0:25 failed`.
#[derive(Debug)]
pub struct BindError {
    call: String,
    /// The kernel's error.
    pub error: io::Error,
}

impl BindError {
    /// Whether another process has the address, so that another attempt may succeed.
    pub fn in_use(&self) -> bool {
        self.error.kind() == io::ErrorKind::AddrInUse
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} failed", self.call)
    }
}

/// Adds the call to its error.
fn called<T>(call: fmt::Arguments<'_>, result: io::Result<T>) -> Result<T, BindError> {
    result.map_err(|error| BindError {
        call: call.to_string(),
        error,
    })
}

impl BoundSocket {
    /// Creates a socket, binds it and listens.
    ///
    /// # Errors
    /// The first system call that fails.
    pub fn bind(plan: &config::Socket) -> Result<Self, BindError> {
        let (address, options) = (&plan.address, &plan.options);
        let (domain, target) = match address {
            Address::Inet(inet) => (Domain::for_address(*inet), Ok(SockAddr::from(*inet))),
            Address::Unix(path) => (Domain::UNIX, SockAddr::unix(path)),
        };
        let target = called(format_args!("bind() to {address}"), target)?;
        let socket = Socket::new(domain, Type::STREAM, None);
        let socket = called(format_args!("socket() {address}"), socket)?;
        let set = socket.set_reuse_address(true);
        called(format_args!("setsockopt(SO_REUSEADDR) {address}"), set)?;
        if domain == Domain::IPV6 {
            let set = socket.set_only_v6(options.ipv6only);
            called(format_args!("setsockopt(IPV6_V6ONLY) {address}"), set)?;
        }
        let set = socket.set_nonblocking(true);
        called(format_args!("ioctl(FIONBIO) {address}"), set)?;
        if domain != Domain::UNIX {
            // Accepted sockets inherit it.
            let set = socket.set_tcp_nodelay(true);
            called(format_args!("setsockopt(TCP_NODELAY) {address}"), set)?;
        }
        called(format_args!("bind() to {address}"), socket.bind(&target))?;
        // From here on the socket owns its file, and an error removes it.
        let file = match address {
            Address::Inet(_) => None,
            Address::Unix(path) => Some(SocketFile(path.clone())),
        };
        if let Some(SocketFile(path)) = &file {
            called(
                format_args!("chmod() \"{}\"", path.display()),
                allow_all(path),
            )?;
        }
        listen(&socket, address, options)?;
        let address = address.clone();
        Ok(Self {
            socket,
            address,
            file,
        })
    }

    /// Sets the options that may fail. Each error is a log line (alert, `…, ignored`).
    pub fn configure(&self, options: &SocketOptions) -> Vec<BindError> {
        configure(&self.socket, &self.address, options)
    }

    /// The parts for a `Listener`.
    pub(super) fn into_parts(self) -> (OwnedFd, Address, Option<SocketFile>) {
        (self.socket.into(), self.address, self.file)
    }
}

/// Allows every user to connect to a unix socket, as nginx does.
fn allow_all(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))
}

/// Sets the backlog, also of a socket that already listens.
fn listen(socket: &Socket, address: &Address, options: &SocketOptions) -> Result<(), BindError> {
    let backlog = options.backlog;
    called(
        format_args!("listen() to {address}, backlog {backlog}"),
        socket.listen(backlog),
    )
}

/// Sets the options of a new configuration on a socket that a reload keeps.
pub(super) fn reconfigure(
    socket: SockRef<'_>,
    address: &Address,
    options: &SocketOptions,
) -> Vec<BindError> {
    let mut errors = configure(&socket, address, options);
    errors.extend(listen(&socket, address, options).err());
    errors
}

fn configure(socket: &Socket, address: &Address, options: &SocketOptions) -> Vec<BindError> {
    let mut errors = Vec::new();
    let mut note = |option: &str, value: usize, done: io::Result<()>| {
        errors.extend(
            called(
                format_args!("setsockopt({option}, {value}) {address}"),
                done,
            )
            .err(),
        );
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
    errors
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileTypeExt;

    use super::*;

    fn socket(address: Address, options: SocketOptions) -> config::Socket {
        config::Socket {
            address,
            options,
            routes: Vec::new(),
        }
    }

    #[test]
    fn options_reach_the_socket() {
        let options = SocketOptions {
            rcvbuf: Some(65536),
            sndbuf: Some(32768),
            so_keepalive: Some(KeepAlive::On {
                idle: 77,
                interval: 0,
                count: 3,
            }),
            ..SocketOptions::default()
        };
        let address = Address::Inet(([127, 0, 0, 1], 0).into());
        let bound = BoundSocket::bind(&socket(address, options)).unwrap();
        assert!(bound.configure(&options).is_empty());
        let socket = &bound.socket;
        assert!(socket.reuse_address().unwrap());
        // The kernel doubles the sizes.
        assert_eq!(socket.recv_buffer_size().unwrap(), 2 * 65536);
        assert_eq!(socket.send_buffer_size().unwrap(), 2 * 32768);
        assert!(socket.keepalive().unwrap());
        assert_eq!(
            socket.tcp_keepalive_time().unwrap(),
            Duration::from_secs(77)
        );
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    }

    #[test]
    fn accepted_sockets_have_nodelay() {
        let address = Address::Inet(([127, 0, 0, 1], 0).into());
        let bound = BoundSocket::bind(&socket(address, SocketOptions::default())).unwrap();
        let local = bound.socket.local_addr().unwrap();
        bound.socket.set_nonblocking(false).unwrap();
        let _client = std::net::TcpStream::connect(local.as_socket().unwrap()).unwrap();
        let (accepted, _) = bound.socket.accept().unwrap();
        assert!(accepted.tcp_nodelay().unwrap());
    }

    #[test]
    fn both_families_share_a_port_by_default() {
        let address = |ip: &str, port| Address::Inet(format!("{ip}:{port}").parse().unwrap());
        let six = BoundSocket::bind(&socket(address("[::]", 0), SocketOptions::default())).unwrap();
        let port = six.socket.local_addr().unwrap().as_socket().unwrap().port();
        assert!(six.socket.only_v6().unwrap());
        BoundSocket::bind(&socket(address("0.0.0.0", port), SocketOptions::default())).unwrap();
    }

    #[test]
    fn everybody_may_connect_to_a_unix_socket_and_its_file_is_removed() {
        let path = std::env::temp_dir().join(format!("portcullis-listener-{}", std::process::id()));
        let plan = socket(Address::Unix(path.clone()), SocketOptions::default());
        let bound = BoundSocket::bind(&plan).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o666);
        let error = BoundSocket::bind(&plan).unwrap_err();
        assert!(error.in_use());
        assert_eq!(
            error.to_string(),
            format!("bind() to unix:{} failed", path.display())
        );
        assert!(
            path.exists(),
            "the failed attempt removed the file of the first socket"
        );
        drop(bound);
        assert!(!path.exists());
    }
}
