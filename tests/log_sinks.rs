//! Every destination of `error_log` at every level in every context, and a syslog server that cannot be reached for a while.

use std::fs::{self, File};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, TIMEOUT, TempDir, auth_plain, command, free_port, wait_until};

/// nginx's levels, the most severe one first.
const LEVELS: [&str; 8] = [
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
];

/// A line of a log and its level, as the test provokes them in a session.
const SESSION: [(&str, &str); 3] = [
    ("crit", "connect() to unix:/nonexistent/socket failed (2: "),
    ("error", "failed (111: Connection refused)"),
    ("info", " connected to 127.0.0.1:"),
];
/// The same in the life of the process.
const PROCESS: [(&str, &str); 5] = [
    ("emerg", "unknown directive \"nonsense\""),
    ("alert", "exited on signal 9"),
    ("warn", "the \"ssl\" directive is deprecated"),
    ("notice", "start worker process "),
    ("debug", "tunnel closed"),
];

/// A syslog server. It is told the end by an empty datagram.
enum Syslog {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl Syslog {
    fn receive(self) -> JoinHandle<Vec<String>> {
        thread::spawn(move || {
            let mut lines = Vec::new();
            let mut bytes = [0; 8192];
            loop {
                let length = match &self {
                    Self::Udp(socket) => socket.recv(&mut bytes),
                    Self::Unix(socket) => socket.recv(&mut bytes),
                };
                match length.expect("a datagram") {
                    0 => return lines,
                    length => lines.push(String::from_utf8_lossy(&bytes[..length]).into_owned()),
                }
            }
        })
    }
}

/// A socket that the gateway may write to, whoever its user is.
fn unix_server(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).expect("the syslog server");
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("its permissions");
    socket.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    socket
}

fn udp_server() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("the syslog server");
    socket.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    socket
}

/// Logs in at a server and reads to the end.
fn log_in(port: u16) {
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    client.read_to_end();
}

/// Logs in at an IMAP server and leaves.
fn log_in_and_out(port: u16) {
    let mut client = LineClient::connect(port);
    client.read_reply();
    client.ask("a LOGIN joe secret");
    client.ask("b LOGOUT");
    client.read_to_end();
}

