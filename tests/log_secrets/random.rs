//! Random logins through all ways of authentication, with logs at level debug in all formats: none shows a password.
//!
//! The whole suite makes 1000 logins, the usual one a sample. The seed is fixed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use fastrand::Rng;
use support::mail_log::{Fields, fields};
use support::{Gateway, TIMEOUT, all_cases, free_port, wait_until};

use super::attempt::{Attempt, Part, Protocol, RIGHT};
use super::forms::Forms;
use super::peers;

const ALL: usize = 1000;
const SAMPLE: usize = 150;
const SEED: u64 = 13;
/// Clients at the same time.
const CLIENTS: usize = 6;
const PROTOCOLS: [Protocol; 4] = [
    Protocol::Smtp,
    Protocol::Imap,
    Protocol::Pop3,
    Protocol::Sieve,
];
/// The logs, of which the first has a line per session.
const LOGS: [&str; 5] = [
    "mail.log",
    "mail.json",
    "mail.own",
    "debug.log",
    "debug.json",
];

/// The lines of a server for each way of authentication.
fn ways(protocol: Protocol, auth: u16, backend: u16) -> Vec<String> {
    let word = protocol.word();
    let mut ways = vec![
        format!("auth_http 127.0.0.1:{auth}/;"),
        format!("auth_http 127.0.0.1:{auth}/; proxy_pass_error_message on; proxy_buffer 1k;"),
        format!("proxy_pass 127.0.0.1:{backend}; {word}_capabilities X x;"),
        format!("proxy_pass 127.0.0.1:{backend}; proxy_pass_error_message on; xclient off;"),
    ];
    if protocol == Protocol::Smtp {
        ways.push(format!("auth_http 127.0.0.1:{auth}/; proxy_smtp_auth on;"));
    }
    ways
}

/// A client that does not mind what it is told.
struct Client {
    stream: BufReader<TcpStream>,
    protocol: Protocol,
    /// All bytes of both sides, for messages of failures.
    dialogue: Vec<u8>,
}

impl Client {
    fn connect(port: u16, protocol: Protocol) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self {
            stream: BufReader::new(stream),
            protocol,
            dialogue: Vec::new(),
        }
    }

    /// The last line of a reply. `None`: the gateway has closed the connection.
    fn reply(&mut self) -> Option<String> {
        loop {
            let mut line = Vec::new();
            let length = match self.stream.read_until(b'\n', &mut line) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    panic!("no reply: {}", self.dialogue.escape_ascii())
                }
                Err(_) => 0,
            };
            self.dialogue.extend_from_slice(&line);
            let line = (length > 0).then(|| String::from_utf8_lossy(&line).into_owned())?;
            let is_last = match self.protocol {
                Protocol::Smtp => line.as_bytes().get(3) != Some(&b'-'),
                Protocol::Imap => {
                    let ends = ["* OK", "* BAD", "* BYE"];
                    !line.starts_with("* ") || ends.iter().any(|end| line.starts_with(end))
                }
                Protocol::Pop3 => true,
                // Capabilities are pairs, a challenge is one string.
                Protocol::Sieve => !(line.starts_with('"') && line.contains("\" \"")),
            };
            if is_last {
                return Some(line);
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.dialogue.extend_from_slice(bytes);
        self.stream.get_mut().write_all(bytes).ok()
    }

    fn ask(&mut self, bytes: &[u8]) -> Option<String> {
        self.send(bytes)?;
        self.reply()
    }

    /// Makes the attempts, and says goodbye unless one of them ends the session.
    fn play(mut self, attempts: &[Attempt]) -> Option<()> {
        self.reply()?;
        if self.protocol == Protocol::Smtp {
            self.ask(b"EHLO client.test\r\n")?;
        }
        for attempt in attempts {
            for part in &attempt.parts {
                match part {
                    Part::Leave(bytes) => return self.send(bytes),
                    Part::Ask(bytes) => {
                        let reply = self.ask(bytes)?;
                        let is_last = std::ptr::eq(part, attempt.parts.last()?);
                        // A challenge in place of an error (RFC 7628, section 3.2.3).
                        let is_challenge = ["334", "+ ", "\""]
                            .iter()
                            .any(|start| reply.starts_with(start));
                        if is_last && is_challenge {
                            self.ask(match self.protocol {
                                Protocol::Sieve => b"\"*\"\r\n",
                                Protocol::Smtp | Protocol::Imap | Protocol::Pop3 => b"*\r\n",
                            })?;
                        }
                    }
                }
            }
        }
        let goodbye = match self.protocol {
            Protocol::Imap => &b"z LOGOUT\r\n"[..],
            Protocol::Sieve => b"LOGOUT\r\n",
            Protocol::Smtp | Protocol::Pop3 => b"QUIT\r\n",
        };
        self.ask(goodbye).map(|_| ())
    }
}

