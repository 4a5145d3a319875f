//! `auth_http` together with `proxy_pass`: the auth server decides about the login, and `proxy_pass` names the backend where the
//! response does not.

use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port};

/// A backend that accepts XCLIENT and replies with its name.
fn backend(name: &str) -> ScriptedPeer {
    ScriptedPeer::start(&[
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250-b\r\n250 XCLIENT NAME ADDR LOGIN\r\n"),
        Step::ReadLine,
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::send(format!("250 {name}\r\n")),
    ])
}

/// An auth server whose response has these header lines.
fn auth_server(more: &str) -> ScriptedPeer {
    ScriptedPeer::auth_server(format!("HTTP/1.0 200 OK\r\n{more}\r\n"))
}

fn gateway(auth: &ScriptedPeer, pass: &str) -> (Gateway, u16) {
    let port = free_port();
    let mail = format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities DSN;
            smtp_auth plain external none;
            auth_http 127.0.0.1:{};
            proxy_pass {pass};
            server {{ listen 127.0.0.1:{port}; protocol smtp; }}
        }}",
        auth.port
    );
    (Gateway::start(&mail), port)
}

/// Logs in; returns the client and the reply.
fn log_in(port: u16) -> (LineClient, String) {
    let mut client = LineClient::connect(port);
    client.expect("220");
    let reply = client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    (client, reply)
}

#[test]
fn response_without_server_uses_proxy_pass() {
    let own = backend("own");
    let auth = auth_server("Auth-Status: OK\r\nAuth-User: Joe+\r\n");
    let (gateway, port) = gateway(&auth, &format!("127.0.0.1:{}", own.port));
    let (_client, reply) = log_in(port);
    assert_eq!(reply, "235 2.0.0 OK\r\n");
    assert_eq!(own.received(), "EHLO gate.test");
    // XCLIENT passes the login on; there is no AUTH.
    assert_eq!(
        own.received(),
        "XCLIENT ADDR=127.0.0.1 LOGIN=Joe+2B NAME=[UNAVAILABLE]"
    );
    gateway.wait_for_log(&format!(
        "client logged in, client: 127.0.0.1, server: 127.0.0.1:{port}, login: \"Joe+\", upstream: 127.0.0.1:{}",
        own.port
    ));
    // The auth server decides about EXTERNAL, even without a client certificate.
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.send_line("AUTH EXTERNAL am9l");
    client.expect("235");
    auth.received();
    assert!(
        auth.received()
            .contains("Auth-Method: external\r\nAuth-User: joe\r\n")
    );
}

#[test]
fn server_in_response_takes_precedence() {
    let (own, named) = (backend("own"), backend("named"));
    let auth = auth_server(&format!(
        "Auth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\n",
        named.port
    ));
    let (_gateway, port) = gateway(&auth, &format!("127.0.0.1:{}", own.port));
    assert_eq!(log_in(port).1, "235 2.0.0 OK\r\n");
    assert_eq!(named.received(), "EHLO gate.test");
}

#[test]
fn refusal_does_not_ask_the_backend() {
    let own = backend("own");
    let auth = auth_server("Auth-Status: no\r\nAuth-Wait: 1\r\n");
    let (_gateway, port) = gateway(&auth, &format!("127.0.0.1:{}", own.port));
    let (mut client, reply) = log_in(port);
    assert_eq!(reply, "535 5.7.0 no\r\n");
    client.send_line("NOOP");
    client.expect("250");
}

#[test]
fn response_without_status_is_an_error() {
    for more in ["", "X: y\r\n", "Auth-Status:\r\n", "Auth-User: joe\r\n"] {
        let own = backend("own");
        let (_gateway, port) = gateway(&auth_server(more), &format!("127.0.0.1:{}", own.port));
        assert_eq!(
            log_in(port).1,
            "451 4.3.2 Internal server error\r\n",
            "{more:?}"
        );
    }
}

#[test]
fn unreachable_backend_ends_the_session() {
    let auth = auth_server("Auth-Status: OK\r\n");
    let (gateway, port) = gateway(&auth, &format!("127.0.0.1:{}", free_port()));
    let (mut client, reply) = log_in(port);
    assert_eq!(reply, "451 4.3.2 Internal server error\r\n");
    assert_eq!(client.read_to_end(), "");
    gateway.wait_for_log("failed (111: Connection refused)");
}