/// Runs a gateway whose four logs of one level are in one context. Returns their lines by destination.
fn logs(context: &str, level: &str) -> [(&'static str, Vec<String>); 4] {
    let folder = TempDir::new("sinks");
    let path = folder.path().join("socket");
    let (udp, unix) = (udp_server(), unix_server(&path));
    let udp_address = udp.local_addr().expect("its address");
    let logs = format!(
        "error_log sink.log {level};
        error_log stderr {level};
        error_log syslog:server={udp_address} {level};
        error_log syslog:server=unix:{},nohostname {level};",
        path.display()
    );
    let received = [Syslog::Udp(udp).receive(), Syslog::Unix(unix).receive()];
    let lines_of = |name: &str| if name == context { &*logs } else { "" };
    let (main, mail, server) = (lines_of("main"), lines_of("mail"), lines_of("server"));
    let (refused, missing, nobody) = (free_port(), free_port(), free_port());
    let tunnel = free_port();
    let backend = ScriptedPeer::start(&[
        Step::Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] b\r\n"),
        Step::ReadLine,
        Step::Send(b"a OK done\r\n"),
        Step::ReadLine,
        Step::Send(b"* BYE\r\nb OK done\r\n"),
    ])
    .port;
    let block = |more: &str| {
        format!(
            "mail {{
                server_name gate.test;
                {mail}
                server {{ listen 127.0.0.1:{refused}; protocol smtp; auth_http 127.0.0.1:{nobody}/; {server} }}
                server {{ listen 127.0.0.1:{missing}; protocol smtp; auth_http unix:/nonexistent/socket:/; {server} }}
                server {{ listen 127.0.0.1:{tunnel}; protocol imap; proxy_pass 127.0.0.1:{backend}; {server} }}
                {more}
            }}"
        )
    };
    let adapt = |command: &mut Command, folder: &Path| {
        let file = File::options()
            .append(true)
            .create(true)
            .open(folder.join("stderr"));
        command.stderr(file.expect("a file"));
    };
    let main = format!("worker_processes 1; events {{}} {main}");
    let mut gateway = Gateway::start_adapted(&main, &block(""), adapt);
    log_in(refused);
    log_in(missing);
    if context == "main" {
        let worker = Pid::from_raw(gateway.worker().cast_signed());
        kill(worker, Signal::SIGKILL).expect("to kill the worker");
        gateway.wait_for_log("exited on signal 9");
        // The lines of the killed worker may not have been written.
        log_in(refused);
        log_in(missing);
        log_in_and_out(tunnel);
        gateway.rewrite(&block("server { ssl on; nonsense; }"));
        gateway.signal(Signal::SIGHUP);
        gateway.wait_for_log("nonsense");
    }
    gateway.signal(Signal::SIGQUIT);
    assert_eq!(gateway.wait(), Some(0));
    let end = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    end.send_to(&[], udp_address).expect("to end");
    let end = UnixDatagram::unbound().expect("a socket");
    end.send_to(&[], &path).expect("to end");
    let [udp, unix] = received.map(|thread| thread.join().expect("the lines"));
    let file = |name| {
        let text = fs::read_to_string(gateway.folder().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    [
        ("file", file("sink.log")),
        ("stderr", file("stderr")),
        ("syslog over UDP", udp),
        ("syslog over a Unix socket", unix),
    ]
}

#[test]
fn every_destination_takes_its_levels_in_every_context() {
    let check = |context: &str| {
        for (number, level) in LEVELS.into_iter().enumerate() {
            let mut wanted = SESSION.to_vec();
            if context == "main" {
                wanted.extend(PROCESS);
            }
            for (destination, lines) in logs(context, level) {
                let about = format!("{destination} in {context} at {level}");
                for (severity, word) in LEVELS.into_iter().enumerate() {
                    let in_brackets = format!("[{word}]");
                    let mut of_level = lines.iter().filter(|line| line.contains(&in_brackets));
                    if severity > number {
                        assert_eq!(of_level.next(), None, "{about}");
                    }
                    if destination.starts_with("syslog") {
                        let priority = format!("<{}>", 23 * 8 + severity);
                        assert!(of_level.all(|line| line.starts_with(&priority)), "{about}");
                    }
                }
                for (word, text) in &wanted {
                    let is_due = LEVELS.iter().position(|level| level == word) <= Some(number);
                    let in_brackets = format!("[{word}]");
                    let is_line =
                        |line: &String| line.contains(&in_brackets) && line.contains(text);
                    let all = lines.join("\n");
                    assert_eq!(lines.iter().any(is_line), is_due, "{about}: {text}\n{all}");
                }
            }
        }
    };
    thread::scope(|scope| {
        for context in ["main", "mail", "server"] {
            scope.spawn(move || check(context));
        }
    });
}

/// The numbers of lost lines that the main log reports.
fn lost(log: &str) -> Vec<usize> {
    let reports = log.lines().filter_map(|line| {
        let (_, rest) = line.split_once(" can be reached again, ")?;
        rest.strip_suffix(" lines were lost")
    });
    reports
        .map(|count| count.parse().expect("a number"))
        .collect()
}

#[test]
fn lines_flow_again_when_a_syslog_server_comes_back_over_udp() {
    let port = free_port();
    let server = udp_server();
    let address = server.local_addr().expect("its address");
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            auth_http 127.0.0.1:9/;
            server {{
                listen 127.0.0.1:{port}; protocol smtp;
                error_log syslog:server={address} info;
                error_log all.log info;
            }}
        }}"
    ));
    let before = Syslog::Udp(server.try_clone().expect("the socket")).receive();
    visit(port);
    let end = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    gateway.log();
    end.send_to(&[], address).expect("to end");
    let before = before.join().expect("the lines").len();
    assert!(before > 0);
    drop(server);
    let refused = "send() failed (111: Connection refused) while logging to syslog, server: ";
    // A refusal may take a moment, also on loopback.
    wait_until("the refusal", || {
        visit(port);
        gateway.log().contains(refused)
    });
    assert_eq!(lost(&gateway.log()), [] as [usize; 0]);
    let server = UdpSocket::bind(address).expect("the syslog server");
    server.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    let after = Syslog::Udp(server).receive();
    wait_until("the report", || {
        visit(port);
        !lost(&gateway.log()).is_empty()
    });
    end.send_to(&[], address).expect("to end");
    let after = after.join().expect("the lines").len();
    let log = gateway.log();
    assert_eq!(log.matches("while logging to syslog").count(), 1, "{log}");
    let all = fs::read_to_string(gateway.folder().join("all.log")).expect("the log");
    let lost: usize = lost(&log).into_iter().sum();
    assert!(lost > 0);
    // Lines that are refused together count once.
    let total = all.lines().count();
    assert!(
        after > 0 && before + lost + after <= total,
        "{before} {lost} {after}: {log}"
    );
}

