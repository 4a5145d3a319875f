//! TLS towards backends that will not have it, cannot do it, or use the moment: nothing of a login goes to them.

mod support;

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use support::mock::{Act, Mock};
use support::single::{INTERNAL, log_in};
use support::tls_backend::{UNAVAILABLE, gateway};
use support::{Smtp, plain};

#[test]
fn backends_that_will_not_have_tls() {
    let greeting = Act::Send(b"220 hi\r\n");
    let offer = Act::Send(b"250-x\r\n250 STARTTLS\r\n");
    for (acts, wanted, told) in [
        (
            vec![
                greeting.clone(),
                Act::Line,
                Act::Send(b"250-x\r\n250 AUTH PLAIN\r\n"),
                Act::Line,
            ],
            "upstream does not offer STARTTLS while sending HELO/EHLO to upstream",
            &["EHLO gate.test", ""][..],
        ),
        (
            vec![
                greeting.clone(),
                Act::Line,
                offer.clone(),
                Act::Line,
                Act::Send(b"454 not now\r\n"),
                Act::Line,
            ],
            "upstream sent invalid response: \"454 not now\" while sending STARTTLS to upstream",
            &["EHLO gate.test", "STARTTLS", ""],
        ),
        (
            vec![
                greeting.clone(),
                Act::Line,
                offer.clone(),
                Act::Line,
                Act::Send(b"220 go\r\n250 AUTH PLAIN\r\n"),
                Act::Line,
            ],
            "upstream sent data in clear text before SSL handshake while sending STARTTLS to upstream",
            &["EHLO gate.test", "STARTTLS", ""],
        ),
        (
            vec![
                greeting.clone(),
                Act::Line,
                offer.clone(),
                Act::Line,
                Act::Send(b"220 go\r\n"),
            ],
            "while SSL handshaking to upstream",
            &["EHLO gate.test", "STARTTLS"],
        ),
        (
            vec![Act::Send(b"554 go away\r\n"), Act::Line],
            "upstream sent invalid response: \"554 go away\" while reading response from upstream",
            &[""],
        ),
        (
            vec![],
            "upstream prematurely closed connection while connecting to upstream",
            &[],
        ),
        (
            vec![greeting, Act::Line, Act::Flood(b'2')],
            "upstream sent too long response line",
            &["EHLO gate.test"],
        ),
    ] {
        let mock = Mock::new(&acts);
        let (gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{}; proxy_ssl starttls;",
            mock.port
        ));
        assert_eq!(log_in(port), UNAVAILABLE, "{wanted}");
        gateway.wait_for_log(wanted);
        for line in told {
            assert_eq!(mock.heard(), *line);
        }
    }
}

#[test]
fn backends_that_do_not_speak_tls_where_it_is_due() {
    for (acts, wanted) in [
        (
            vec![Act::Send(b"220 hi, this is clear text\r\n"), Act::Stall],
            "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream",
        ),
        (
            // Records of TLS that are none.
            vec![
                Act::Send(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"),
                Act::Stall,
            ],
            "SSL_do_handshake() failed (SSL: error:0A0",
        ),
        (
            vec![Act::Send(b"\x15\x03\x03\x00\x02\x02\x28"), Act::Stall],
            "alert handshake failure:SSL alert number 40) while SSL handshaking to upstream",
        ),
        (vec![Act::Flood(0x16)], "SSL_do_handshake() failed (SSL: "),
    ] {
        let mock = Mock::new(&acts);
        let towards = format!("proxy_pass 127.0.0.1:{}; proxy_ssl on;", mock.port);
        let (judged, port) = gateway(&towards);
        assert_eq!(log_in(port), UNAVAILABLE, "{wanted}");
        judged.wait_for_log(wanted);
        assert!(!judged.log().contains("secret"));
    }
    // One that says nothing at all.
    let mock = Mock::new(&[Act::Stall]);
    let (silent, port) = gateway(&format!(
        "proxy_pass 127.0.0.1:{}; proxy_ssl on; proxy_connect_timeout 200ms;",
        mock.port
    ));
    assert_eq!(log_in(port), UNAVAILABLE);
    silent.wait_for_log("upstream timed out (110: Connection timed out) while SSL handshaking");
}

#[test]
fn a_client_that_leaves_during_the_handshake_is_noticed() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let backend = listener.local_addr().expect("its number");
    let (_gateway, port) = gateway(&format!("proxy_pass {backend}; proxy_ssl on;"));
    let mut client = Smtp::connect(port);
    client.expect("220");
    client.say(&format!("AUTH PLAIN {}", plain("joe", "secret")));
    let (mut socket, _) = listener.accept().expect("the gateway");
    let patience = Some(Duration::from_secs(30));
    socket.set_read_timeout(patience).expect("a time-out");
    socket.read_exact(&mut [0]).expect("its first byte of TLS");
    drop(client);
    // The connection ends with the client, long before its own time.
    socket.read_to_end(&mut Vec::new()).expect("its end");
}

#[test]
fn a_greeting_that_lets_nobody_in_is_passed_on_where_it_may() {
    let backend = Mock::new(&[Act::Send(b"554 go away\r\n"), Act::Line]);
    let answer = format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\n\r\n",
        backend.port
    );
    let auth = Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())]);
    for (more, wanted) in [
        ("", INTERNAL),
        ("proxy_pass_error_message on;", "554 go away\r\n"),
    ] {
        let (_gateway, port) = gateway(&format!(
            "auth_http 127.0.0.1:{}/auth; proxy_ssl starttls; {more}",
            auth.port
        ));
        assert_eq!(log_in(port), wanted);
    }
}
