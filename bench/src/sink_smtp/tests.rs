//! The server over loopback.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use support::digest::cram_md5;
use support::{LineClient, TempDir};

use super::sasl::Account;
use super::*;

/// A server with a Maildir and a log.
struct Server {
    address: SocketAddr,
    maildir: TempDir,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    fn start(require_auth: bool) -> Self {
        let maildir = TempDir::new("sink");
        let log = Arc::new(Mutex::new(Vec::new()));
        let policy = Policy {
            host: "sink.test".to_owned(),
            account: Some(Account {
                user: "alice".to_owned(),
                password: "secret".to_owned(),
            }),
            require_auth,
            max_size: 100_000,
        };
        let sink = Sink {
            policy: Arc::new(policy),
            storage: Storage::Maildir(Maildir::create(maildir.path()).unwrap()),
            transcript: Transcript::to(Box::new(Shared(Arc::clone(&log)))),
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                Arc::new(sink)
                    .serve(TcpListener::from_std(listener).unwrap())
                    .await
            });
        });
        Self {
            address,
            maildir,
            log,
        }
    }

    fn messages(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<_> = files(&self.maildir.path().join("new"));
        paths.sort();
        assert!(files(&self.maildir.path().join("tmp")).is_empty());
        paths
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    fn log(&self) -> String {
        String::from_utf8(self.log.lock().unwrap().clone()).unwrap()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A client that has read the greeting.
fn connect(server: &Server) -> LineClient {
    let mut client = LineClient::over(TcpStream::connect(server.address).unwrap());
    assert_eq!(client.read_reply(), "220 sink.test ESMTP sink\r\n");
    client
}

#[test]
fn messages_are_stored_unchanged() {
    let server = Server::start(false);
    let mut client = connect(&server);
    client.converse(&[
        ("EHLO me", "250-sink.test\r\n250-PIPELINING\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 XCLIENT NAME ADDR LOGIN\r\n"),
        ("MAIL FROM:<a@b> SIZE=100", "250"),
        ("RCPT TO:<c@d>", "250"),
        ("DATA", "354"),
    ]);
    let long = "x".repeat(5000);
    let message =
        format!("Subject: é\r\n\r\n.\r\n..\r\n.a\r\nbare\nlf\rcr\0nul\r\n{long}\r\n").into_bytes();
    let mut stuffed = Vec::new();
    for line in message.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    client.send(&stuffed);
    client.converse(&[
        (".", "250 2.0.0 OK stored as "),
        ("DATA", "503"),
        ("QUIT", "221"),
    ]);
    assert_eq!(client.read_reply(), "");
    assert_eq!(server.messages(), [message]);
}

#[test]
fn pipelined_commands_are_replied_to_in_order() {
    let server = Server::start(false);
    let mut client = connect(&server);
    client.send(b"HELO me\r\nMAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\none\r\n.\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nRCPT TO:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\nNOOP\r\nQUIT\r\n");
    for code in [
        "250", "250", "250", "354", "250", "250", "503", "501", "250", "354", "250", "250", "221",
    ] {
        let reply = client.read_reply();
        assert!(reply.starts_with(code), "{reply} instead of {code}");
    }
    assert_eq!(server.messages(), [b"one\r\n".to_vec(), Vec::new()]);
}

#[test]
fn every_mechanism() {
    let server = Server::start(true);
    let plain = |user: &str, password: &str| STANDARD.encode(format!("\0{user}\0{password}"));
    let mut client = connect(&server);
    client.converse(&[
        ("MAIL FROM:<a@b>", "530 5.7.0"),
        (
            &format!("AUTH PLAIN {}", plain("alice", "wrong")),
            "535 5.7.8",
        ),
        (
            &format!("AUTH PLAIN {}", plain("bob", "secret")),
            "535 5.7.8",
        ),
        ("AUTH PLAIN !", "501 5.5.2"),
        ("AUTH GSSAPI", "504"),
        ("AUTH LOGIN", "334 VXNlcm5hbWU6"),
        ("*", "501 5.7.0"),
        ("MAIL FROM:<a@b>", "530"),
        ("AUTH PLAIN", "334 \r\n"),
        (&plain("alice", "secret"), "235"),
        ("AUTH LOGIN", "503"),
        ("MAIL FROM:<a@b>", "250"),
        ("XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]", "220 sink.test"),
        ("MAIL FROM:<a@b>", "530"),
        ("auth login YWxpY2U=", "334 UGFzc3dvcmQ6"),
        ("c2VjcmV0", "235"),
        ("XCLIENT ADDR=192.0.2.1 LOGIN=alice NAME=x", "220"),
        ("MAIL FROM:<a@b>", "250"),
        ("XCLIENT COLOR=red", "501"),
    ]);
    for (password, code) in [("wrong", "535"), ("secret", "235")] {
        let mut client = connect(&server);
        let challenge = client.ask("AUTH CRAM-MD5");
        let challenge = STANDARD
            .decode(challenge.trim_end().strip_prefix("334 ").unwrap())
            .unwrap();
        let digest = cram_md5(password, &challenge);
        client.converse(&[(&STANDARD.encode(format!("alice {digest}")), code)]);
    }
    let log = server.log();
    for secret in [
        &plain("alice", "secret"),
        &plain("alice", "wrong"),
        "YWxpY2U=",
        "c2VjcmV0",
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert!(log.contains("1 C: AUTH PLAIN ***\n1 S: 535 5.7.8"), "{log}");
}

#[test]
fn invalid_commands() {
    let server = Server::start(false);
    let mut client = connect(&server);
    client.converse(&[
        ("", "500"),
        ("\u{0}\u{1}", "500"),
        ("EHLO", "501"),
        ("MAIL", "501"),
        ("MAIL FROM:a@b", "501"),
        ("MAIL FROM:>a<", "501"),
        ("RCPT TO:<a@b>", "503"),
        ("DATA", "503"),
        ("XCLIENT", "501"),
        ("MAIL FROM:<a@b> SIZE=100001", "552"),
        ("MAIL FROM:<a@b> SIZE=99999999999999999999999", "250"),
        ("DATA", "503"),
        ("RCPT TO:<a@b>", "250"),
        ("AUTH PLAIN", "503"),
        ("DATA", "354"),
    ]);
    client.send(&[b'x'; 100_001]);
    client.converse(&[("\r\n.", "552"), ("NOOP", "250")]);
    client.send(&vec![b'x'; LONGEST_LINE + 1]);
    assert_eq!(client.read_reply(), "500 5.5.2 Line too long\r\n");
    assert!(server.messages().is_empty());
}

#[test]
fn incomplete_message_is_not_stored() {
    let server = Server::start(false);
    let mut client = connect(&server);
    client.converse(&[
        ("MAIL FROM:<a@b>", "250"),
        ("RCPT TO:<c@d>", "250"),
        ("DATA", "354"),
    ]);
    client.send(b"half a li");
    client.shutdown_write();
    assert_eq!(client.read_reply(), "");
    assert!(server.messages().is_empty());
    connect(&server);
}
