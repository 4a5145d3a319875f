//! Clients that hold a connection without using it, in every phase of a session: each costs a bounded number of bytes, and other clients are
//! served as before.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use support::{Certificate, Gateway, LineClient, TIMEOUT, free_port, wait_until};

/// The connections of one kind that are held at a time.
const HELD: usize = 500;
/// Those before the first measurement.
const FIRST: usize = 20;
/// Descriptors that may have been closed since the idle gateway was looked at.
const SPARE: usize = 5;
/// How long some conversations of others may take while they are held.
const PROMPT: Duration = Duration::from_secs(2);

/// One way to hold a connection.
struct Way {
    name: &'static str,
    /// Directives of the server.
    server: &'static str,
    /// Further parameters of `listen`.
    listen: &'static str,
    /// What the client sends, and the begin of the last line that it reads then.
    send: &'static [u8],
    expect: &'static str,
    /// It sends commands and reads no reply.
    floods: bool,
    /// The most bytes of resident memory that one connection may need.
    most: u64,
}

const HALF_COMMAND: &[u8] = &[b'A'; 4000];

const WAYS: &[Way] = &[
    Way {
        name: "half a PROXY header",
        server: "protocol smtp;",
        listen: "proxy_protocol",
        send: b"PROXY TCP4 192.0.2.1",
        expect: "",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "nothing instead of a ClientHello",
        server: "protocol smtp;",
        listen: "ssl",
        send: b"",
        expect: "",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "half a ClientHello",
        server: "protocol smtp;",
        listen: "ssl",
        send: &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3],
        expect: "",
        floods: false,
        most: 15_000,
    },
    Way {
        name: "nothing after STARTTLS",
        server: "protocol smtp; starttls on;",
        listen: "",
        send: b"STARTTLS\r\n",
        expect: "220 2.0.0",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "the greeting delay",
        server: "protocol smtp; smtp_greeting_delay 1h;",
        listen: "",
        send: b"",
        expect: "",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "a greeting of SMTP",
        server: "protocol smtp;",
        listen: "",
        send: b"",
        expect: "220",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "a greeting of IMAP",
        server: "protocol imap;",
        listen: "",
        send: b"",
        expect: "* OK",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "a greeting of POP3",
        server: "protocol pop3;",
        listen: "",
        send: b"",
        expect: "+OK",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "half a command of SMTP",
        server: "protocol smtp;",
        listen: "",
        send: HALF_COMMAND,
        expect: "220",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "half a command of IMAP",
        server: "protocol imap;",
        listen: "",
        send: HALF_COMMAND,
        expect: "* OK",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "half a command of POP3",
        server: "protocol pop3;",
        listen: "",
        send: HALF_COMMAND,
        expect: "+OK",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "half a literal",
        server: "protocol imap;",
        listen: "",
        send: b"a LOGIN {100}\r\nhalf of the literal",
        expect: "+ OK",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "half an exchange",
        server: "protocol smtp;",
        listen: "",
        send: b"AUTH LOGIN\r\ndXNlcg==\r\n",
        expect: "334 UGFzc3dvcmQ6",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "lingering",
        server: "protocol smtp; max_errors 1; lingering_time 1h; lingering_timeout 1h;",
        listen: "",
        send: b"?\r\n",
        expect: "500",
        floods: false,
        most: 9_000,
    },
    Way {
        name: "unread replies of SMTP",
        server: "protocol smtp; max_commands 100000000;",
        listen: "sndbuf=4k rcvbuf=4k",
        send: b"",
        expect: "220",
        floods: true,
        most: 20_000,
    },
    Way {
        name: "a backend that is silent in the TLS handshake",
        server: "protocol smtp; proxy_ssl on; smtp_auth plain;",
        listen: "",
        send: b"AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n",
        expect: "220",
        floods: false,
        most: 25_000,
    },
];

/// A backend that accepts connections and says nothing.
fn silent_backend() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    thread::spawn(move || {
        let _kept: Vec<_> = listener.incoming().collect();
    });
    port
}

fn resident(gateway: &Gateway) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", gateway.worker()));
    let text = text.expect("its memory");
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    number.expect("a number") * 1024
}

fn descriptors(gateway: &Gateway) -> usize {
    let folder = format!("/proc/{}/fd", gateway.worker());
    fs::read_dir(folder).expect("the descriptors").count()
}

/// Opens a connection and brings it into the phase.
fn hold(way: &Way, port: u16) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    stream.write_all(way.send).expect("to send");
    // The buffer of a reader would be the client's own memory only.
    let mut reader = BufReader::with_capacity(256, stream);
    while !way.expect.is_empty() {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        assert!(!line.is_empty(), "{}: closed", way.name);
        if line.starts_with(way.expect) {
            break;
        }
    }
    reader
}

/// Converses with the gateway a few times: what was sent to it before is read by then.
fn settle(port: u16) {
    for _ in 0..3 {
        let mut client = LineClient::connect(port);
        client.expect("220");
        client.converse(&[("NOOP", "250"), ("QUIT", "221")]);
    }
}

/// Holds the connections and returns the bytes of resident memory for each.
fn cost(way: &Way, certificate: &Certificate) -> u64 {
    let (port, other, backend) = (free_port(), free_port(), silent_backend());
    let Way { server, listen, .. } = way;
    let gateway = Gateway::start_with(
        "worker_processes 1; events { worker_connections 4096; }",
        &format!(
            "mail {{ server_name gate.test; timeout 1h; proxy_pass 127.0.0.1:{backend};
                smtp_capabilities DSN; imap_capabilities IMAP4; pop3_capabilities TOP;
                ssl_certificate {}; ssl_certificate_key {};
                server {{ listen 127.0.0.1:{other}; protocol smtp; }}
                server {{ listen 127.0.0.1:{port} {listen}; {server} }} }}",
            certificate.chain().display(),
            certificate.key().display(),
        ),
    );
    let hold = |count: usize| -> Vec<_> { (0..count).map(|_| hold(way, port)).collect() };
    settle(other);
    // What the first sessions need is there for all.
    let mut held = hold(FIRST);
    settle(other);
    let (before, open) = (resident(&gateway), descriptors(&gateway));
    held.extend(hold(HELD));
    wait_until(way.name, || descriptors(&gateway) + SPARE >= open + HELD);
    for reader in &mut held {
        if way.floods {
            flood(reader.get_mut());
        }
    }
    let begun = Instant::now();
    settle(other);
    let waited = begun.elapsed();
    assert!(waited < PROMPT, "{}: others wait {waited:?}", way.name);
    resident(&gateway).saturating_sub(before) / HELD as u64
}

/// Sends commands, and reads no reply, until the gateway takes no more.
fn flood(stream: &mut TcpStream) {
    stream.set_nonblocking(true).expect("to set it");
    let commands = b"NOOP\r\n".repeat(1000);
    while stream.write(&commands).is_ok() {}
}

#[test]
fn each_costs_a_bounded_number_of_bytes() {
    let certificate = Certificate::new();
    let mut failures = Vec::new();
    for way in WAYS {
        let each = cost(way, &certificate);
        println!("{}: {each} bytes", way.name);
        if each > way.most {
            failures.push(format!("{}: {each} bytes", way.name));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