/// Connects, and says something that is logged.
fn visit(port: u16) {
    let mut client = LineClient::connect(port);
    client.expect("220");
    assert_eq!(client.ask("AUTH PLAIN !"), "500 5.5.1 Invalid command\r\n");
    assert_eq!(client.ask("QUIT"), "221 2.0.0 Bye\r\n");
}

#[test]
fn a_lost_syslog_server_is_said_once_and_its_return_too() {
    let folder = TempDir::new("syslog");
    let path = folder.path().join("socket");
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            auth_http 127.0.0.1:9/;
            server {{
                listen 127.0.0.1:{port}; protocol smtp;
                error_log syslog:server=unix:{} info;
                error_log all.log info;
            }}
        }}",
        path.display()
    ));
    visit(port);
    visit(port);
    let server = format!("server: unix:{}\n", path.display());
    let lost_text = format!(
        "connect() failed (2: No such file or directory) while logging to syslog, {server}"
    );
    gateway.wait_for_log(&lost_text);
    assert_eq!(
        gateway.log().matches(&lost_text).count(),
        1,
        "{}",
        gateway.log()
    );
    let socket = unix_server(&path);
    visit(port);
    let back = format!(
        "syslog server unix:{} can be reached again, ",
        path.display()
    );
    gateway.wait_for_log(&back);
    let all = fs::read_to_string(gateway.folder().join("all.log")).expect("the log");
    let first_visit = all.matches("*1 ").count();
    let second_visit = all.matches("*2 ").count();
    assert_eq!(lost(&gateway.log()), [first_visit + second_visit], "{all}");
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).expect("a line");
    let line = String::from_utf8_lossy(&bytes[..length]);
    assert!(line.starts_with("<190>"), "{line}");
    assert!(line.contains(" connected to 127.0.0.1:"), "{line}");
    // A server that is started again costs no line and no report.
    gateway.log();
    socket.set_nonblocking(true).expect("the socket");
    while socket.recv(&mut bytes).is_ok() {}
    drop(socket);
    fs::remove_file(&path).expect("the socket");
    let socket = unix_server(&path);
    visit(port);
    let length = socket.recv(&mut bytes).expect("a line");
    let line = String::from_utf8_lossy(&bytes[..length]);
    assert!(line.contains(" connected to 127.0.0.1:"), "{line}");
    assert_eq!(
        gateway.log().matches(&lost_text).count(),
        1,
        "{}",
        gateway.log()
    );
}

/// A process that ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn errors_go_to_the_default_log_where_there_is_only_syslog() {
    let folder = TempDir::new("only-syslog");
    let port = free_port();
    let configuration = format!(
        "daemon off; pid gateway.pid; events {{}}
        error_log syslog:server=unix:{}/socket info;
        mail {{
            server_name gate.test;
            auth_http 127.0.0.1:9/;
            server {{ listen 127.0.0.1:{port}; protocol smtp; }}
        }}",
        folder.path().display()
    );
    fs::write(folder.path().join("gateway.conf"), configuration).expect("a configuration");
    let gateway = Killed(command(folder.path()).spawn().expect("the gateway"));
    let log = || fs::read_to_string(folder.path().join("early.log")).unwrap_or_default();
    wait_until("the port", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    wait_until("the line about syslog", || {
        log().contains("[alert]") && log().contains("while logging to syslog, server: unix:")
    });
    drop(gateway);
    assert!(!log().contains("[notice]"), "{}", log());
}
