//! `lingering_close`: after an error the gateway reads on, so that the last reply reaches a client that is still sending. It costs a
//! bounded time, and no other client its place.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::mail_log::{fields, wait_for_lines};
use support::{Gateway, LineClient, TIMEOUT, free_port, wait_until};

/// What a client may leave unread: more than the socket buffers of both ends hold.
const LARGE: usize = 8 * 1024 * 1024;

/// The protocols with the lines of a client that end its session by an error, and the last reply.
const ERRORS: [(&str, &str, &str); 4] = [
    ("smtp", "?\r\n", "500 5.5.1 Invalid command\r\n"),
    ("imap", "?\r\n", "* BAD invalid command\r\n"),
    ("pop3", "?\r\n", "-ERR invalid command\r\n"),
    ("sieve", "?\r\n", "BYE \"invalid command\"\r\n"),
];

/// A gateway for all protocols, and the ports in the order of [`ERRORS`].
fn gateway(main: &str, more: &str) -> (Gateway, Vec<u16>) {
    let mut servers = String::new();
    let ports: Vec<_> = ERRORS.iter().map(|_| free_port()).collect();
    for ((protocol, ..), port) in ERRORS.iter().zip(&ports) {
        servers += &format!("server {{ listen 127.0.0.1:{port}; protocol {protocol}; }}\n");
    }
    let mail = format!(
        "mail {{ server_name gate.test; max_errors 1; proxy_pass 127.0.0.1:9; {more} {servers} }}"
    );
    (Gateway::start_with(main, &mail), ports)
}

/// Opens a connection, sends a text and reads to the end of the stream, which stays open for sending.
fn last_reply(port: u16, text: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    stream.set_write_timeout(Some(TIMEOUT)).expect("a time-out");
    stream.write_all(text.as_bytes()).expect("to send");
    let mut received = String::new();
    stream.read_to_string(&mut received).expect("a reply");
    (stream, received)
}

/// Sends bytes until the connection breaks. Returns how long that took.
fn send_until_closed(stream: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    loop {
        match stream.write(b"NOOP\r\n") {
            Ok(_) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => {
                let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                assert!(kinds.contains(&error.kind()), "{error}");
                return begun.elapsed();
            }
        }
        assert!(begun.elapsed() < TIMEOUT, "it is still open");
    }
}

fn descriptors(gateway: &Gateway) -> usize {
    let folder = format!("/proc/{}/fd", gateway.worker());
    fs::read_dir(folder).expect("the descriptors").count()
}

#[test]
fn a_client_that_is_still_sending_gets_its_last_reply() {
    let (_gateway, ports) = gateway("events {}", "lingering_timeout 1h; lingering_time 1h;");
    for ((protocol, line, reply), port) in ERRORS.iter().zip(ports) {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
        stream.set_write_timeout(Some(TIMEOUT)).expect("a time-out");
        stream.write_all(line.as_bytes()).expect("to send");
        // All of it arrives after the last reply is sent, and none is answered.
        stream.write_all(&vec![b'x'; LARGE]).expect("to go on");
        let mut received = String::new();
        stream.read_to_string(&mut received).expect("the reply");
        assert!(received.ends_with(reply), "{protocol}: {received:?}");
        stream.write_all(b"still there\r\n").expect("to go on");
    }
}

#[test]
fn a_client_that_says_goodbye_is_not_waited_for() {
    let (_gateway, ports) = gateway("events {}", "lingering_timeout 1h; lingering_time 1h;");
    let goodbyes = [
        ("QUIT\r\n", "221 2.0.0 Bye\r\n"),
        ("a LOGOUT\r\n", "* BYE\r\na OK completed\r\n"),
        ("QUIT\r\n", "+OK\r\n"),
        ("LOGOUT\r\n", "OK \"Logout completed\"\r\n"),
    ];
    for ((line, reply), port) in goodbyes.into_iter().zip(ports) {
        let (mut stream, received) = last_reply(port, line);
        assert!(received.ends_with(reply), "{received:?}");
        send_until_closed(&mut stream);
    }
}

#[test]
fn off_closes_at_once() {
    let (_gateway, ports) = gateway("events {}", "lingering_close off;");
    for ((_, line, reply), port) in ERRORS.iter().zip(ports) {
        let (mut stream, received) = last_reply(port, line);
        assert!(received.ends_with(reply), "{received:?}");
        send_until_closed(&mut stream);
    }
}

