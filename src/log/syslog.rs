//! The syslog target: one datagram per line, with nginx's header (RFC 3164).
//!
//! Nothing waits for a syslog server. As with nginx, a datagram that cannot be sent at once is lost.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, PoisonError};

use super::clock::syslog_stamp;
use crate::base::{Address, Level};
use crate::config::SyslogTarget;

#[derive(Debug)]
pub(super) struct Syslog {
    target: SyslogTarget,
    host: String,
    /// Opened with the first line, and again after a failure.
    socket: Mutex<Option<Datagram>>,
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
            socket: Mutex::new(None),
        }
    }

    /// Sends a finished line without its line feed.
    pub(super) fn write(&self, level: Level, line: &[u8]) {
        let mut message = self.header(level).into_bytes();
        message.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if socket.is_none() {
            *socket = connect(&self.target.server).ok();
        }
        if socket
            .as_ref()
            .is_some_and(|socket| send(socket, &message).is_err())
        {
            *socket = None;
        }
    }

    /// `<191>Nov  4 10:00:00 host tag: `
    fn header(&self, level: Level) -> String {
        let SyslogTarget {
            facility,
            tag,
            no_host_name,
            ..
        } = &self.target;
        // nginx's levels are syslog's severities, counted from 1.
        let priority = u16::from(*facility) * 8 + (level as u16 - 1);
        let host = if *no_host_name { "" } else { &self.host };
        let gap = if *no_host_name { "" } else { " " };
        format!("<{priority}>{} {host}{gap}{tag}: ", syslog_stamp())
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

    #[test]
    fn a_line_arrives_with_its_header() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let target = SyslogTarget {
            server: Address::Inet(server.local_addr().unwrap()),
            facility: 23,
            severity: 6,
            tag: "nginx".into(),
            no_host_name: true,
        };
        Syslog::new(&target).write(Level::Error, b"the line\n");
        let mut buffer = [0; 512];
        let length = server.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(text.starts_with("<187>"), "{text}");
        assert!(text.ends_with(" nginx: the line"), "{text}");
    }
}
