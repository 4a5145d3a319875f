//! `limit_rate` and `limit_rate_after`: what a backend sends is paced, to the last byte; what a client sends is not.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{ClientConnection, StreamOwned};
use support::{Certificate, Gateway, auth_plain, free_port, unverified};

/// The bytes per second of most cases.
const RATE: usize = 64 * 1024;
/// How much longer than planned a transfer may take on a busy machine.
const TOLERANCE: Duration = Duration::from_secs(15);

/// A reply of many lines.
fn help(size: usize) -> String {
    let mut text = String::new();
    while text.len() < size {
        let _ = write!(text, "214-{:060}\r\n", text.len());
    }
    text + "214 end\r\n"
}

/// An SMTP backend with this capability. HELP has a reply of this size, which it sends as fast as it can.
fn backend(capability: &'static str, size: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || converse(stream, capability, size));
        }
    });
    port
}

fn converse(stream: TcpStream, capability: &str, size: usize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    reader.get_mut().write_all(b"220 b\r\n")?;
    let mut line = String::new();
    let mut in_data = false;
    while {
        line.clear();
        reader.read_line(&mut line)? > 0
    } {
        if in_data && line != ".\r\n" {
            continue;
        }
        in_data = line == "DATA\r\n";
        let reply = match line.get(..4).unwrap_or_default() {
            "EHLO" => format!("250-b\r\n250-{capability}\r\n250 AUTH PLAIN\r\n"),
            "AUTH" => "235 in\r\n".into(),
            "DATA" => "354 go\r\n".into(),
            "HELP" => help(size),
            "QUIT" => {
                reader.get_mut().write_all(b"221 gone\r\n")?;
                return Ok(());
            }
            _ => "250 ok\r\n".into(),
        };
        reader.get_mut().write_all(reply.as_bytes())?;
    }
    Ok(())
}

/// A client's connection, in clear text or TLS.
trait Connection: Read + Write {
    fn half_close(&mut self);
}

impl Connection for TcpStream {
    fn half_close(&mut self) {
        self.shutdown(Shutdown::Write).expect("to shut down");
    }
}

impl Connection for StreamOwned<ClientConnection, TcpStream> {
    fn half_close(&mut self) {
        self.conn.send_close_notify();
        self.flush().expect("to send the end");
        self.sock.half_close();
    }
}

/// The ways in which a session's bytes are carried: the capability of the backend that selects one, and a directive.
const WAYS: [(&str, &str); 3] = [
    ("DSN", ""),
    ("XFORWARD NAME", "xclient off;"),
    ("DSN", "mail_log mail.log;"),
];

/// A gateway in front of a backend for each way, in clear text and in TLS.
struct Setup {
    gateway: Gateway,
    ports: Vec<(u16, bool)>,
}

impl Setup {
    fn start(limits: &str, size: usize) -> Self {
        let certificate = Certificate::new();
        let (mut servers, mut ports) = (String::new(), Vec::new());
        for (capability, directive) in WAYS {
            let backend = backend(capability, size);
            for is_tls in [false, true] {
                let port = free_port();
                let ssl = if is_tls { "ssl" } else { "" };
                let _ = writeln!(
                    servers,
                    "server {{ listen 127.0.0.1:{port} {ssl}; protocol smtp; smtp_capabilities DSN;
                        proxy_pass 127.0.0.1:{backend}; {directive} }}"
                );
                ports.push((port, is_tls));
            }
        }
        let gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; ssl_certificate {}; ssl_certificate_key {}; {limits} {servers} }}",
            certificate.chain().display(),
            certificate.key().display(),
        ));
        Self { gateway, ports }
    }

    /// Runs this with a client on each port, all at once. The clients have logged in; the time is that before the login.
    fn with_clients(&self, run: impl Fn(&mut dyn Connection, Instant) + Sync) {
        let run = &run;
        thread::scope(|scope| {
            for &(port, is_tls) in &self.ports {
                scope.spawn(move || {
                    let mut client = connect(port, is_tls);
                    expect(&mut *client, "220 gate.test ESMTP ready\r\n");
                    let begun = Instant::now();
                    let login = auth_plain("joe", "secret");
                    let line = format!("AUTH PLAIN {login}\r\n");
                    client.write_all(line.as_bytes()).expect("to log in");
                    expect(&mut *client, "235 2.0.0 OK\r\n");
                    run(&mut *client, begun);
                });
            }
        });
    }
}

