//! A client for line-based protocols.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use socket2::{Domain, Socket, Type};

use crate::TIMEOUT;

/// A client that sends what it is given and reads replies. It knows SMTP's replies of several lines; for IMAP and POP3 a reply is
/// one line.
#[derive(Debug)]
pub struct LineClient {
    stream: BufReader<TcpStream>,
}

impl LineClient {
    /// Connects to a port of 127.0.0.1.
    pub fn connect(port: u16) -> Self {
        Self::over(TcpStream::connect(("127.0.0.1", port)).expect("to connect"))
    }

    /// Uses an existing connection.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// The port of its own end.
    pub fn local_port(&self) -> u16 {
        let local = self.stream.get_ref().local_addr();
        local.expect("its address").port()
    }

    /// Sends a line and its CR LF.
    pub fn send_line(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes());
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("to send");
    }

    /// Reads one reply with all its lines; empty at the end of the stream.
    pub fn read_reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            let read = self.stream.read_line(&mut reply).expect("a reply");
            if read == 0 || reply.as_bytes().get(start + 3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// Reads one reply, which must begin with `start`.
    pub fn expect(&mut self, start: &str) -> String {
        let reply = self.read_reply();
        assert!(
            reply.starts_with(start),
            "expected {start}, received {reply:?}"
        );
        reply
    }

    /// Sends a line and returns the reply.
    pub fn ask(&mut self, line: &str) -> String {
        self.send_line(line);
        self.read_reply()
    }

    /// Sends each line and checks how its reply begins.
    pub fn converse(&mut self, exchanges: &[(&str, &str)]) {
        for (line, start) in exchanges {
            let reply = self.ask(line);
            assert!(reply.starts_with(start), "{line}: {reply}");
        }
    }

    /// Reads lines up to one that begins with `start`, and returns that one.
    pub fn read_until(&mut self, start: &str) -> String {
        loop {
            let line = self.read_reply();
            assert!(!line.is_empty(), "closed before {start:?}");
            if line.starts_with(start) {
                return line;
            }
        }
    }

    /// Reads to the end of the stream. A reset counts as its end.
    pub fn read_to_end(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Shuts down the sending direction.
    pub fn shutdown_write(&self) {
        let socket = self.stream.get_ref();
        socket.shutdown(Shutdown::Write).expect("to half-close");
    }
}

/// Connects from an address of loopback to a port of 127.0.0.1. Reads wait up to [`TIMEOUT`].
pub fn connect_from(client: Ipv4Addr, port: u16) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let own = SocketAddr::from((client, 0));
    socket.bind(&own.into()).expect("an address of loopback");
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    socket.connect(&server.into()).expect("to connect");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    stream
}

/// The response of AUTH PLAIN (RFC 4616), in base64.
pub fn auth_plain(user: &str, password: &str) -> String {
    STANDARD.encode(format!("\0{user}\0{password}"))
}
