//! Binding with nginx's options, and nginx's error texts.
//!
//! A `BoundSocket` is a listening socket as the master holds it, outside tokio. The worker that accepts on it has a duplicate, a
//! `Listener`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs, io};

use nix::sys::stat::{Mode, fchmod};
use socket2::{Domain, Protocol, SockAddr, SockFilter, Socket, TcpKeepalive, Type};

use crate::base::Address;
use crate::config::{self, KeepAlive, SocketOptions};

/// A listening socket. Dropping it closes it and removes the file of a unix socket.
#[derive(Debug)]
pub struct BoundSocket {
    socket: Socket,
    address: Address,
    file: SocketFile,
    /// Why it does not speak Multipath TCP, which is wanted.
    no_multipath: Option<BindError>,
}

/// The file of a unix socket. Dropping it removes the file.
#[derive(Debug)]
struct SocketFile(Option<PathBuf>);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether a socket is bound to a port that another socket of this process has, under the wildcard address or under an address
/// that the wildcard stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Nobody else has it.
    Own,
    /// Both sockets have SO_REUSEPORT while the newer one is bound.
    Shared,
}

/// The type of a socket, with O_NONBLOCK and without a call of its own for it.
const STREAM: Type = Type::STREAM.nonblocking();
/// A filter that drops every packet.
const NOTHING: SockFilter = SockFilter::new(BPF_RETURN, 0, 0, 0);
/// `BPF_RET | BPF_K`: returns a constant, the number of bytes to keep.
const BPF_RETURN: u16 = 0x06;
/// The permissions of a unix socket that every user may connect to, as in nginx.
const ALL_USERS: u32 = 0o666;

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
    pub fn bind(plan: &config::Socket, port: Port) -> Result<Self, BindError> {
        let (socket, no_multipath) = create(plan, port)?;
        let address = &plan.address;
        if let Address::Inet(_) = address {
            // Accepted sockets inherit it.
            let set = socket.set_tcp_nodelay(true);
            called(format_args!("setsockopt(TCP_NODELAY) {address}"), set)?;
        }
        let file = open(&socket, plan)?;
        Ok(Self {
            socket,
            address: address.clone(),
            file,
            no_multipath,
        })
    }

    /// Binds and listens like [`bind`](Self::bind), and closes the socket again.
    ///
    /// # Errors
    /// The first system call that fails.
    pub fn probe(plan: &config::Socket) -> Result<(), BindError> {
        let (socket, _) = create(plan, Port::Own)?;
        let file = open(&socket, plan)?;
        drop((file, socket));
        Ok(())
    }

    /// Takes over a listening socket that another process has bound. The file of a Unix socket stays when the socket is dropped, until
    /// [`own_file`](Self::own_file) is called.
    ///
    /// # Errors
    /// It is no stream socket that listens on an IP address or a path.
    pub fn inherit(descriptor: OwnedFd) -> Result<Self, NotListening> {
        let socket = Socket::from(descriptor);
        let address = match listening_address(&socket) {
            Ok(Some(address)) => address,
            Ok(None) | Err(_) => return Err(NotListening(socket.into())),
        };
        // The process that sent it may have other habits.
        let _ = socket.set_nonblocking(true);
        let _ = socket.set_cloexec(true);
        if let Address::Inet(_) = address {
            let _ = socket.set_tcp_nodelay(true);
        }
        Ok(Self {
            socket,
            address,
            file: SocketFile(None),
            no_multipath: None,
        })
    }

    /// The address that it is bound to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether it is `[::]` without IPV6_V6ONLY, which has the port of IPv4 too.
    pub fn serves_both_families(&self) -> bool {
        let is_ipv6 = matches!(self.address, Address::Inet(address) if address.is_ipv6());
        is_ipv6 && self.address.is_wildcard() && self.socket.only_v6().is_ok_and(|only| !only)
    }

    /// Leaves the file of a Unix socket where it is when the socket is dropped: another process uses it.
    pub fn keep_file(&mut self) {
        self.file.0 = None;
    }

    /// Removes the file of an inherited Unix socket when the socket is dropped.
    pub fn own_file(&mut self) {
        if let Address::Unix(path) = &self.address {
            self.file.0 = Some(path.clone());
        }
    }

    /// Allows another socket of this user on the port, or no longer.
    ///
    /// # Errors
    /// The kernel refuses; a Unix socket has no port.
    pub fn share_port(&self, share: bool) -> io::Result<()> {
        self.socket.set_reuse_port(share)
    }

    /// Stops new TCP connections from entering the queue, or lets them in again; those in it can still be accepted. A client that
    /// begins in between repeats its SYN a second later and meets whatever listens on its address then.
    ///
    /// # Errors
    /// Filters need CAP_NET_ADMIN on some kernels. Whoever arrives between the last accept and the close is reset then.
    pub fn hold_new(&self, hold: bool) -> io::Result<()> {
        match self.address {
            Address::Inet(_) if hold => self.socket.attach_filter(&[NOTHING]),
            Address::Inet(_) => self.socket.detach_filter(),
            Address::Unix(_) => Ok(()),
        }
    }

    /// Sets the options that may fail. Each error is a log line (alert, `…, ignored`).
    pub fn configure(&self, options: &SocketOptions) -> Vec<BindError> {
        configure(&self.socket, &self.address, options)
    }

    /// Why the socket does not speak Multipath TCP although the configuration wants it.
    pub fn no_multipath(&self) -> Option<&BindError> {
        self.no_multipath.as_ref()
    }

    /// Listens with the options of another configuration. Repairs what a process that had a duplicate may have done to the socket:
    /// stopped listening, or attached a filter.
    pub fn reconfigure(&self, options: &SocketOptions) -> Vec<BindError> {
        // There is no filter, as a rule.
        let _ = self.hold_new(false);
        let mut errors = self.configure(options);
        if let (Address::Unix(path), Some(mode)) = (&self.address, options.mode) {
            let call = format_args!("chmod() \"{}\"", path.display());
            errors.extend(called(call, set_mode(path, mode)).err());
        }
        errors.extend(listen(&self.socket, &self.address, options).err());
        errors
    }
}

