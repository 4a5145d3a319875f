//! The way to the auth server and what it may say: sockets of all kinds, names, connections that are kept, torn answers.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use support::auth::{AuthServer, REFUSAL, REFUSED, refuse};
use support::dns::{NameServer, Say, a, records};
use support::mock::{Act, Mock};
use support::single::{INTERNAL, gateway, log_in};
use support::{Scratch, Smtp, plain, wait_until};

/// An answer that names a backend.
fn accepted(server: &str, port: u16, more: &str) -> String {
    format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: {server}\r\nAuth-Port: {port}\r\n{more}\r\n"
    )
}

#[test]
fn a_unix_socket() {
    let folder = Scratch::new("auth");
    let path = folder.path().join("auth.sock");
    let server = AuthServer::on_unix(&path, refuse);
    let (_gateway, port) = gateway(&format!("auth_http unix:{}:/login?a=b;", path.display()));
    assert_eq!(log_in(port), REFUSAL);
    let request = server.request();
    assert!(
        request.starts_with("GET /login?a=b HTTP/1.1\r\nHost: localhost\r\n"),
        "{request}"
    );
    assert_eq!(log_in(port), REFUSAL);
    assert_eq!(server.connections(), 1, "the connection is kept");
}

#[test]
fn an_ipv6_address() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("no IPv6 here");
        return;
    }
    let server = AuthServer::at("[::1]:0", refuse);
    let (_gateway, port) = gateway(&format!("auth_http [::1]:{}/a;", server.port));
    assert_eq!(log_in(port), REFUSAL);
    let request = server.request();
    assert!(
        request.starts_with("GET /a HTTP/1.1\r\nHost: [::1]\r\n"),
        "{request}"
    );
}

