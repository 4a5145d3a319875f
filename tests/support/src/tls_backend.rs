//! An SMTP backend with implicit TLS or STARTTLS. It accepts every login and can echo a large block of data.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::process::open_to_all;
use crate::{Gateway, TIMEOUT, smtp_gateway};

/// The reply to a login that the backend accepted.
pub const ACCEPTED: &str = "235 2.0.0 OK\r\n";
/// The reply to a login when the backend cannot be used.
pub const UNAVAILABLE: &str = "451 4.4.1 Mail server temporarily unavailable, try again later\r\n";
pub const BOTH: [&rustls::SupportedProtocolVersion; 2] =
    [&rustls::version::TLS12, &rustls::version::TLS13];
/// The number of bytes that it reads and sends back after the command `ECHO`.
pub const ECHO_SIZE: usize = 10_000_000;

trait Socket: Read + Write + Send {}
impl<T: Read + Write + Send> Socket for T {}

/// How the backend speaks TLS.
#[derive(Clone, Debug)]
pub struct Setup {
    pub tls: Arc<ServerConfig>,
    /// Implicit TLS; else STARTTLS.
    pub implicit: bool,
    /// It reads a PROXY header first.
    pub proxy_header: bool,
}

/// The result of a handshake.
#[derive(Debug, PartialEq, Eq)]
pub struct Handshake {
    pub resumed: bool,
    /// The server name that the gateway sent (SNI).
    pub server_name: Option<String>,
}

/// A running backend.
#[derive(Debug)]
pub struct Backend {
    pub port: u16,
    received: Receiver<String>,
    handshakes: Receiver<Handshake>,
}

/// Reports to the test.
#[derive(Clone)]
struct Report {
    lines: Sender<String>,
    handshakes: Sender<Handshake>,
}

/// The configuration of a TLS server. With `clients`, a file of CAs, it requires client certificates.
pub fn server_config(
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
    /// Listens on a free port of 127.0.0.1.
    pub fn start(setup: Setup) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the backend");
        let port = listener.local_addr().expect("its number").port();
        Self::serve(port, setup, move || {
            Some(Box::new(listener.accept().ok()?.0))
        })
    }

    /// Listens on a Unix socket.
    pub fn on_unix(path: &Path, setup: Setup) -> Self {
        let listener = UnixListener::bind(path).expect("a socket for the backend");
        open_to_all(path);
        Self::serve(0, setup, move || Some(Box::new(listener.accept().ok()?.0)))
    }

    fn serve(
        port: u16,
        setup: Setup,
        accept: impl Fn() -> Option<Box<dyn Socket>> + Send + 'static,
    ) -> Self {
        let (lines, received) = channel();
        let (report, handshakes) = channel();
        let report = Report {
            lines,
            handshakes: report,
        };
        std::thread::spawn(move || {
            while let Some(socket) = accept() {
                let (setup, report) = (setup.clone(), report.clone());
                std::thread::spawn(move || serve_connection(socket, &setup, &report));
            }
        });
        Self {
            port,
            received,
            handshakes,
        }
    }

    /// The next line that it received, with `clear ` or `tls ` before it.
    pub fn received(&self) -> String {
        self.received.recv_timeout(TIMEOUT).expect("a line")
    }

    /// All lines received since the last call.
    pub fn all_received(&self) -> Vec<String> {
        self.received.try_iter().collect()
    }

    /// The next successful handshake.
    pub fn handshake(&self) -> Handshake {
        self.handshakes.recv_timeout(TIMEOUT).expect("a handshake")
    }
}