#[test]
fn the_time_is_limited_for_silent_clients_and_for_others() {
    let (gateway, ports) = gateway("events {}", "lingering_timeout 300ms; lingering_time 1h;");
    let before = descriptors(&gateway);
    let silent: Vec<_> = ports
        .iter()
        .map(|port| last_reply(*port, "?\r\n"))
        .collect();
    wait_until("the end of the silent ones", || {
        descriptors(&gateway) <= before
    });
    drop((silent, gateway));

    let (_gateway, ports) = self::gateway("events {}", "lingering_timeout 1h; lingering_time 1s;");
    for port in ports {
        let (mut stream, _) = last_reply(port, "?\r\n");
        // It began before the reply was read.
        let lasted = send_until_closed(&mut stream);
        assert!(lasted > Duration::from_millis(500), "{lasted:?}");
    }
}

#[test]
fn lingering_clients_make_room_for_others() {
    // The listening sockets, the channel to the master, and the connections of five clients.
    let main = "events { worker_connections 10; }";
    let (gateway, ports) = gateway(main, "lingering_timeout 1h; lingering_time 1h;");
    let refused = |_| last_reply(ports[0], "?\r\n").0;
    let mut lingering: Vec<_> = (0..5).map(refused).collect();
    let mut clients = Vec::new();
    for (port, greeting) in [(ports[0], "220"), (ports[1], "* OK"), (ports[2], "+OK")] {
        let mut client = LineClient::connect(port);
        client.expect(greeting);
        clients.push(client);
    }
    // Those that have waited the longest.
    for stream in &mut lingering[..3] {
        send_until_closed(stream);
    }
    for stream in &mut lingering[3..] {
        stream.write_all(&vec![0; LARGE]).expect("to go on");
    }
    drop(lingering);
    let mut more: Vec<_> = (0..2).map(|_| LineClient::connect(ports[0])).collect();
    for client in &mut more {
        client.expect("220");
    }
    // Clients that are not lingering keep their places.
    assert_eq!(
        LineClient::connect(ports[0]).read_to_end(),
        "421 4.3.2 Too many connections\r\n"
    );
    clients[1].send_line("a NOOP");
    clients[1].expect("a OK");
    let log = gateway.log();
    let line = "10 worker_connections are not enough";
    assert_eq!(log.matches(line).count(), 1, "{log}");
}

#[test]
fn lingering_clients_make_room_where_descriptors_are_short() {
    let main = "worker_rlimit_nofile 60; events {}";
    let (gateway, ports) = gateway(main, "lingering_timeout 1h; lingering_time 1h;");
    let mut refused = Vec::new();
    for _ in 0..100 {
        refused.push(last_reply(ports[0], "?\r\n").0);
    }
    let log = gateway.log();
    assert!(!log.contains("Too many open files"), "{log}");
}

#[test]
fn the_sessions_line_does_not_wait_for_the_client() {
    let (gateway, ports) = gateway(
        "events {}",
        "lingering_timeout 1h; lingering_time 1h; mail_log mail.log;",
    );
    let (mut stream, _) = last_reply(ports[0], "?\r\n");
    let lines = wait_for_lines(&gateway.folder().join("mail.log"), 1);
    assert_eq!(fields(&lines[0])["result"], "limited");
    stream.write_all(&vec![0; LARGE]).expect("to go on");
}

#[test]
fn a_lingering_client_counts_for_limit_conn() {
    let (_gateway, ports) = gateway(
        "events {}",
        "lingering_timeout 1h; lingering_time 1h; limit_conn_zone $remote_addr zone=a:64k; limit_conn a 1;",
    );
    let (stream, _) = last_reply(ports[0], "?\r\n");
    let refusal = "421 4.7.0 Too many connections\r\n";
    assert_eq!(last_reply(ports[0], "").1, refusal);
    drop(stream);
    wait_until("its place", || {
        LineClient::connect(ports[0])
            .read_reply()
            .starts_with("220")
    });
}

#[test]
fn lingering_ends_with_the_process() {
    let (mut gateway, ports) = gateway(
        "worker_shutdown_timeout 300ms; events {}",
        "lingering_timeout 1h; lingering_time 1h;",
    );
    let (stream, _) = last_reply(ports[0], "?\r\n");
    gateway.signal(Signal::SIGQUIT);
    assert_eq!(gateway.wait(), Some(0));
    drop(stream);
}
