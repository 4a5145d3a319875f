//! An SMTP client over clear text or TLS that can leave in every way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, DEFAULT_VERSIONS, StreamOwned};
use support::postfix::{PASSWORD, USER};
use support::{TIMEOUT, auth_plain, unverified};

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// How a client begins its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Login,
    StartTls,
    WithoutLogin,
}

/// How a client leaves without QUIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// Closes its sending side, and reads to the end.
    HalfClose,
    /// Closes without reading.
    Close,
    /// Closes with a reset.
    Reset,
}

/// A reply: its code and the text of its last line.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) text: String,
}

pub(crate) struct Client {
    stream: BufReader<Box<dyn Stream>>,
    socket: TcpStream,
    /// What was sent last, for messages of failures.
    last: Vec<u8>,
}

impl Client {
    /// Connects, and logs in.
    pub(crate) fn connect(port: u16, opening: Opening) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        socket.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
        socket.set_nodelay(true).expect("TCP_NODELAY");
        let own = socket.try_clone().expect("a second handle");
        let mut this = Self {
            stream: BufReader::new(Box::new(own)),
            socket,
            last: Vec::new(),
        };
        assert_eq!(this.reply().code, 220);
        assert_eq!(this.ask("EHLO client.test").code, 250);
        if opening == Opening::StartTls {
            assert_eq!(this.ask("STARTTLS").code, 220);
            this.secure();
            assert_eq!(this.ask("EHLO client.test").code, 250);
        }
        if opening != Opening::WithoutLogin {
            let plain = format!("AUTH PLAIN {}", auth_plain(USER, PASSWORD));
            assert_eq!(this.ask(&plain).code, 235);
        }
        this
    }

    fn secure(&mut self) {
        let config = unverified::client(aws_lc_rs::default_provider(), DEFAULT_VERSIONS);
        let config = config.expect("TLS").with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let own = self.socket.try_clone().expect("a second handle");
        self.stream = BufReader::new(Box::new(StreamOwned::new(connection, own)));
    }

    pub(crate) fn ask(&mut self, line: &str) -> Reply {
        self.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.last = bytes.to_vec();
        let stream = self.stream.get_mut();
        stream.write_all(bytes).expect("to send");
        stream.flush().expect("to send");
    }

    pub(crate) fn reply(&mut self) -> Reply {
        let mut line = String::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("a reply");
            let last = self.last.escape_ascii();
            assert!(line.len() > 4, "not a reply: {line:?}, after {last}");
            if line.as_bytes()[3] != b'-' {
                return Reply {
                    code: line[..3].parse().expect("a code"),
                    text: line[4..].trim_end().to_owned(),
                };
            }
        }
    }

    /// Sends bytes and leaves.
    pub(crate) fn leave(mut self, bytes: &[u8], leaving: Leaving) {
        self.send(bytes);
        match leaving {
            Leaving::HalfClose => {
                self.socket.shutdown(Shutdown::Write).expect("to shut down");
                // A reset counts as an end.
                let _ = self.stream.read_to_end(&mut Vec::new());
            }
            Leaving::Close => {}
            Leaving::Reset => {
                let socket = socket2::SockRef::from(&self.socket);
                socket.set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
            }
        }
    }
}
