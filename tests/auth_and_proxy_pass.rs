//! An auth server beside `proxy_pass`: it decides, and where its answer names no backend there is one all the same.

mod support;

use support::mock::{Act, Mock};
use support::{Gateway, Smtp, free_port, plain};

/// A backend that believes XCLIENT, and tells its name.
fn backend(name: &str) -> Mock {
    let last: &'static str = format!("250 {name}\r\n").leak();
    Mock::new(&[
        Act::Send(b"220 b\r\n"),
        Act::Line,
        Act::Send(b"250-b\r\n250 XCLIENT NAME ADDR LOGIN\r\n"),
        Act::Line,
        Act::Send(b"220 b\r\n"),
        Act::Line,
        Act::Send(last.as_bytes()),
    ])
}

fn answer(more: &str) -> Mock {
    let text: &'static str = format!("HTTP/1.0 200 OK\r\n{more}\r\n").leak();
    Mock::new(&[Act::Header, Act::Send(text.as_bytes())])
}

fn gateway(auth: &Mock, pass: &str) -> (Gateway, u16) {
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

/// Logs in behind a greeting, and tells what is heard.
fn log_in(port: u16) -> (Smtp, String) {
    let mut client = Smtp::connect(port);
    client.expect("220");
    client.say(&format!("AUTH PLAIN {}", plain("joe", "secret")));
    let heard = client.hear();
    (client, heard)
}

#[test]
fn an_answer_without_a_server_leaves_it_to_proxy_pass() {
    let own = backend("own");
    let auth = answer("Auth-Status: OK\r\nAuth-User: Joe+\r\n");
    let (gateway, port) = gateway(&auth, &format!("127.0.0.1:{}", own.port));
    let (_client, heard) = log_in(port);
    assert_eq!(heard, "235 2.0.0 OK\r\n");
    assert_eq!(own.heard(), "EHLO gate.test");
    // The backend is told, not asked.
    assert_eq!(
        own.heard(),
        "XCLIENT ADDR=127.0.0.1 LOGIN=Joe+2B NAME=[UNAVAILABLE]"
    );
    gateway.wait_for_log(&format!(
        "client logged in, client: 127.0.0.1, server: 127.0.0.1:{port}, login: \"Joe+\", upstream: 127.0.0.1:{}",
        own.port
    ));
    // A certificate is the auth server's to judge: here there is none at all.
    let mut client = Smtp::connect(port);
    client.expect("220");
    client.say("AUTH EXTERNAL am9l");
    client.expect("235");
    auth.heard();
    assert!(
        auth.heard()
            .contains("Auth-Method: external\r\nAuth-User: joe\r\n")
    );
}

#[test]
fn a_server_that_is_named_goes_first() {
    let (own, named) = (backend("own"), backend("named"));
    let auth = answer(&format!(
        "Auth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\n",
        named.port
    ));
    let (_gateway, port) = gateway(&auth, &format!("127.0.0.1:{}", own.port));
    assert_eq!(log_in(port).1, "235 2.0.0 OK\r\n");
    assert_eq!(named.heard(), "EHLO gate.test");
}

#[test]
fn a_refusal_is_one_whatever_the_backend_thinks() {
    let own = backend("own");
    let auth = answer("Auth-Status: no\r\nAuth-Wait: 1\r\n");
    let (_gateway, port) = gateway(&auth, &format!("127.0.0.1:{}", own.port));
    let (mut client, heard) = log_in(port);
    assert_eq!(heard, "535 5.7.0 no\r\n");
    client.say("NOOP");
    client.expect("250");
}

#[test]
fn an_answer_that_says_nothing_lets_nobody_in() {
    for more in ["", "X: y\r\n", "Auth-Status:\r\n", "Auth-User: joe\r\n"] {
        let own = backend("own");
        let (_gateway, port) = gateway(&answer(more), &format!("127.0.0.1:{}", own.port));
        assert_eq!(
            log_in(port).1,
            "451 4.3.2 Internal server error\r\n",
            "{more:?}"
        );
    }
}

#[test]
fn a_backend_that_is_away_ends_the_session() {
    let auth = answer("Auth-Status: OK\r\n");
    let (gateway, port) = gateway(&auth, &format!("127.0.0.1:{}", free_port()));
    let (mut client, heard) = log_in(port);
    assert_eq!(heard, "451 4.3.2 Internal server error\r\n");
    assert_eq!(client.rest(), "");
    gateway.wait_for_log("failed (111: Connection refused)");
}
