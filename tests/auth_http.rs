//! Requests to the auth server: Unix sockets, IPv6, host names, persistent connections, malformed and incomplete responses.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use support::auth_server::{AuthServer, REFUSAL, REFUSED, accepted_with, refuse};
use support::dns::{NameServer, Response, a, records};
use support::scripted::{ScriptedPeer, Step};
use support::smtp_gateway::{INTERNAL_ERROR, gateway, log_in};
use support::{LineClient, TempDir, auth_plain, free_port, wait_until};

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
    wait_until("a persistent connection", || {
        assert_eq!(log_in(port), REFUSAL);
        server.reused() > 0
    });
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
    wait_until("a request on a connection that closes", || {
        assert_eq!(log_in(port), REFUSAL);
        server.reused() > 0
    });
    assert_eq!(log_in(port), REFUSAL);
}

#[test]
fn incomplete_response_on_a_persistent_connection_fails() {
    let third = Arc::new(AtomicBool::new(false));
    let is_third = Arc::clone(&third);
    let server = AuthServer::start(move |_, request| match request {
        0 => Some(REFUSED.to_string()),
        1 => Some("HTTP/1.1 200 OK\r\nAuth-St".to_string()),
        _ => {
            is_third.store(true, Ordering::SeqCst);
            None
        }
    });
    let more = format!("auth_http 127.0.0.1:{}; auth_http_timeout 1s;", server.port);
    let (gateway, port) = gateway(&more);
    let mut failures = 0;
    wait_until("a request on a persistent connection", || {
        let before = server.connections();
        let reply = log_in(port);
        failures += usize::from(reply == INTERNAL_ERROR);
        assert!(
            reply == REFUSAL || server.connections() == before,
            "the request is not repeated"
        );
        server.reused() > 0
    });
    assert_eq!(failures, 1);
    gateway.wait_for_log("timed out (110: Connection timed out) while in http auth state");
    assert_eq!(log_in(port), REFUSAL);
    assert!(
        !third.load(Ordering::SeqCst),
        "a connection without a response is not used again"
    );
}

#[test]
fn silent_persistent_connection_is_replaced() {
    let server = AuthServer::start(|_, request| {
        if request > 0 {
            loop {
                std::thread::park();
            }
        }
        Some(REFUSED.to_string())
    });
    let (_gateway, port) = gateway(&format!("auth_http 127.0.0.1:{};", server.port));
    wait_until("a request on a silent connection", || {
        assert_eq!(log_in(port), REFUSAL);
        server.reused() > 0
    });
    assert_eq!(log_in(port), REFUSAL);
    assert_eq!(
        server.reused(),
        1,
        "other persistent connections are not used"
    );
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
fn failed_connection_is_logged_with_the_auth_server() {
    let unused = free_port();
    let (refused, port) = gateway(&format!("auth_http 127.0.0.1:{unused};"));
    assert_eq!(log_in(port), INTERNAL_ERROR);
    refused.wait_for_log(&format!(
        "*1 recv() failed (111: Connection refused) while in http auth state, client: 127.0.0.1, \
         server: 127.0.0.1:{port}, login: \"joe\", auth: 127.0.0.1:{unused}\n"
    ));
    let folder = TempDir::new("auth");
    let path = folder.path().join("missing.sock");
    let (missing, port) = gateway(&format!("auth_http unix:{};", path.display()));
    assert_eq!(log_in(port), INTERNAL_ERROR);
    missing.wait_for_log(&format!(
        "connect() to unix:{path} failed (2: No such file or directory) while in http auth state, client: 127.0.0.1, \
         server: 127.0.0.1:{port}, login: \"joe\", auth: unix:{path}\n",
        path = path.display()
    ));
}

#[test]
fn login_of_a_response_is_in_the_log_and_in_the_repeated_request() {
    let server = AuthServer::start(|connection, _| {
        let (status, login) = match connection {
            0 => ("WAIT", "Auth-User: jo e\r\nAuth-Pass: other"),
            _ => ("no", "Auth-User: nobody"),
        };
        Some(format!(
            "HTTP/1.0 200 OK\r\nAuth-Status: {status}\r\n{login}\r\n\r\n"
        ))
    });
    let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{};", server.port));
    assert_eq!(log_in(port), REFUSAL);
    let sent = "Auth-User: joe\r\nAuth-Pass: secret\r\n";
    assert!(server.request().contains(sent));
    let request = server.request();
    let sent = "Auth-User: jo%20e\r\nAuth-Pass: other\r\n";
    assert!(request.contains(sent), "{request}");
    assert!(request.contains("Auth-Login-Attempt: 1\r\n"), "{request}");
    gateway.wait_for_log(&format!(
        "client login failed: \"no\" while in http auth state, client: 127.0.0.1, server: 127.0.0.1:{port}, \
         login: \"nobody\"\n"
    ));
}

#[test]
fn client_port() {
    for (more, sent) in [("auth_http_client_port on;", true), ("", false)] {
        let server = AuthServer::start(refuse);
        let (_gateway, port) = gateway(&format!("auth_http 127.0.0.1:{}; {more}", server.port));
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        let own = stream.local_addr().expect("its address").port();
        let mut client = LineClient::over(stream);
        client.expect("220");
        let command = format!("AUTH PLAIN {}", auth_plain("joe", "secret"));
        assert_eq!(client.ask(&command), REFUSAL);
        let request = server.request();
        let header = format!("Client-IP: 127.0.0.1\r\nClient-Port: {own}\r\n");
        assert_eq!(request.contains(&header), sent, "{request}");
        assert_eq!(request.contains("Client-Port"), sent, "{request}");
    }
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
