//! An SMTP backend with TLS, from the first byte or by STARTTLS: it lets everybody in and gives back what it gets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::{Gateway, single};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

pub const LET_IN: &str = "235 2.0.0 OK\r\n";
pub const UNAVAILABLE: &str = "451 4.4.1 Mail server temporarily unavailable, try again later\r\n";
pub const BOTH: [&rustls::SupportedProtocolVersion; 2] =
    [&rustls::version::TLS12, &rustls::version::TLS13];
/// How many bytes it takes, and gives back, after `BLOB`.
pub const BLOB: usize = 10_000_000;

trait Socket: Read + Write + Send {}
impl<T: Read + Write + Send> Socket for T {}

/// How it is set up.
#[derive(Clone)]
pub struct Setup {
    pub tls: Arc<ServerConfig>,
    /// TLS from the first byte.
    pub at_once: bool,
    /// A PROXY header comes first.
    pub header: bool,
}

/// What a handshake came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Shaken {
    pub resumed: bool,
    /// The name it was told (SNI).
    pub name: Option<String>,
}

/// A running backend.
pub struct Backend {
    pub port: u16,
    heard: Receiver<String>,
    shaken: Receiver<Shaken>,
}

/// The sides that are told of what happens.
#[derive(Clone)]
struct Tell {
    heard: Sender<String>,
    shaken: Sender<Shaken>,
}

/// A TLS server; `clients` is a file of CAs whose clients alone are let in.
pub fn tls(
    (chain, key): &(PathBuf, PathBuf),
    versions: &[&'static rustls::SupportedProtocolVersion],
    clients: Option<&Path>,
) -> Arc<ServerConfig> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(chain)
        .expect("a file")
        .collect();
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let builder = ServerConfig::builder_with_protocol_versions(versions);
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            let ca = CertificateDer::from_pem_file(file).expect("a CA");
            roots.add(ca).expect("a root");
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let mut config = builder
        .with_single_cert(chain.expect("a chain"), key)
        .expect("a TLS server");
    config.session_storage = ServerSessionMemoryCache::new(64);
    Arc::new(config)
}

impl Backend {
    /// On a free port of 127.0.0.1.
    pub fn start(setup: Setup) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the backend");
        let port = listener.local_addr().expect("its number").port();
        Self::serve(port, setup, move || {
            Some(Box::new(listener.accept().ok()?.0))
        })
    }

    /// On a Unix socket.
    pub fn on_unix(path: &Path, setup: Setup) -> Self {
        let listener = UnixListener::bind(path).expect("a socket for the backend");
        Self::serve(0, setup, move || Some(Box::new(listener.accept().ok()?.0)))
    }

    fn serve(
        port: u16,
        setup: Setup,
        accept: impl Fn() -> Option<Box<dyn Socket>> + Send + 'static,
    ) -> Self {
        let (heard, lines) = channel();
        let (shaken, handshakes) = channel();
        let tell = Tell { heard, shaken };
        std::thread::spawn(move || {
            while let Some(socket) = accept() {
                let (setup, tell) = (setup.clone(), tell.clone());
                std::thread::spawn(move || converse(socket, &setup, &tell));
            }
        });
        Self {
            port,
            heard: lines,
            shaken: handshakes,
        }
    }

    /// The next line it was told: `clear` or `tls` stands before it.
    pub fn heard(&self) -> String {
        let patience = Duration::from_secs(60);
        self.heard.recv_timeout(patience).expect("a line")
    }

    /// All the lines so far.
    pub fn all_heard(&self) -> Vec<String> {
        self.heard.try_iter().collect()
    }

    /// The next handshake that came about.
    pub fn shaken(&self) -> Shaken {
        let patience = Duration::from_secs(60);
        self.shaken.recv_timeout(patience).expect("a handshake")
    }
}

fn converse(mut socket: Box<dyn Socket>, setup: &Setup, tell: &Tell) {
    if setup.header {
        let _ = tell.heard.send(format!("clear {}", line(&mut socket)));
    }
    if setup.at_once {
        if let Some(mut stream) = shake(socket, setup, tell) {
            let _ = stream.get_mut().write_all(b"220 backend\r\n");
            serve(stream, tell);
        }
        return;
    }
    let _ = socket.write_all(b"220 backend\r\n");
    loop {
        let line = line(&mut socket);
        let _ = tell.heard.send(format!("clear {line}"));
        let answer: &[u8] = match line.get(..4) {
            // What clear text offers is not what TLS does.
            Some("EHLO") => b"250-backend\r\n250-CLEAR\r\n250-AUTH CRAM-MD5\r\n250 STARTTLS\r\n",
            Some("STAR") => b"220 go\r\n",
            None => return,
            Some(_) => b"502 what\r\n",
        };
        let _ = socket.write_all(answer);
        if line == "STARTTLS" {
            if let Some(stream) = shake(socket, setup, tell) {
                serve(stream, tell);
            }
            return;
        }
    }
}

/// Reads a line and not a byte more.
fn line(socket: &mut impl Read) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") && matches!(socket.read(&mut byte), Ok(1)) {
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).trim_end().to_string()
}

type Tls = BufReader<StreamOwned<ServerConnection, Box<dyn Socket>>>;

fn shake(socket: Box<dyn Socket>, setup: &Setup, tell: &Tell) -> Option<Tls> {
    let connection = ServerConnection::new(Arc::clone(&setup.tls)).ok()?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        if stream.conn.complete_io(&mut stream.sock).is_err() {
            // An alert is on its way, and must not be overtaken by a reset.
            let _ = stream.sock.read_to_end(&mut Vec::new());
            return None;
        }
    }
    let _ = tell.shaken.send(Shaken {
        resumed: stream.conn.handshake_kind() == Some(HandshakeKind::Resumed),
        name: stream.conn.server_name().map(str::to_string),
    });
    Some(BufReader::new(stream))
}

fn serve(mut stream: Tls, tell: &Tell) {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end();
        let _ = tell.heard.send(format!("tls {line}"));
        let answer: &[u8] = match line.get(..4) {
            Some("EHLO") => b"250-backend\r\n250-SECRET\r\n250 AUTH PLAIN\r\n",
            Some("AUTH") => b"235 in\r\n",
            Some("QUIT") => b"221 bye\r\n",
            Some("BLOB") => {
                let mut blob = vec![0; BLOB];
                if stream.read_exact(&mut blob).is_err() {
                    return;
                }
                let _ = stream.get_mut().write_all(&blob);
                stream.get_mut().conn.send_close_notify();
                let _ = stream.get_mut().flush();
                return;
            }
            _ => b"250 ok\r\n",
        };
        let _ = stream.get_mut().write_all(answer);
        let _ = stream.get_mut().flush();
    }
}

/// A gateway with one SMTP server, which asks its backend for no list; `more` is the rest of its block.
pub fn gateway(more: &str) -> (Gateway, u16) {
    single::gateway(&unasked(more))
}

pub fn mail(port: u16, more: &str) -> String {
    single::mail(port, &unasked(more))
}

fn unasked(more: &str) -> String {
    format!("smtp_capabilities X; {more}")
}

pub fn setup(own: &(PathBuf, PathBuf), at_once: bool) -> Setup {
    Setup {
        tls: tls(own, &BOTH, None),
        at_once,
        header: false,
    }
}

/// The word of `proxy_ssl` for it.
pub fn word(at_once: bool) -> &'static str {
    if at_once { "on" } else { "starttls" }
}

pub fn verify(ca: &Path) -> String {
    format!(
        "proxy_ssl_verify on; proxy_ssl_trusted_certificate {};",
        ca.display()
    )
}