fn connect(port: u16, is_tls: bool) -> Box<dyn Connection> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
    stream
        .set_read_timeout(Some(TOLERANCE))
        .expect("a time-out");
    if !is_tls {
        return Box::new(stream);
    }
    let config = unverified::client(aws_lc_rs::default_provider(), &[&TLS13]);
    let config = config.expect("a configuration").with_no_client_auth();
    let name = ServerName::try_from("gate.test").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    Box::new(StreamOwned::new(connection, stream))
}

fn expect(client: &mut dyn Connection, text: &str) {
    let mut bytes = vec![0; text.len()];
    client.read_exact(&mut bytes).expect("a reply");
    assert_eq!(String::from_utf8_lossy(&bytes), text);
}

/// Reads this text. After each read, no more than the limits allow has arrived since `begun`.
fn expect_paced(
    client: &mut dyn Connection,
    text: &str,
    begun: Instant,
    (rate, after): (usize, usize),
) {
    let (mut received, mut bytes) = (Vec::new(), vec![0; 16 * 1024]);
    while received.len() < text.len() {
        let room = bytes.len().min(text.len() - received.len());
        let n = client.read(&mut bytes[..room]).expect("to read");
        assert_ne!(n, 0, "the end after {} bytes", received.len());
        received.extend_from_slice(&bytes[..n]);
        let elapsed = begun.elapsed();
        let allowed = u128::from(elapsed.as_millis() as u64 + 1001) * rate as u128 / 1000;
        assert!(
            received.len() as u128 <= allowed + after as u128,
            "{} bytes after {elapsed:?}",
            received.len()
        );
    }
    assert!(received == text.as_bytes());
}

#[test]
fn a_download_is_paced_to_its_last_byte() {
    let size = 3 * RATE;
    let setup = Setup::start("limit_rate 64k;", size);
    setup.with_clients(|client, begun| {
        client.write_all(b"HELP\r\nQUIT\r\n").expect("to ask");
        client.half_close();
        let text = help(size) + "221 gone\r\n";
        expect_paced(client, &text, begun, (RATE, 0));
        assert_eq!(client.read(&mut [0]).expect("the end"), 0);
        // Half a second's bytes are sent ahead.
        let planned = Duration::from_millis(2500);
        assert!(begun.elapsed() < planned + TOLERANCE);
    });
}

#[test]
fn a_burst_passes_before_the_limit() {
    let (burst, rate) = (512 * 1024, 8 * 1024);
    let size = burst + 2 * rate;
    let setup = Setup::start("limit_rate 8k; limit_rate_after 512k;", size);
    setup.with_clients(|client, begun| {
        client.write_all(b"HELP\r\n").expect("to ask");
        let text = help(size);
        let (first, rest) = text.split_at(burst);
        expect_paced(client, first, begun, (rate, burst));
        // At the rate it would take more than a minute.
        assert!(begun.elapsed() < TOLERANCE, "{:?}", begun.elapsed());
        let sent = burst - first.len();
        expect_paced(client, rest, begun, (rate, sent));
    });
}

#[test]
fn an_upload_is_not_paced() {
    let message = "a line of the message\r\n".repeat(100_000);
    let setup = Setup::start("limit_rate 1k;", 0);
    setup.with_clients(|client, begun| {
        let envelope = "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n";
        client.write_all(envelope.as_bytes()).expect("to send");
        expect(client, "250 ok\r\n250 ok\r\n354 go\r\n");
        client.write_all(message.as_bytes()).expect("to send");
        client.write_all(b".\r\n").expect("to send");
        expect(client, "250 ok\r\n");
        // At the rate it would take more than half an hour.
        assert!(begun.elapsed() < 2 * TOLERANCE, "{:?}", begun.elapsed());
    });
}

#[test]
fn the_wait_for_the_rate_is_not_silence() {
    // A wait is half a second long, and the backend has sent everything before.
    let (rate, size) = (1000, 3000);
    let setup = Setup::start("limit_rate 1000; proxy_timeout 200ms;", size);
    setup.with_clients(|client, begun| {
        client.write_all(b"HELP\r\n").expect("to ask");
        expect_paced(client, &help(size), begun, (rate, 0));
        // Afterwards both sides are silent. In TLS the end is one without a close_notify.
        assert!(!matches!(client.read(&mut [0]), Ok(1..)));
    });
    setup
        .gateway
        .wait_for_log("timed out (110: Connection timed out) while proxying");
}