#[test]
fn a_kept_connection_that_was_closed_is_no_failure() {
    let server = AuthServer::start(|_, request| (request == 0).then(|| REFUSED.to_string()));
    let (_gateway, port) = gateway(&format!("auth_http 127.0.0.1:{};", server.port));
    for _ in 0..3 {
        assert_eq!(log_in(port), REFUSAL);
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_kept_connection_that_tears_its_answer_is_one() {
    let server = AuthServer::start(|connection, request| match (connection, request) {
        (0, 1) => Some("HTTP/1.1 200 OK\r\nAuth-St".to_string()),
        (0, 2) => None,
        _ => Some(REFUSED.to_string()),
    });
    let more = format!("auth_http 127.0.0.1:{}; auth_http_timeout 1s;", server.port);
    let (gateway, port) = gateway(&more);
    assert_eq!(log_in(port), REFUSAL);
    assert_eq!(log_in(port), INTERNAL);
    gateway.wait_for_log("timed out (110: Connection timed out) while in http auth state");
    assert_eq!(server.connections(), 1, "it is not asked twice");
    assert_eq!(log_in(port), REFUSAL);
}

#[test]
fn without_keepalive_each_request_has_a_connection() {
    let server = AuthServer::start(refuse);
    let more = format!(
        "auth_http 127.0.0.1:{}; auth_http_keepalive off;",
        server.port
    );
    let (_gateway, port) = gateway(&more);
    for _ in 0..2 {
        assert_eq!(log_in(port), REFUSAL);
        assert!(server.request().starts_with("GET / HTTP/1.0\r\n"));
    }
    assert_eq!(server.connections(), 2);
}

#[test]
fn odd_answers() {
    let long = "X-Long: x\r\n".repeat(100_000);
    for (text, heard, logged) in [
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nAuth-Status: no\r\n\r\n".to_string(),
            REFUSAL,
            "client login failed: \"no\"",
        ),
        (
            "HTTP/1.1 200 OK\r\nAuth-Status: no\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_string(),
            REFUSAL,
            "client login failed: \"no\"",
        ),
        (
            format!("HTTP/1.1 200 OK\r\n{long}Auth-Status: no\r\n\r\n"),
            INTERNAL,
            "sent too large header",
        ),
        (
            "HTTP/1.1 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 1.2.3".to_string(),
            INTERNAL,
            "prematurely closed connection",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n<html>".to_string(),
            INTERNAL,
            "did not send server or port",
        ),
    ] {
        let text: &'static str = text.leak();
        let mock = Mock::new(&[Act::Header, Act::Send(text.as_bytes())]);
        let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{};", mock.port));
        assert_eq!(log_in(port), heard, "{}", &text[..60.min(text.len())]);
        gateway.wait_for_log(logged);
    }
}

#[test]
fn a_wait_of_any_length_leaves_the_client_free_to_go() {
    let server = AuthServer::start(|_, _| {
        Some(
            "HTTP/1.1 200 OK\r\nAuth-Status: no\r\nAuth-Wait: 18446744073709551615\r\n\r\n"
                .to_string(),
        )
    });
    let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{};", server.port));
    let mut client = Smtp::connect(port);
    client.expect("220");
    client.say(&format!("AUTH PLAIN {}", plain("joe", "secret")));
    gateway.wait_for_log("client login failed");
    drop(client);
    let mut other = Smtp::connect(port);
    other.expect("220");
}

#[test]
fn a_name_is_looked_up_again() {
    let one = AuthServer::start(refuse);
    let two = AuthServer::at(&format!("127.0.0.2:{}", one.port), refuse);
    let names = NameServer::start();
    let says = |address| Say::Records(vec![("localhost".to_string(), 1, a(address))]);
    names.says("localhost", RecordType::A, says("127.0.0.2"));
    let more = format!(
        "auth_http localhost:{}; resolver {};",
        one.port, names.address
    );
    let (gateway, port) = gateway(&more);
    // The address that was found at the start serves first; nobody waits for the new one.
    assert_eq!(log_in(port), REFUSAL);
    assert_eq!((one.connections(), two.connections()), (1, 0));
    assert!(one.request().contains("Host: localhost\r\n"));
    wait_until("the new address", || {
        assert_eq!(log_in(port), REFUSAL);
        two.connections() > 0
    });
    // What was known stays when the name is gone.
    names.says(
        "localhost",
        RecordType::A,
        Say::Code(ResponseCode::NXDomain),
    );
    wait_until("a failed look-up", || {
        assert_eq!(log_in(port), REFUSAL);
        gateway
            .log()
            .contains("\"localhost\" could not be resolved (3: Host not found)")
    });
    assert_eq!(log_in(port), REFUSAL);
}

#[test]
fn the_next_address_when_one_cannot_be_reached() {
    let server = AuthServer::at("127.0.0.2:0", refuse);
    let names = NameServer::start();
    let both = records(&[("localhost", a("127.0.0.1")), ("localhost", a("127.0.0.2"))]);
    names.says("localhost", RecordType::A, both);
    let more = format!(
        "auth_http localhost:{}; resolver {};",
        server.port, names.address
    );
    let (gateway, port) = gateway(&more);
    wait_until("the second address", || log_in(port) == REFUSAL);
    gateway.wait_for_log("recv() failed (111: Connection refused) while in http auth state");
    let refusals = || gateway.log().matches("Connection refused").count();
    let before = refusals();
    assert_eq!(log_in(port), REFUSAL);
    assert_eq!(refusals(), before, "the one that answered goes first");
}

#[test]
fn auth_server_as_a_name() {
    let backend = Mock::new(&[
        Act::Send(b"220 backend\r\n"),
        Act::Line,
        Act::Send(b"250 backend\r\n"),
        Act::Line,
        Act::Send(b"220 backend\r\n"),
        Act::Stall,
    ]);
    let names = NameServer::start();
    let both = records(&[("mx.test", a("127.0.0.9")), ("mx.test", a("127.0.0.1"))]);
    names.says("mx.test", RecordType::A, both);
    let known = Arc::new(AtomicBool::new(true));
    let (switch, to) = (Arc::clone(&known), backend.port);
    let server = AuthServer::start(move |_, _| {
        let name = if switch.load(Ordering::SeqCst) {
            "mx.test"
        } else {
            "gone.test"
        };
        Some(accepted(name, to, ""))
    });
    let more = format!(
        "auth_http 127.0.0.1:{}; resolver {};",
        server.port, names.address
    );
    let (gateway, port) = gateway(&more);
    assert_eq!(log_in(port), "235 2.0.0 OK\r\n");
    gateway.wait_for_log(&format!("login: \"joe\", upstream: mx.test:{to}"));
    known.store(false, Ordering::SeqCst);
    assert_eq!(log_in(port), INTERNAL);
    gateway.wait_for_log(
        "\"gone.test\" could not be resolved (3: Host not found) while in http auth state",
    );
}

#[test]
fn auth_smtp_auth_overrules_the_configuration() {
    for (configured, said, line) in [
        (
            "off",
            "Auth-SMTP-Auth: on\r\n",
            "AUTH PLAIN AGpvZQBzZWNyZXQ=",
        ),
        ("on", "", "AUTH PLAIN AGpvZQBzZWNyZXQ="),
        ("login", "Auth-SMTP-Auth: on\r\n", "AUTH LOGIN"),
        (
            "on",
            "Auth-SMTP-Auth: off\r\n",
            "XCLIENT ADDR=127.0.0.1 LOGIN=joe NAME=[UNAVAILABLE]",
        ),
    ] {
        let acts = [
            Act::Send(b"220 backend\r\n"),
            Act::Line,
            Act::Send(b"250-backend\r\n250 AUTH PLAIN LOGIN\r\n"),
            Act::Line,
            Act::Stall,
        ];
        let backend = Mock::new(&acts);
        let to = backend.port;
        let server = AuthServer::start(move |_, _| Some(accepted("127.0.0.1", to, said)));
        let xclient = if line.starts_with("XCLIENT") {
            "on"
        } else {
            "off"
        };
        let (_gateway, port) = gateway(&format!(
            "auth_http 127.0.0.1:{}; proxy_smtp_auth {configured}; xclient {xclient};",
            server.port
        ));
        let mut client = Smtp::connect(port);
        client.expect("220");
        client.say("EHLO client.test");
        client.expect("250");
        client.say("AUTH PLAIN AGpvZQBzZWNyZXQ=");
        assert!(backend.heard().starts_with("EHLO"));
        assert_eq!(backend.heard(), line, "{configured} {said}");
    }
}
