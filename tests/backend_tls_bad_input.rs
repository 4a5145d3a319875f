//! Backends that refuse, break or subvert TLS: the login is never sent to them.

use std::io::Read;
use std::net::TcpListener;

use support::auth_server::accepted;
use support::scripted::{ScriptedPeer, Step};
use support::smtp_gateway::{INTERNAL_ERROR, log_in};
use support::tls_backend::{UNAVAILABLE, gateway};
use support::{LineClient, TIMEOUT, auth_plain};

#[test]
fn backends_that_refuse_starttls() {
    let greeting = Step::Send(b"220 hi\r\n");
    let starttls = Step::Send(b"250-x\r\n250 STARTTLS\r\n");
    for (script, logged, lines) in [
        (
            vec![
                greeting.clone(),
                Step::ReadLine,
                Step::Send(b"250-x\r\n250 AUTH PLAIN\r\n"),
                Step::ReadLine,
            ],
            "upstream does not offer STARTTLS while sending HELO/EHLO to upstream",
            &["EHLO gate.test", ""][..],
        ),
        (
            vec![
                greeting.clone(),
                Step::ReadLine,
                starttls.clone(),
                Step::ReadLine,
                Step::Send(b"454 not now\r\n"),
                Step::ReadLine,
            ],
            "upstream sent invalid response: \"454 not now\" while sending STARTTLS to upstream",
            &["EHLO gate.test", "STARTTLS", ""],
        ),
        (
            vec![
                greeting.clone(),
                Step::ReadLine,
                starttls.clone(),
                Step::ReadLine,
                Step::Send(b"220 go\r\n250 AUTH PLAIN\r\n"),
                Step::ReadLine,
            ],
            "upstream sent data in clear text before SSL handshake while sending STARTTLS to upstream",
            &["EHLO gate.test", "STARTTLS", ""],
        ),
        (
            vec![
                greeting.clone(),
                Step::ReadLine,
                starttls.clone(),
                Step::ReadLine,
                Step::Send(b"220 go\r\n"),
            ],
            "while SSL handshaking to upstream",
            &["EHLO gate.test", "STARTTLS"],
        ),
        (
            vec![Step::Send(b"554 go away\r\n"), Step::ReadLine],
            "upstream sent invalid response: \"554 go away\" while reading response from upstream",
            &[""],
        ),
        (
            vec![],
            "upstream prematurely closed connection while connecting to upstream",
            &[],
        ),
        (
            vec![greeting, Step::ReadLine, Step::Flood(b'2')],
            "upstream sent too long response line",
            &["EHLO gate.test"],
        ),
    ] {
        let backend = ScriptedPeer::start(&script);
        let (gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{}; proxy_ssl starttls;",
            backend.port
        ));
        assert_eq!(log_in(port), UNAVAILABLE, "{logged}");
        gateway.wait_for_log(logged);
        for line in lines {
            assert_eq!(backend.received(), *line);
        }
    }
}

#[test]
fn backends_that_fail_the_handshake() {
    for (script, logged) in [
        (
            vec![Step::Send(b"220 hi, this is clear text\r\n"), Step::Stall],
            "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream",
        ),
        (
            // A malformed ServerHello.
            vec![
                Step::Send(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"),
                Step::Stall,
            ],
            "SSL_do_handshake() failed (SSL: error:0A0",
        ),
        (
            vec![Step::Send(b"\x15\x03\x03\x00\x02\x02\x28"), Step::Stall],
            "alert handshake failure:SSL alert number 40) while SSL handshaking to upstream",
        ),
        (vec![Step::Flood(0x16)], "SSL_do_handshake() failed (SSL: "),
    ] {
        let backend = ScriptedPeer::start(&script);
        let proxy = format!("proxy_pass 127.0.0.1:{}; proxy_ssl on;", backend.port);
        let (gateway, port) = gateway(&proxy);
        assert_eq!(log_in(port), UNAVAILABLE, "{logged}");
        gateway.wait_for_log(logged);
        assert!(!gateway.log().contains("secret"));
    }
    // A backend that sends nothing.
    let backend = ScriptedPeer::start(&[Step::Stall]);
    let (silent, port) = gateway(&format!(
        "proxy_pass 127.0.0.1:{}; proxy_ssl on; proxy_connect_timeout 200ms;",
        backend.port
    ));
    assert_eq!(log_in(port), UNAVAILABLE);
    silent.wait_for_log("upstream timed out (110: Connection timed out) while SSL handshaking");
}

#[test]
fn client_that_leaves_ends_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let backend = listener.local_addr().expect("its number");
    let (_gateway, port) = gateway(&format!("proxy_pass {backend}; proxy_ssl on;"));
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.send_line(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    let (mut socket, _) = listener.accept().expect("the gateway");
    socket.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    socket.read_exact(&mut [0]).expect("its first byte of TLS");
    drop(client);
    // The connection to the backend ends with the client's, before proxy_connect_timeout.
    socket.read_to_end(&mut Vec::new()).expect("its end");
}

/// A word of a backend before TLS may be an attacker's.
#[test]
fn refusal_before_tls_is_not_passed_on() {
    let greeting = Step::Send(b"220 hi\r\n");
    let starttls = Step::Send(b"250-x\r\n250 STARTTLS\r\n");
    for script in [
        &[Step::Send(b"554 go away\r\n"), Step::ReadLine][..],
        &[greeting.clone(), Step::ReadLine, Step::Send(b"550 no\r\n")],
        &[
            greeting,
            Step::ReadLine,
            starttls,
            Step::ReadLine,
            Step::Send(b"454 not now\r\n"),
            Step::ReadLine,
        ],
    ] {
        let backend = ScriptedPeer::start(script);
        let auth = ScriptedPeer::auth_server(accepted(backend.port));
        let (gateway, port) = gateway(&format!(
            "auth_http 127.0.0.1:{}/auth; proxy_ssl starttls; proxy_pass_error_message on;",
            auth.port
        ));
        assert_eq!(log_in(port), INTERNAL_ERROR);
        gateway.wait_for_log("[error]");
    }
}
