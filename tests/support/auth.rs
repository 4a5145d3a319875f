//! An auth server that answers as it is told, over TCP, a Unix socket or TLS. It keeps connections, and counts them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A refusal with a body of no bytes, so that the connection can be kept.
pub const REFUSED: &str =
    "HTTP/1.1 200 OK\r\nAuth-Status: no\r\nAuth-Wait: 1\r\nContent-Length: 0\r\n\r\n";

/// What a client hears of it.
pub const REFUSAL: &str = "535 5.7.0 no\r\n";

/// The same answer to every request.
pub fn refuse(_: usize, _: usize) -> Option<String> {
    Some(REFUSED.to_string())
}

/// What is said to a request on a connection, both counted from 0; `None` closes.
pub type Answer = dyn Fn(usize, usize) -> Option<String> + Send + Sync;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A running auth server.
pub struct AuthServer {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    requests: Receiver<String>,
}

impl AuthServer {
    /// On a free port of 127.0.0.1.
    pub fn start(answer: impl Fn(usize, usize) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", answer)
    }

    /// At an address.
    pub fn at(
        address: &str,
        answer: impl Fn(usize, usize) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).expect("a port for the auth server");
        let port = listener.local_addr().expect("its number").port();
        let accept =
            move || -> Option<Box<dyn Stream>> { Some(Box::new(listener.accept().ok()?.0)) };
        Self::serve(port, accept, Arc::new(answer))
    }

    /// On a Unix socket.
    pub fn on_unix(
        path: &Path,
        answer: impl Fn(usize, usize) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).expect("a socket for the auth server");
        let accept =
            move || -> Option<Box<dyn Stream>> { Some(Box::new(listener.accept().ok()?.0)) };
        Self::serve(0, accept, Arc::new(answer))
    }

    /// With TLS.
    pub fn with_tls(config: Arc<rustls::ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the auth server");
        let port = listener.local_addr().expect("its number").port();
        let accept = move || -> Option<Box<dyn Stream>> {
            let socket: TcpStream = listener.accept().ok()?.0;
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(Box::new(rustls::StreamOwned::new(connection, socket)))
        };
        Self::serve(port, accept, Arc::new(|_, _| Some(REFUSED.to_string())))
    }

    fn serve(
        port: u16,
        accept: impl Fn() -> Option<Box<dyn Stream>> + Send + 'static,
        answer: Arc<Answer>,
    ) -> Self {
        let (tell, requests) = channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        std::thread::spawn(move || {
            while let Some(stream) = accept() {
                let connection = counter.fetch_add(1, Ordering::SeqCst);
                let (answer, tell) = (Arc::clone(&answer), tell.clone());
                std::thread::spawn(move || converse(stream, connection, &*answer, &tell));
            }
        });
        Self {
            port,
            connections,
            requests,
        }
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The next request.
    pub fn request(&self) -> String {
        self.requests
            .recv_timeout(Duration::from_secs(60))
            .expect("a request")
    }
}

fn converse(stream: Box<dyn Stream>, connection: usize, answer: &Answer, tell: &Sender<String>) {
    let mut reader = BufReader::new(stream);
    for request in 0.. {
        let mut header = String::new();
        while !header.ends_with("\r\n\r\n") {
            if reader.read_line(&mut header).unwrap_or(0) == 0 {
                return;
            }
        }
        let _ = tell.send(header);
        let Some(text) = answer(connection, request) else {
            return;
        };
        if reader.get_mut().write_all(text.as_bytes()).is_err() || reader.get_mut().flush().is_err()
        {
            return;
        }
    }
}