fn serve_connection(mut socket: Box<dyn Socket>, setup: &Setup, report: &Report) {
    if setup.proxy_header {
        let _ = report.lines.send(format!("clear {}", line(&mut socket)));
    }
    if setup.implicit {
        if let Some(mut stream) = handshake(socket, setup, report) {
            let _ = stream.get_mut().write_all(b"220 backend\r\n");
            serve(stream, report);
        }
        return;
    }
    let _ = socket.write_all(b"220 backend\r\n");
    loop {
        let line = line(&mut socket);
        let _ = report.lines.send(format!("clear {line}"));
        let answer: &[u8] = match line.get(..4) {
            // The capabilities in clear text differ from those inside TLS.
            Some("EHLO") => b"250-backend\r\n250-CLEAR\r\n250-AUTH CRAM-MD5\r\n250 STARTTLS\r\n",
            Some("STAR") => b"220 go\r\n",
            None => return,
            Some(_) => b"502 what\r\n",
        };
        let _ = socket.write_all(answer);
        if line == "STARTTLS" {
            if let Some(stream) = handshake(socket, setup, report) {
                serve(stream, report);
            }
            return;
        }
    }
}

/// Reads a line, and no byte after it.
fn line(socket: &mut impl Read) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") && matches!(socket.read(&mut byte), Ok(1)) {
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).trim_end().to_string()
}

type Tls = BufReader<StreamOwned<ServerConnection, Box<dyn Socket>>>;

fn handshake(socket: Box<dyn Socket>, setup: &Setup, report: &Report) -> Option<Tls> {
    let connection = ServerConnection::new(Arc::clone(&setup.tls)).ok()?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        if stream.conn.complete_io(&mut stream.sock).is_err() {
            // Closing with unread input would send a reset, which could overtake the alert.
            let _ = stream.sock.read_to_end(&mut Vec::new());
            return None;
        }
    }
    let _ = report.handshakes.send(Handshake {
        resumed: stream.conn.handshake_kind() == Some(HandshakeKind::Resumed),
        server_name: stream.conn.server_name().map(str::to_string),
    });
    Some(BufReader::new(stream))
}

fn serve(mut stream: Tls, report: &Report) {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end();
        let _ = report.lines.send(format!("tls {line}"));
        let answer: &[u8] = match line.get(..4) {
            Some("EHLO") => b"250-backend\r\n250-SECRET\r\n250 AUTH PLAIN\r\n",
            Some("AUTH") => b"235 in\r\n",
            Some("QUIT") => b"221 bye\r\n",
            Some("ECHO") => {
                let mut data = vec![0; ECHO_SIZE];
                if stream.read_exact(&mut data).is_err() {
                    return;
                }
                let _ = stream.get_mut().write_all(&data);
                stream.get_mut().conn.send_close_notify();
                let _ = stream.get_mut().flush();
                // Closing with unread input, such as a close_notify, would send a reset, which discards data that is not sent yet.
                let _ = io::copy(&mut stream.get_mut().sock, &mut io::sink());
                return;
            }
            _ => b"250 ok\r\n",
        };
        let _ = stream.get_mut().write_all(answer);
        let _ = stream.get_mut().flush();
    }
}

/// As [`smtp_gateway::gateway`], without a capability probe of the backend.
pub fn gateway(more: &str) -> (Gateway, u16) {
    smtp_gateway::gateway(&without_probe(more))
}

/// As [`smtp_gateway::mail_block`], without a capability probe of the backend.
pub fn mail_block(port: u16, more: &str) -> String {
    smtp_gateway::mail_block(port, &without_probe(more))
}

fn without_probe(more: &str) -> String {
    format!("smtp_capabilities X; {more}")
}

/// A backend with this certificate and both versions of TLS.
pub fn setup(certificate: &(PathBuf, PathBuf), implicit: bool) -> Setup {
    Setup {
        tls: server_config(certificate, &BOTH, None),
        implicit,
        proxy_header: false,
    }
}

/// The argument of `proxy_ssl`.
pub fn proxy_ssl(implicit: bool) -> &'static str {
    if implicit { "on" } else { "starttls" }
}

/// The directives to verify the backend with this CA.
pub fn verify(ca: &Path) -> String {
    format!(
        "proxy_ssl_verify on; proxy_ssl_trusted_certificate {};",
        ca.display()
    )
}