impl AsFd for BoundSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A socket that is ready to be bound, and why it does not speak Multipath TCP although the configuration wants it.
fn create(plan: &config::Socket, port: Port) -> Result<(Socket, Option<BindError>), BindError> {
    let (address, options) = (&plan.address, &plan.options);
    let domain = match address {
        Address::Inet(inet) => Domain::for_address(*inet),
        Address::Unix(_) => Domain::UNIX,
    };
    let (socket, no_multipath) = match options.multipath && domain != Domain::UNIX {
        true => multipath(domain, address),
        false => (None, None),
    };
    let socket = socket.map_or_else(|| Socket::new(domain, STREAM, None), Ok);
    let socket = called(format_args!("socket() {address}"), socket)?;
    let set = socket.set_reuse_address(true);
    called(format_args!("setsockopt(SO_REUSEADDR) {address}"), set)?;
    if port == Port::Shared && domain != Domain::UNIX {
        let set = socket.set_reuse_port(true);
        called(format_args!("setsockopt(SO_REUSEPORT) {address}"), set)?;
    }
    if domain == Domain::IPV6 {
        let set = socket.set_only_v6(options.ipv6only);
        called(format_args!("setsockopt(IPV6_V6ONLY) {address}"), set)?;
    }
    Ok((socket, no_multipath))
}

/// Binds a socket and listens. Returns the file of a unix socket.
fn open(socket: &Socket, plan: &config::Socket) -> Result<SocketFile, BindError> {
    let address = &plan.address;
    let target = match address {
        Address::Inet(inet) => Ok(SockAddr::from(*inet)),
        Address::Unix(path) => SockAddr::unix(path),
    };
    if let (Address::Unix(_), Some(mode)) = (address, plan.options.mode) {
        // The file never has more permissions than these: bind(2) takes them from the socket.
        let set = fchmod(socket, permissions(mode)).map_err(io::Error::from);
        called(format_args!("fchmod() {address}"), set)?;
    }
    let bound = target.and_then(|target| socket.bind(&target));
    called(format_args!("bind() to {address}"), bound)?;
    let mut file = SocketFile(None);
    if let Address::Unix(path) = address {
        // From here on the socket owns its file, and an error removes it.
        file.0 = Some(path.clone());
        let call = format_args!("chmod() \"{}\"", path.display());
        called(call, set_mode(path, plan.options.mode.unwrap_or(ALL_USERS)))?;
    }
    listen(socket, address, &plan.options)?;
    Ok(file)
}

/// A descriptor that is not a listening stream socket.
#[derive(Debug)]
pub struct NotListening(pub OwnedFd);

fn listening_address(socket: &Socket) -> io::Result<Option<Address>> {
    if !socket.is_listener()? || socket.r#type()? != Type::STREAM {
        return Ok(None);
    }
    let address = socket.local_addr()?;
    let path = || address.as_pathname().map(|path| Address::Unix(path.into()));
    Ok(address.as_socket().map(Address::Inet).or_else(path))
}

