//! The syslog target: one datagram per line, with nginx's header (RFC 3164).
//!
//! Nothing waits for a syslog server. As with nginx, a datagram that cannot be sent at once is lost. The main `error_log` says
//! once that a server cannot be reached, and once that it can be again, with the number of lost lines.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::clock::syslog_stamp;
use super::losses;
use crate::base::{Address, Errno, Level};
use crate::config::SyslogTarget;

/// How long a refusal of a datagram may take.
const REFUSAL: Duration = Duration::from_millis(100);
/// The least time between two reports that a server takes lines too slowly.
const SLOW: Duration = Duration::from_secs(1);

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
    /// The lines lost since the last report.
    lost: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum Health {
    #[default]
    Up,
    /// The server has had no room for some lines, since then.
    Slow { since: Instant },
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
        self.send(level.severity(), line);
    }

    /// Sends a line of another log, with the configured severity.
    pub(super) fn write_event(&self, line: &[u8]) {
        self.send(self.target.severity, line);
    }

    fn send(&self, severity: u8, line: &[u8]) {
        let mut message = self.header(severity).into_bytes();
        message.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let server = &self.target.server;
        let sent = link.send(server, &message);
        // Before the main log takes events, nothing counts as reported.
        let is_heard = tracing::enabled!(tracing::Level::ERROR);
        let change = is_heard.then(|| link.change(sent)).flatten();
        // The report may come back here: the main log may be on the same server.
        drop(link);
        match change {
            Some(Change::Lost(failure)) => failure.report(server),
            Some(Change::Back(lost)) => {
                tracing::error!(
                    "syslog server {server} can be reached again, {lost} lines were lost"
                );
            }
            Some(Change::Slow(lost)) => {
                tracing::error!(
                    "{lost} lines to syslog server {server} were lost: it takes lines too slowly"
                );
            }
            None => {}
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

/// A change that the main log reports, with the number of lost lines.
#[derive(Debug)]
enum Change {
    Lost(Failure),
    Back(u64),
    Slow(u64),
}

/// What became of a line.
#[derive(Debug)]
enum Sent {
    Whole,
    /// There is no room for it now.
    NoRoom,
    /// It is lost.
    Failed(Failure),
    /// It is sent, but an earlier one was refused.
    Refused(Failure),
}

/// Why a line was not sent.
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
    /// Sends a message. After a failure it is sent once more: over UDP the failure is that of an earlier message, and a server that
    /// was started again has a new Unix socket.
    fn send(&mut self, server: &Address, message: &[u8]) -> Sent {
        let failure = match self.attempt(server, message) {
            Sent::Failed(failure) if failure.call == "send" => failure,
            sent => return self.counted(sent),
        };
        let is_earlier = matches!(server, Address::Inet(_))
            && failure.error.kind() == io::ErrorKind::ConnectionRefused;
        self.lost += u64::from(is_earlier);
        losses::note(u64::from(is_earlier));
        let again = self.attempt(server, message);
        self.counted(match again {
            Sent::Whole if is_earlier => Sent::Refused(failure),
            Sent::Failed(_) => Sent::Failed(failure),
            again => again,
        })
    }

    fn attempt(&mut self, server: &Address, message: &[u8]) -> Sent {
        let failed = |call, error| Sent::Failed(Failure { call, error });
        let socket = match &self.socket {
            Some(socket) => socket,
            None => match connect(server) {
                Ok(socket) => self.socket.insert(socket),
                Err(error) => return failed("connect", error),
            },
        };
        match send(socket, message) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::NoRoom,
            Err(error) => {
                self.socket = None;
                failed("send", error)
            }
            Ok(_) => Sent::Whole,
        }
    }

    fn counted(&mut self, sent: Sent) -> Sent {
        let is_lost = matches!(sent, Sent::NoRoom | Sent::Failed(_));
        self.lost += u64::from(is_lost);
        losses::note(u64::from(is_lost));
        sent
    }

    /// Takes the result of a line. Over UDP, a line that is not refused shows only after a while that the server is there.
    fn change(&mut self, sent: Sent) -> Option<Change> {
        let now = Instant::now();
        let (failure, sent) = match sent {
            Sent::Failed(failure) => (failure, None),
            Sent::Refused(failure) => (failure, Some(now)),
            Sent::NoRoom => {
                if matches!(self.health, Health::Up) {
                    self.health = Health::Slow { since: now };
                }
                return None;
            }
            Sent::Whole => return self.sent(now),
        };
        let before = std::mem::replace(&mut self.health, Health::Down { sent });
        let is_news = !matches!(before, Health::Down { .. });
        is_news.then_some(Change::Lost(failure))
    }

    fn sent(&mut self, now: Instant) -> Option<Change> {
        match self.health {
            Health::Up => return None,
            Health::Slow { since } if now - since < SLOW => return None,
            Health::Slow { .. } => {
                self.health = Health::Up;
                return Some(Change::Slow(std::mem::take(&mut self.lost)));
            }
            Health::Down { sent } => {
                let is_udp = matches!(self.socket, Some(Datagram::Udp(_)));
                let is_sure = !is_udp || sent.is_some_and(|at| now - at >= REFUSAL);
                if !is_sure {
                    let sent = sent.or(Some(now));
                    self.health = Health::Down { sent };
                    return None;
                }
            }
        }
        self.health = Health::Up;
        Some(Change::Back(std::mem::take(&mut self.lost)))
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

    /// A change in a word, and the lost lines.
    fn shown(change: Option<Change>) -> (&'static str, u64) {
        match change {
            None => ("", 0),
            Some(Change::Lost(failure)) => (failure.call, 0),
            Some(Change::Back(lost)) => ("back", lost),
            Some(Change::Slow(lost)) => ("slow", lost),
        }
    }

    #[test]
    fn the_loss_and_the_return_of_a_server_are_changes() {
        let path = std::env::temp_dir().join(format!("portcullis-syslog-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let server = Address::Unix(path.clone());
        let mut link = Link::default();
        let mut line = || {
            let sent = link.send(&server, b"line");
            shown(link.change(sent))
        };
        assert_eq!(line(), ("connect", 0));
        assert_eq!(line(), ("", 0));
        let socket = UnixDatagram::bind(&path).unwrap();
        assert_eq!(line(), ("back", 2));
        assert_eq!(line(), ("", 0));
        // A server that is started again costs no line.
        drop(socket);
        std::fs::remove_file(&path).unwrap();
        let socket = UnixDatagram::bind(&path).unwrap();
        assert_eq!(line(), ("", 0));
        drop(socket);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(line(), ("send", 0));
        assert_eq!(line(), ("", 0));
        let _socket = UnixDatagram::bind(&path).unwrap();
        assert_eq!(line(), ("back", 2));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn lines_without_room_are_counted() {
        let path = std::env::temp_dir().join(format!("portcullis-slow-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        let server = Address::Unix(path.clone());
        let mut link = Link::default();
        let mut lost = 0;
        while lost < 3 {
            let sent = link.send(&server, b"line");
            lost += u64::from(matches!(sent, Sent::NoRoom));
            assert_eq!(shown(link.change(sent)), ("", 0));
        }
        socket.recv(&mut [0; 16]).unwrap();
        link.health = Health::Slow {
            since: Instant::now().checked_sub(SLOW).unwrap(),
        };
        let sent = link.send(&server, b"line");
        assert_eq!(shown(link.change(sent)), ("slow", 3));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_refusal_is_about_an_earlier_datagram() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let server = Address::Inet(address);
        let mut link = Link::default();
        let send = |link: &mut Link| {
            let sent = link.send(&server, b"line");
            shown(link.change(sent))
        };
        assert_eq!(send(&mut link), ("", 0));
        drop(socket);
        // A refusal may take a moment, also on loopback.
        while send(&mut link) != ("send", 0) {}
        let Health::Down { sent: Some(_) } = link.health else {
            panic!("{:?}", link.health);
        };
        assert!(link.lost > 0);
        assert_eq!(send(&mut link), ("", 0));
        let socket = UdpSocket::bind(address).unwrap();
        let lost = loop {
            if let Health::Down { sent: Some(sent) } = &mut link.health {
                *sent = Instant::now().checked_sub(REFUSAL * 2).unwrap();
            }
            match send(&mut link) {
                ("back", lost) => break lost,
                change => assert_eq!(change, ("", 0)),
            }
        };
        assert!(lost > 0 && link.lost == 0, "{lost}");
        assert_eq!(socket.recv(&mut [0; 16]).unwrap(), 4);
    }
}
