//! Kept-alive connections to real auth servers: everybody gets in, and nobody waits longer than without keepalive.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::TIMEOUT;
use support::http_servers::{HttpServer, KINDS, Kind};
use support::scripted::{ScriptedPeer, Step};
use support::smtp_gateway::{gateway, log_in};

/// Clients that log in at once.
const CLIENTS: usize = 8;
/// How often they do.
const ROUNDS: usize = 3;
/// Requests of the other client of the auth server, one after the other, during a round.
const REQUESTS: usize = 5;
/// A difference that is none.
const NOISE: Duration = Duration::from_millis(50);

/// The time that all logins took, and that all requests of the other client did.
#[derive(Clone, Copy, Debug)]
struct Times {
    logins: Duration,
    requests: Duration,
}

impl Times {
    /// Neither is longer than the other's, but for noise.
    fn is_as_short_as(self, other: Self) -> bool {
        let close = |one: Duration, other: Duration| one <= other + other / 5 + NOISE;
        close(self.logins, other.logins) && close(self.requests, other.requests)
    }
}

/// A request of a client that asks the auth server without the gateway.
fn request(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the auth server");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    stream
        .write_all(b"GET /auth HTTP/1.0\r\nHost: localhost\r\n\r\n")
        .expect("to send");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn measure(server: &HttpServer, keepalive: &str) -> Times {
    let (gateway, port) = gateway(&format!(
        "auth_http 127.0.0.1:{}/auth; auth_http_keepalive {keepalive}; auth_http_timeout 20s; xclient off;",
        server.port
    ));
    let began = Instant::now();
    let mut requests = Duration::ZERO;
    for _ in 0..ROUNDS {
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let began = Instant::now();
                for _ in 0..REQUESTS {
                    let answer = request(server.port);
                    assert!(answer.contains("Auth-Status: OK"), "{answer:?}");
                }
                began.elapsed()
            });
            for _ in 0..CLIENTS {
                scope.spawn(|| assert_eq!(log_in(port), "235 2.0.0 OK\r\n", "{}", gateway.log()));
            }
            requests += other.join().expect("the other client");
        });
        // One alone: a connection that is kept now is in the way of the next round.
        assert_eq!(log_in(port), "235 2.0.0 OK\r\n");
    }
    Times {
        logins: began.elapsed(),
        requests,
    }
}

fn compare(kind: &Kind) {
    let backend = ScriptedPeer::start(&[
        Step::Send(b"220 backend\r\n"),
        Step::ReadLine,
        Step::Send(b"250 backend\r\n"),
        Step::Stall,
    ]);
    let server = HttpServer::start(kind, backend.port);
    let mut seen = Vec::new();
    // The machine may be busy with something else in one of the two runs.
    for _ in 0..5 {
        let (off, on) = (measure(&server, "off"), measure(&server, "on"));
        eprintln!("{}: {on:?}, without keepalive {off:?}", kind.name);
        if on.is_as_short_as(off) {
            return;
        }
        seen.push((on, off));
    }
    panic!("{} is slower with keepalive: {seen:?}", kind.name);
}

#[test]
fn keepalive_is_never_slower() {
    for kind in KINDS {
        compare(kind);
    }
}
