//! Requests to the auth server: Unix sockets, IPv6, host names, persistent connections, malformed and incomplete responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use support::auth_server::{AuthServer, REFUSAL, REFUSED, accepted_with, refuse};
use support::dns::{NameServer, Response, a, records};
use support::scripted::{ScriptedPeer, Step};
use support::smtp_gateway::{INTERNAL_ERROR, gateway, log_in};
use support::{LineClient, TempDir, auth_plain, wait_until};

#[test]
fn unix_socket() {
    let folder = TempDir::new("auth");
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
    assert_eq!(server.connections(), 1, "the connection is persistent");
}

#[test]
fn ipv6_address() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: no IPv6");
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
fn closed_persistent_connection_is_replaced() {
    let server = AuthServer::start(|_, request| (request == 0).then(|| REFUSED.to_string()));
    let (_gateway, port) = gateway(&format!("auth_http 127.0.0.1:{};", server.port));
    for _ in 0..3 {
        assert_eq!(log_in(port), REFUSAL);
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn incomplete_response_on_a_persistent_connection_fails() {
    let server = AuthServer::start(|connection, request| match (connection, request) {
        (0, 1) => Some("HTTP/1.1 200 OK\r\nAuth-St".to_string()),
        (0, 2) => None,
        _ => Some(REFUSED.to_string()),
    });
    let more = format!("auth_http 127.0.0.1:{}; auth_http_timeout 1s;", server.port);
    let (gateway, port) = gateway(&more);
    assert_eq!(log_in(port), REFUSAL);
    assert_eq!(log_in(port), INTERNAL_ERROR);
    gateway.wait_for_log("timed out (110: Connection timed out) while in http auth state");
    assert_eq!(server.connections(), 1, "the request is not repeated");
    assert_eq!(log_in(port), REFUSAL);
}

#[test]
fn keepalive_off_opens_a_connection_per_request() {
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
fn unusual_responses() {
    let long = "X-Long: x\r\n".repeat(100_000);
    for (text, reply, logged) in [
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
            INTERNAL_ERROR,
            "sent too large header",
        ),
        (
            "HTTP/1.1 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 1.2.3".to_string(),
            INTERNAL_ERROR,
            "prematurely closed connection",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n<html>".to_string(),
            INTERNAL_ERROR,
            "did not send server or port",
        ),
    ] {
        let shown = text[..60.min(text.len())].to_owned();
        let server = ScriptedPeer::auth_server(text);
        let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{};", server.port));
        assert_eq!(log_in(port), reply, "{shown}");
        gateway.wait_for_log(logged);
    }
}

#[test]
fn client_may_leave_during_any_auth_wait() {
    let server = AuthServer::start(|_, _| {
        Some(
            "HTTP/1.1 200 OK\r\nAuth-Status: no\r\nAuth-Wait: 18446744073709551615\r\n\r\n"
                .to_string(),
        )
    });
    let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{};", server.port));
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.send_line(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    gateway.wait_for_log("client login failed");
    drop(client);
    let mut other = LineClient::connect(port);
    other.expect("220");
}

#[test]
fn host_name_is_resolved_again() {
    let first = AuthServer::start(refuse);
    let second = AuthServer::at(&format!("127.0.0.2:{}", first.port), refuse);
    let names = NameServer::start();
    let record = Response::Records(vec![("localhost".to_string(), 1, a("127.0.0.2"))]);
    names.set("localhost", RecordType::A, record);
    let more = format!(
        "auth_http localhost:{}; resolver {};",
        first.port, names.address
    );
    let (gateway, port) = gateway(&more);
    // The address resolved at start is used first; no login waits for the new one.
    assert_eq!(log_in(port), REFUSAL);
    assert_eq!((first.connections(), second.connections()), (1, 0));
    assert!(first.request().contains("Host: localhost\r\n"));
    wait_until("the new address", || {
        assert_eq!(log_in(port), REFUSAL);
        second.connections() > 0
    });
    // A failed query does not remove the known address.
    names.set(
        "localhost",
        RecordType::A,
        Response::Code(ResponseCode::NXDomain),
    );
    wait_until("a failed query", || {
        assert_eq!(log_in(port), REFUSAL);
        gateway
            .log()
            .contains("\"localhost\" could not be resolved (3: Host not found)")
    });
    assert_eq!(log_in(port), REFUSAL);
}

#[test]
fn next_address_is_tried_when_one_is_unreachable() {
    let server = AuthServer::at("127.0.0.2:0", refuse);
    let names = NameServer::start();
    let both = records(&[("localhost", a("127.0.0.1")), ("localhost", a("127.0.0.2"))]);
    names.set("localhost", RecordType::A, both);
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
    assert_eq!(refusals(), before, "the working address is tried first");
}

#[test]
fn auth_server_may_be_a_host_name() {
    let backend = ScriptedPeer::start(&[
        Step::Send(b"220 backend\r\n"),
        Step::ReadLine,
        Step::Send(b"250 backend\r\n"),
        Step::ReadLine,
        Step::Send(b"220 backend\r\n"),
        Step::Stall,
    ]);
    let names = NameServer::start();
    let both = records(&[("mx.test", a("127.0.0.9")), ("mx.test", a("127.0.0.1"))]);
    names.set("mx.test", RecordType::A, both);
    let exists = Arc::new(AtomicBool::new(true));
    let (switch, to) = (Arc::clone(&exists), backend.port);
    let server = AuthServer::start(move |_, _| {
        let name = if switch.load(Ordering::SeqCst) {
            "mx.test"
        } else {
            "gone.test"
        };
        Some(accepted_with(name, to, ""))
    });
    let more = format!(
        "auth_http 127.0.0.1:{}; resolver {};",
        server.port, names.address
    );
    let (gateway, port) = gateway(&more);
    assert_eq!(log_in(port), "235 2.0.0 OK\r\n");
    gateway.wait_for_log(&format!("login: \"joe\", upstream: mx.test:{to}"));
    exists.store(false, Ordering::SeqCst);
    assert_eq!(log_in(port), INTERNAL_ERROR);
    gateway.wait_for_log(
        "\"gone.test\" could not be resolved (3: Host not found) while in http auth state",
    );
}

#[test]
fn auth_smtp_auth_overrides_proxy_smtp_auth() {
    for (configured, header, line) in [
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
        let script = [
            Step::Send(b"220 backend\r\n"),
            Step::ReadLine,
            Step::Send(b"250-backend\r\n250 AUTH PLAIN LOGIN\r\n"),
            Step::ReadLine,
            Step::Stall,
        ];
        let backend = ScriptedPeer::start(&script);
        let to = backend.port;
        let server = AuthServer::start(move |_, _| Some(accepted_with("127.0.0.1", to, header)));
        let xclient = if line.starts_with("XCLIENT") {
            "on"
        } else {
            "off"
        };
        let (_gateway, port) = gateway(&format!(
            "auth_http 127.0.0.1:{}; proxy_smtp_auth {configured}; xclient {xclient};",
            server.port
        ));
        let mut client = LineClient::connect(port);
        client.expect("220");
        client.send_line("EHLO client.test");
        client.expect("250");
        client.send_line("AUTH PLAIN AGpvZQBzZWNyZXQ=");
        assert!(backend.received().starts_with("EHLO"));
        assert_eq!(backend.received(), line, "{configured} {header}");
    }
}
