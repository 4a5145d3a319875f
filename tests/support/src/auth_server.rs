//! An auth server over TCP, a Unix socket or TLS. It keeps connections open, and counts connections and requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::TIMEOUT;
use crate::process::open_to_all;

/// A response that refuses the login. Its empty body lets the connection stay open. There is no Auth-Wait, so the reply to the client
/// is not delayed, and the session ends.
pub const REFUSED: &str = "HTTP/1.1 200 OK\r\nAuth-Status: no\r\nContent-Length: 0\r\n\r\n";

/// The reply of an SMTP server to a client that was refused by [`REFUSED`].
pub const REFUSAL: &str = "535 5.7.0 no\r\n";

/// A response that accepts the login and names a backend on 127.0.0.1.
pub fn accepted(port: u16) -> String {
    accepted_with("127.0.0.1", port, "")
}

/// As [`accepted`], with another backend host and further header lines.
pub fn accepted_with(server: &str, port: u16, more: &str) -> String {
    format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: {server}\r\nAuth-Port: {port}\r\n{more}\r\n"
    )
}

/// Refuses every request.
pub fn refuse(_: usize, _: usize) -> Option<String> {
    Some(REFUSED.to_string())
}

/// Responds to a request; the arguments are the numbers of the connection and of the request on it, from 0. `None` closes the
/// connection.
pub type Respond = dyn Fn(usize, usize) -> Option<String> + Send + Sync;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A running auth server.
#[derive(Debug)]
pub struct AuthServer {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    reused: Arc<AtomicUsize>,
    requests: Receiver<String>,
}

impl AuthServer {
    /// Listens on a free port of 127.0.0.1.
    pub fn start(respond: impl Fn(usize, usize) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", respond)
    }

    /// Listens on an address.
    pub fn at(
        address: &str,
        respond: impl Fn(usize, usize) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).expect("a port for the auth server");
        let port = listener.local_addr().expect("its number").port();
        let accept =
            move || -> Option<Box<dyn Stream>> { Some(Box::new(listener.accept().ok()?.0)) };
        Self::serve(port, accept, Arc::new(respond))
    }

    /// Listens on a Unix socket.
    pub fn on_unix(
        path: &Path,
        respond: impl Fn(usize, usize) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).expect("a socket for the auth server");
        open_to_all(path);
        let accept =
            move || -> Option<Box<dyn Stream>> { Some(Box::new(listener.accept().ok()?.0)) };
        Self::serve(0, accept, Arc::new(respond))
    }

    /// Listens with TLS and refuses every request.
    pub fn with_tls(config: Arc<rustls::ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the auth server");
        let port = listener.local_addr().expect("its number").port();
        let accept = move || -> Option<Box<dyn Stream>> {
            let socket: TcpStream = listener.accept().ok()?.0;
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(Box::new(rustls::StreamOwned::new(connection, socket)))
        };
        Self::serve(port, accept, Arc::new(refuse))
    }

    fn serve(
        port: u16,
        accept: impl Fn() -> Option<Box<dyn Stream>> + Send + 'static,
        respond: Arc<Respond>,
    ) -> Self {
        let (report, requests) = channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let reused = Arc::new(AtomicUsize::new(0));
        let (counter, reuses) = (Arc::clone(&connections), Arc::clone(&reused));
        std::thread::spawn(move || {
            while let Some(stream) = accept() {
                let connection = counter.fetch_add(1, Ordering::SeqCst);
                let (respond, report) = (Arc::clone(&respond), report.clone());
                let reuses = Arc::clone(&reuses);
                std::thread::spawn(move || {
                    serve_connection(stream, connection, &*respond, &report, &reuses);
                });
            }
        });
        Self {
            port,
            connections,
            reused,
            requests,
        }
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The number of requests so far that came on a connection with an earlier request.
    pub fn reused(&self) -> usize {
        self.reused.load(Ordering::SeqCst)
    }

    /// The next request.
    pub fn request(&self) -> String {
        self.requests.recv_timeout(TIMEOUT).expect("a request")
    }
}

fn serve_connection(
    stream: Box<dyn Stream>,
    connection: usize,
    respond: &Respond,
    report: &Sender<String>,
    reuses: &AtomicUsize,
) {
    let mut reader = BufReader::new(stream);
    for request in 0.. {
        let mut header = String::new();
        while !header.ends_with("\r\n\r\n") {
            if reader.read_line(&mut header).unwrap_or(0) == 0 {
                return;
            }
        }
        let _ = report.send(header);
        reuses.fetch_add(usize::from(request > 0), Ordering::SeqCst);
        let Some(text) = respond(connection, request) else {
            return;
        };
        let stream = reader.get_mut();
        if stream.write_all(text.as_bytes()).is_err() || stream.flush().is_err() {
            return;
        }
    }
}