/// A socket for Multipath TCP, or why the kernel has none.
fn multipath(domain: Domain, address: &Address) -> (Option<Socket>, Option<BindError>) {
    let made = Socket::new(domain, STREAM, Some(Protocol::MPTCP));
    match called(format_args!("socket(IPPROTO_MPTCP) {address}"), made) {
        Ok(socket) => (Some(socket), None),
        Err(error) => (None, Some(error)),
    }
}

/// Sets the permissions of a unix socket.
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn permissions(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode)
}

/// Sets the backlog, also of a socket that already listens.
fn listen(socket: &Socket, address: &Address, options: &SocketOptions) -> Result<(), BindError> {
    let backlog = options.backlog;
    called(
        format_args!("listen() to {address}, backlog {backlog}"),
        socket.listen(backlog),
    )
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
    fn multipath_tcp_where_the_kernel_has_it() {
        let options = SocketOptions {
            multipath: true,
            ..SocketOptions::default()
        };
        let address = Address::Inet(([127, 0, 0, 1], 0).into());
        let bound = BoundSocket::bind(&socket(address, options), Port::Own).unwrap();
        let has_multipath = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::MPTCP)).is_ok();
        let wanted = match has_multipath {
            true => Protocol::MPTCP,
            false => Protocol::TCP,
        };
        assert_eq!(bound.socket.protocol().unwrap(), Some(wanted));
        assert_eq!(bound.no_multipath().is_none(), has_multipath);
        let local = bound.socket.local_addr().unwrap().as_socket().unwrap();
        let _client = std::net::TcpStream::connect(local).unwrap();
        assert!(bound.socket.accept().is_ok());
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
        let bound = BoundSocket::bind(&socket(address, options), Port::Own).unwrap();
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
        let bound =
            BoundSocket::bind(&socket(address, SocketOptions::default()), Port::Own).unwrap();
        let local = bound.socket.local_addr().unwrap();
        bound.socket.set_nonblocking(false).unwrap();
        let _client = std::net::TcpStream::connect(local.as_socket().unwrap()).unwrap();
        let (accepted, _) = bound.socket.accept().unwrap();
        assert!(accepted.tcp_nodelay().unwrap());
    }

    #[test]
    fn both_families_share_a_port_by_default() {
        let address = |ip: &str, port| Address::Inet(format!("{ip}:{port}").parse().unwrap());
        let six = BoundSocket::bind(
            &socket(address("[::]", 0), SocketOptions::default()),
            Port::Own,
        )
        .unwrap();
        let port = six.socket.local_addr().unwrap().as_socket().unwrap().port();
        assert!(six.socket.only_v6().unwrap());
        BoundSocket::bind(
            &socket(address("0.0.0.0", port), SocketOptions::default()),
            Port::Own,
        )
        .unwrap();
    }

    #[test]
    fn everybody_may_connect_to_a_unix_socket_and_its_file_is_removed() {
        let path = std::env::temp_dir().join(format!("portcullis-listener-{}", std::process::id()));
        let plan = socket(Address::Unix(path.clone()), SocketOptions::default());
        let bound = BoundSocket::bind(&plan, Port::Own).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o666);
        let error = BoundSocket::bind(&plan, Port::Own).unwrap_err();
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

    #[test]
    fn a_wildcard_and_an_address_share_a_port_for_a_while() {
        let address = |ip: &str, port| Address::Inet(format!("{ip}:{port}").parse().unwrap());
        let options = SocketOptions::default();
        let one = BoundSocket::bind(&socket(address("127.0.0.1", 0), options), Port::Own).unwrap();
        let port = one.socket.local_addr().unwrap().as_socket().unwrap().port();
        let wildcard = socket(address("0.0.0.0", port), options);
        assert!(
            BoundSocket::bind(&wildcard, Port::Own)
                .unwrap_err()
                .in_use()
        );
        one.share_port(true).unwrap();
        BoundSocket::bind(&wildcard, Port::Shared).unwrap();
    }

    #[test]
    fn an_inherited_socket_knows_its_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Inet(listener.local_addr().unwrap());
        let bound = BoundSocket::inherit(listener.into()).unwrap();
        assert_eq!(*bound.address(), address);
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(BoundSocket::inherit(udp.into()).is_err());
    }

    #[test]
    fn the_file_of_an_inherited_socket_stays_until_it_is_owned() {
        let name = format!("portcullis-inherited-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let inherit = || BoundSocket::inherit(listener.try_clone().unwrap().into()).unwrap();
        drop(inherit());
        assert!(path.exists());
        let mut bound = inherit();
        bound.own_file();
        drop(bound);
        assert!(!path.exists());
    }
}
