//! The syslog target: one datagram per line, with nginx's header (RFC 3164).
//!
//! Nothing waits for a syslog server. As with nginx, a datagram that cannot be sent at once is lost. The main `error_log` says
//! once that a server cannot be reached, and once that it can be again.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::clock::syslog_stamp;
use crate::base::{Address, Errno, Level};
use crate::config::SyslogTarget;

/// How long a refusal of a datagram may take.
const REFUSAL: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Syslog {
    target: SyslogTarget,
    host: String,
    link: Mutex<Link>,
}

/// The way to the server.
#[derive(Debug, Default)]
struct Link {
    /// Opened with the first line, and again after a failure.
    socket: Option<Datagram>,
    health: Health,
}

#[derive(Clone, Copy, Debug, Default)]
enum Health {
    #[default]
    Up,
    /// Lines are lost. `sent`: when the first one was sent since the last failure.
    Down { sent: Option<Instant> },
}

#[derive(Debug)]
enum Datagram {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl Syslog {
    pub(super) fn new(target: &SyslogTarget) -> Self {
        let host = nix::unistd::gethostname()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        Self {
            target: target.clone(),
            host,
            link: Mutex::default(),
        }
    }

    /// Sends a finished line of an error log without its line feed.
    pub(super) fn write(&self, level: Level, line: &[u8]) {
        // nginx's levels are syslog's severities, counted from 1.
        self.send(level as u8 - 1, line);
    }

    /// Sends a line of another log, with the configured severity.
    pub(super) fn write_event(&self, line: &[u8]) {
        self.send(self.target.severity, line);
    }

    fn send(&self, severity: u8, line: &[u8]) {
        let mut message = self.header(severity).into_bytes();
        message.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = link.send(&self.target.server, &message);
        // Before the main log takes events, nothing counts as reported.
        let is_heard = tracing::enabled!(tracing::Level::ERROR);
        let change = is_heard.then(|| link.change(&sent)).flatten();
        // The report may come back here: the main log may be on the same server.
        drop(link);
        match (change, sent) {
            (Some(Change::Lost), Err(failure)) => failure.report(&self.target.server),
            (Some(Change::Back), _) => {
                tracing::error!("syslog server {} can be reached again", self.target.server);
            }
            _ => {}
        }
    }

    /// `<191>Nov  4 10:00:00 host tag: `
    fn header(&self, severity: u8) -> String {
        let SyslogTarget {
            facility,
            tag,
            no_host_name,
            ..
        } = &self.target;
        let priority = u16::from(*facility) * 8 + u16::from(severity);
        let host = if *no_host_name { "" } else { &self.host };
        let gap = if *no_host_name { "" } else { " " };
        format!("<{priority}>{} {host}{gap}{tag}: ", syslog_stamp())
    }
}

/// A change that the main log reports.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    Lost,
    Back,
}

/// A line that was not sent.
#[derive(Debug)]
struct Failure {
    call: &'static str,
    error: io::Error,
}

impl Failure {
    /// nginx's line. Its level is alert, unless a connection may fail so.
    fn report(&self, server: &Address) {
        use io::ErrorKind as Kind;
        let level = match self.error.kind() {
            _ if self.call == "connect" => Level::Alert,
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::BrokenPipe
            | Kind::NotConnected
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown => Level::Error,
            _ => Level::Alert,
        };
        let (call, errno) = (self.call, Errno(&self.error));
        tracing::error!(
            level = level.word(),
            "{call}() failed{errno} while logging to syslog, server: {server}"
        );
    }
}

impl Link {
    /// Sends a message. One for which there is no room is lost, which is no failure.
    fn send(&mut self, server: &Address, message: &[u8]) -> Result<(), Failure> {
        let failed = |call| move |error| Failure { call, error };
        let socket = match &self.socket {
            Some(socket) => socket,
            None => self
                .socket
                .insert(connect(server).map_err(failed("connect"))?),
        };
        match send(socket, message) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                self.socket = None;
                Err(failed("send")(error))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Takes the result of a line. Over UDP, a line that is not refused shows only after a while that the server is there.
    fn change(&mut self, sent: &Result<(), Failure>) -> Option<Change> {
        let now = Instant::now();
        match (sent, self.health) {
            (Ok(()), Health::Up) => None,
            (Ok(()), Health::Down { sent }) => {
                let is_sure = match &self.socket {
                    Some(Datagram::Udp(_)) => sent.is_some_and(|at| now - at >= REFUSAL),
                    Some(Datagram::Unix(_)) | None => true,
                };
                self.health = match is_sure {
                    true => Health::Up,
                    false => Health::Down {
                        sent: sent.or(Some(now)),
                    },
                };
                is_sure.then_some(Change::Back)
            }
            (Err(_), before) => {
                self.health = Health::Down { sent: None };
                matches!(before, Health::Up).then_some(Change::Lost)
            }
        }
    }
}

fn connect(server: &Address) -> io::Result<Datagram> {
    match server {
        Address::Inet(server) => {
            let local: SocketAddr = match server {
                SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
            };
            let socket = UdpSocket::bind(local)?;
            socket.connect(server)?;
            socket.set_nonblocking(true)?;
            Ok(Datagram::Udp(socket))
        }
        Address::Unix(path) => {
            let socket = UnixDatagram::unbound()?;
            socket.connect(path)?;
            socket.set_nonblocking(true)?;
            Ok(Datagram::Unix(socket))
        }
    }
}

fn send(socket: &Datagram, message: &[u8]) -> io::Result<usize> {
    match socket {
        Datagram::Udp(socket) => socket.send(message),
        Datagram::Unix(socket) => socket.send(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(server: Address) -> SyslogTarget {
        SyslogTarget {
            server,
            facility: 23,
            severity: 6,
            tag: "nginx".into(),
            no_host_name: true,
        }
    }

    #[test]
    fn a_line_arrives_with_its_header() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let target = target(Address::Inet(server.local_addr().unwrap()));
        Syslog::new(&target).write(Level::Error, b"the line\n");
        let mut buffer = [0; 512];
        let length = server.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(text.starts_with("<187>"), "{text}");
        assert!(text.ends_with(" nginx: the line"), "{text}");
    }

    #[test]
    fn the_loss_and_the_return_of_a_server_are_changes() {
        let path = std::env::temp_dir().join(format!("portcullis-syslog-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let server = Address::Unix(path.clone());
        let mut link = Link::default();
        let mut line = || {
            let sent = link.send(&server, b"line");
            (link.change(&sent), sent.err().map(|failure| failure.call))
        };
        assert_eq!(line(), (Some(Change::Lost), Some("connect")));
        assert_eq!(line(), (None, Some("connect")));
        let socket = UnixDatagram::bind(&path).unwrap();
        assert_eq!(line(), (Some(Change::Back), None));
        assert_eq!(line(), (None, None));
        drop(socket);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(line(), (Some(Change::Lost), Some("send")));
        assert_eq!(line(), (None, Some("connect")));
    }

    #[test]
    fn a_datagram_that_is_sent_is_not_there_yet() {
        let mut link = Link {
            socket: Some(Datagram::Udp(UdpSocket::bind("127.0.0.1:0").unwrap())),
            health: Health::Down { sent: None },
        };
        assert_eq!(link.change(&Ok(())), None);
        assert_eq!(link.change(&Ok(())), None);
        let long_ago = Instant::now().checked_sub(REFUSAL * 2);
        link.health = Health::Down { sent: long_ago };
        assert_eq!(link.change(&Ok(())), Some(Change::Back));
        assert_eq!(link.change(&Ok(())), None);
    }
}