/// A gateway with one server for each protocol and way, and their ports.
fn start(given: std::sync::mpsc::Sender<String>) -> (Gateway, Vec<(u16, Protocol)>) {
    let backends = PROTOCOLS.map(|protocol| (protocol, peers::backend(protocol)));
    let auth = peers::auth_server(backends, given);
    let (mut servers, mut ports) = (String::new(), Vec::new());
    for (protocol, backend) in backends {
        for lines in ways(protocol, auth, backend) {
            let port = free_port();
            ports.push((port, protocol));
            let word = protocol.word();
            servers.push_str(&format!(
                "server {{ listen 127.0.0.1:{port}; protocol {word}; {lines} }}\n"
            ));
        }
    }
    let methods = "plain cram-md5 external xoauth2 oauthbearer";
    let own = "$msec $session_result $remote_user $session_reason $auth_http_auth_status \
        $auth_http_auth_pass $auth_http_x_note $auth_http_x_repeated";
    let gateway = Gateway::start_with(
        "worker_processes 2; events {} error_log debug.log debug; error_log debug.json debug format=json;",
        &format!(
            "mail {{
                server_name gate.test; max_errors 100; timeout 20s;
                log_format own escape=none \"{own}\";
                mail_log mail.log; mail_log mail.json json; mail_log mail.own own;
                smtp_auth login {methods}; imap_auth login {methods}; pop3_auth apop {methods};
                sieve_auth login {methods};
                {servers}
            }}"
        ),
    );
    (gateway, ports)
}

#[test]
fn random_logins_leave_no_password_in_a_log() {
    let (report, given) = channel();
    let (gateway, ports) = start(report);
    let logins = if all_cases() { ALL } else { SAMPLE };
    let mut rng = Rng::with_seed(SEED);
    let mut sessions: Vec<(u16, Protocol, Vec<Attempt>)> = Vec::new();
    let mut made = 0;
    while made < logins {
        let (port, protocol) = ports[sessions.len() % ports.len()];
        let count = rng.usize(1..3).min(logins - made);
        let attempts = (made..made + count).map(|at| Attempt::random(protocol, at, &mut rng));
        sessions.push((port, protocol, attempts.collect()));
        made += count;
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let following = || sessions.get(next.fetch_add(1, Ordering::Relaxed));
                while let Some((port, protocol, attempts)) = following() {
                    let _ = Client::connect(*port, *protocol).play(attempts);
                }
            });
        }
    });

    let read = |name| std::fs::read(gateway.folder().join(name)).unwrap_or_default();
    let mut lines: Vec<Fields> = Vec::new();
    wait_until("the lines of all sessions", || {
        let text = String::from_utf8_lossy(&read("mail.log")).into_owned();
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        let all = whole.map(|line| fields(line.trim_end()));
        lines = all.filter(|line| line.contains_key("result")).collect();
        lines.len() == sessions.len()
    });
    // A thread writes the logs.
    gateway.log_as_written();

    let mut forms = Forms::default();
    let attempts = || sessions.iter().flat_map(|(_, _, attempts)| attempts);
    attempts().for_each(|attempt| forms.add(&attempt.secret));
    given.try_iter().for_each(|pass| forms.add(pass.as_bytes()));
    let mut read_bytes = 0;
    for name in LOGS {
        let log = read(name);
        let shown: Vec<_> = forms.shown(&log).into_iter().take(5).collect();
        assert!(shown.is_empty(), "{name}: {shown:#?}");
        read_bytes += log.len();
    }

    let mut results: BTreeMap<String, usize> = BTreeMap::new();
    let mut methods: BTreeMap<String, usize> = BTreeMap::new();
    for line in &lines {
        *results.entry(line["result"].clone()).or_default() += 1;
        let method = line.get("method").map_or("none", String::as_str);
        let method = format!("{} {method}", line["protocol"]);
        *methods.entry(method).or_default() += 1;
    }
    let damaged = attempts().filter(|attempt| attempt.is_damaged).count();
    println!(
        "{} sessions, {logins} logins, {damaged} of them damaged, {} secrets, {read_bytes} bytes of logs\n{results:?}\n{methods:?}",
        sessions.len(),
        forms.len()
    );
    assert!(damaged > logins / 5, "{damaged}");
    for (result, share) in [("login", 5), ("login-failed", 10), ("no-login", 10)] {
        assert!(results[result] > sessions.len() / share, "{results:?}");
    }
    assert!(results.contains_key("backend-unavailable"), "{results:?}");
    assert!(results.contains_key("auth-unavailable"), "{results:?}");
    for protocol in PROTOCOLS {
        for method in ["plain", "cram-md5", "xoauth2", "oauthbearer"] {
            // A sample has each of them, but not in all protocols.
            let word = if all_cases() { protocol.word() } else { "" };
            let is_there = |own: &String| own.starts_with(word) && own.ends_with(method);
            assert!(methods.keys().any(is_there), "{word} {method}: {methods:?}");
        }
    }
    assert!(methods.contains_key("pop3 apop"), "{methods:?}");
    let hidden = String::from_utf8_lossy(&read("mail.log"))
        .matches("***")
        .count();
    assert!(hidden > sessions.len() / 20, "{hidden}");
    let is_right = |line: &&Fields| line.get("login").is_some_and(|own| own.contains(RIGHT));
    assert!(lines.iter().any(|line| is_right(&line)));
}
