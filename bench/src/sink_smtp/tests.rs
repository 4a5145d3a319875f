//! The server over loopback, as a client sees it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::login::{Account, hmac_md5};
use super::*;

/// A server with its own Maildir and transcript, on a port of its own.
struct Server {
    address: SocketAddr,
    root: PathBuf,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    fn start(name: &str, require_auth: bool) -> Self {
        let root =
            std::env::temp_dir().join(format!("portcullis-sink-{}-{name}", std::process::id()));
        let said = Arc::new(Mutex::new(Vec::new()));
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
            keep: Keep::Maildir(Maildir::create(&root).unwrap()),
            transcript: Transcript::to(Box::new(Shared(Arc::clone(&said)))),
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
            root,
            said,
        }
    }

    fn messages(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<_> = files(&self.root.join("new"));
        paths.sort();
        assert!(files(&self.root.join("tmp")).is_empty());
        paths
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    fn transcript(&self) -> String {
        String::from_utf8(self.said.lock().unwrap().clone()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
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
struct Peer(BufReader<TcpStream>);

impl Peer {
    fn new(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut peer = Self(BufReader::new(stream));
        assert_eq!(peer.reply(), "220 sink.test ESMTP sink\r\n");
        peer
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// A whole reply; empty at the end of the stream.
    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            if self.0.read_line(&mut reply).unwrap() == 0 || reply.as_bytes()[start + 3] != b'-' {
                return reply;
            }
        }
    }

    /// The reply to a line.
    fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// Says each line and checks how its reply begins.
    fn talk(&mut self, turns: &[(&str, &str)]) {
        for (line, reply) in turns {
            let got = self.ask(line);
            assert!(got.starts_with(reply), "{line}: {got}");
        }
    }
}

#[test]
fn a_message_is_kept_byte_for_byte() {
    let server = Server::start("bytes", false);
    let mut peer = Peer::new(&server);
    peer.talk(&[
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
    peer.send(&stuffed);
    peer.talk(&[
        (".", "250 2.0.0 OK kept as "),
        ("DATA", "503"),
        ("QUIT", "221"),
    ]);
    assert_eq!(peer.reply(), "");
    assert_eq!(server.messages(), [message]);
}

#[test]
fn pipelined_commands_and_messages_keep_their_order() {
    let server = Server::start("pipelined", false);
    let mut peer = Peer::new(&server);
    peer.send(b"HELO me\r\nMAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\none\r\n.\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nRCPT TO:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\nNOOP\r\nQUIT\r\n");
    for code in [
        "250", "250", "250", "354", "250", "250", "503", "501", "250", "354", "250", "250", "221",
    ] {
        let reply = peer.reply();
        assert!(reply.starts_with(code), "{reply} instead of {code}");
    }
    assert_eq!(server.messages(), [b"one\r\n".to_vec(), Vec::new()]);
}

#[test]
fn each_mechanism_logs_in_once_with_the_right_password() {
    let server = Server::start("login", true);
    let plain = |user: &str, password: &str| STANDARD.encode(format!("\0{user}\0{password}"));
    let mut peer = Peer::new(&server);
    peer.talk(&[
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
        let mut peer = Peer::new(&server);
        let challenge = peer.ask("AUTH CRAM-MD5");
        let challenge = STANDARD
            .decode(challenge.trim_end().strip_prefix("334 ").unwrap())
            .unwrap();
        let digest = hmac_md5(password, std::str::from_utf8(&challenge).unwrap());
        peer.talk(&[(&STANDARD.encode(format!("alice {digest}")), code)]);
    }
    let transcript = server.transcript();
    for secret in [
        &plain("alice", "secret"),
        &plain("alice", "wrong"),
        "YWxpY2U=",
        "c2VjcmV0",
    ] {
        assert!(!transcript.contains(secret), "{secret} in {transcript}");
    }
    assert!(
        transcript.contains("1 C: AUTH PLAIN ***\n1 S: 535 5.7.8"),
        "{transcript}"
    );
}

#[test]
fn nonsense_ends_in_a_reply() {
    let server = Server::start("nonsense", false);
    let mut peer = Peer::new(&server);
    peer.talk(&[
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
    peer.send(&[b'x'; 100_001]);
    peer.talk(&[("\r\n.", "552"), ("NOOP", "250")]);
    peer.send(&vec![b'x'; LONGEST_LINE + 1]);
    assert_eq!(peer.reply(), "500 5.5.2 Line too long\r\n");
    assert!(server.messages().is_empty());
}

#[test]
fn a_client_that_vanishes_in_its_message_leaves_nothing() {
    let server = Server::start("vanishes", false);
    let mut peer = Peer::new(&server);
    peer.talk(&[
        ("MAIL FROM:<a@b>", "250"),
        ("RCPT TO:<c@d>", "250"),
        ("DATA", "354"),
    ]);
    peer.send(b"half a li");
    peer.0
        .get_mut()
        .shutdown(std::net::Shutdown::Write)
        .unwrap();
    assert_eq!(peer.reply(), "");
    assert!(server.messages().is_empty());
    Peer::new(&server);
}
