//! Clients, backends and auth servers that misbehave: each ends in the reply it should, and nothing else breaks.

mod support;

use support::mock::{Act, Mock};
use support::single::{INTERNAL, gateway};
use support::{Smtp, free_port, plain};

const OK: &str = "250 2.0.0 OK\r\n";
const INVALID: &str = "500 5.5.1 Invalid command\r\n";

fn greeted(port: u16) -> Smtp {
    let mut client = Smtp::connect(port);
    client.expect("220 gate.test ESMTP ready\r\n");
    client
}

/// Still serves, whatever was done to it.
fn serves(port: u16) {
    let mut client = greeted(port);
    client.say("NOOP");
    client.expect(OK);
}

#[test]
fn lines_that_are_none() {
    let (_gateway, port) = gateway("proxy_pass 127.0.0.1:9; max_errors 100;");
    let mut client = greeted(port);
    for line in [
        &b"\r\n"[..],
        b"\0\0\0\n",
        b"\xff\xfe\r\n",
        b"NOOP\rNOOP\r\n",
        b"DATA\r\n",
        b" NOOP\r\n",
    ] {
        client.send(line);
        client.expect(INVALID);
    }
    for line in [&b"EHLO a\0b\r\n"[..], b"HELO a\x7f\r\n"] {
        client.send(line);
        client.expect("501 5.5.4 Invalid argument\r\n");
    }
    client.say("NOOP");
    client.expect(OK);
}

#[test]
fn a_line_longer_than_the_buffer() {
    let (gateway, port) = gateway("proxy_pass 127.0.0.1:9; smtp_client_buffer 512;");
    let mut client = greeted(port);
    client.send(&[b'A'; 100_000]);
    assert_eq!(client.rest(), INVALID);
    gateway.wait_for_log("client sent too long command \"AAAA");
    // A burst longer than the buffer is no long line.
    let mut client = greeted(port);
    client.send("NOOP\r\n".repeat(200).as_bytes());
    for _ in 0..200 {
        client.expect(OK);
    }
    serves(port);
}

#[test]
fn too_many_errors_and_too_many_commands() {
    let (gateway, port) = gateway("proxy_pass 127.0.0.1:9; max_errors 3; max_commands 10;");
    let mut client = greeted(port);
    client.send(b"X\r\nY\r\nZ\r\nNOOP\r\n");
    assert_eq!(client.rest(), INVALID.repeat(3));
    gateway.wait_for_log("client sent too many invalid commands while in auth state");
    let mut client = greeted(port);
    client.send("NOOP\r\n".repeat(11).as_bytes());
    assert_eq!(client.rest(), OK.repeat(10) + INVALID);
    gateway.wait_for_log("client sent too many commands while in auth state");
}

#[test]
fn early_talkers_are_turned_away() {
    let (gateway, port) = gateway("proxy_pass 127.0.0.1:9; smtp_greeting_delay 30s;");
    let mut client = Smtp::connect(port);
    client.say("EHLO early");
    assert_eq!(
        client.rest(),
        "503 5.5.0 Improper use of SMTP command pipelining\r\n"
    );
    gateway.wait_for_log(
        "client was rejected before greeting: \"EHLO early__\" while in delay pipelining state",
    );
}

#[test]
fn a_silent_client_is_told_and_closed() {
    let (gateway, port) = gateway("proxy_pass 127.0.0.1:9; timeout 300ms;");
    let mut client = greeted(port);
    client.send(b"NOO");
    assert_eq!(client.rest(), "421 4.4.2 gate.test timeout exceeded\r\n");
    gateway.wait_for_log("client timed out (110: Connection timed out) while in auth state");
}

#[test]
fn clients_vanish_in_every_state() {
    let auth = Mock::new(&[Act::Header, Act::Stall]);
    let (_gateway, port) = gateway(&format!(
        "auth_http 127.0.0.1:{}/; smtp_auth plain login cram-md5 none;",
        auth.port
    ));
    let hello = format!("AUTH PLAIN {}", plain("u", "p"));
    for said in [
        &[][..],
        &["EHLO a"],
        &["AUTH PLAIN"],
        &["AUTH LOGIN", "dQ=="],
        &["AUTH CRAM-MD5"],
        &["MAIL FROM:<a>"],
        &[&hello],
    ] {
        let mut client = greeted(port);
        for line in said {
            client.say(line);
        }
        drop(client);
    }
    serves(port);
}

#[test]
fn backends_that_fail_an_auth_server_s_client() {
    for (acts, log) in [
        (
            &[Act::Send(b"554 go away\r\n")][..],
            "upstream sent invalid response: \"554 go away\" while reading response from upstream",
        ),
        (
            &[Act::Send(b"garbage\r\n"), Act::Stall],
            "upstream sent invalid response: \"garbage\"",
        ),
        (
            &[Act::Send(b"220 hi"), Act::Stall],
            "upstream timed out (110: Connection timed out) while connecting to upstream",
        ),
        (&[Act::Stall], "upstream timed out"),
        (&[], "client 127.0.0.1"),
        (&[Act::Send(b"22")], "client 127.0.0.1"),
        (
            &[Act::Flood(b'a')],
            "upstream sent too long response line: \"aaaa",
        ),
        (
            &[
                Act::Send(b"220 hi\r\n"),
                Act::Line,
                Act::Send(b"250-half\r\n"),
            ],
            "client 127.0.0.1",
        ),
        (
            &[
                Act::Send(b"220 hi\r\n"),
                Act::Line,
                Act::Send(b"421 later\r\n"),
                Act::Stall,
            ],
            "\"421 later\" while reading response from upstream",
        ),
    ] {
        let backend = Mock::new(acts);
        let auth = accepting(backend.port);
        let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{}/; timeout 1s;", auth.port));
        let mut client = greeted(port);
        client.say(&format!("AUTH PLAIN {}", plain("u", "hidden-word")));
        assert_eq!(client.rest(), INTERNAL, "{acts:?}\n{}", gateway.log());
        gateway.wait_for_log(log);
        assert!(!gateway.log().contains("hidden-word"));
        serves(port);
    }
}

/// An auth server that sends everybody to this port.
fn accepting(port: u16) -> Mock {
    let answer = format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {port}\r\n\r\n"
    );
    Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())])
}

#[test]
fn a_backend_that_refuses_the_connection() {
    let auth = accepting(free_port());
    let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{}/;", auth.port));
    let mut client = greeted(port);
    client.say(&format!("AUTH PLAIN {}", plain("u", "p")));
    assert_eq!(client.rest(), INTERNAL);
    gateway.wait_for_log(
        "failed (111: Connection refused) while reading response from upstream, client: 127.0.0.1",
    );
}

#[test]
fn auth_servers_that_fail() {
    for (acts, log) in [
        (
            &[Act::Header][..],
            "prematurely closed connection while in http auth state",
        ),
        (
            &[Act::Header, Act::Send(b"HTTP/1.0 200 OK\r\nAuth-Sta")],
            "prematurely closed connection",
        ),
        (
            &[
                Act::Header,
                Act::Send(b"HTTP/1.0 200 OK\r\n"),
                Act::Flood(b'a'),
            ],
            "sent too large header",
        ),
        (
            &[Act::Header, Act::Stall],
            "timed out (110: Connection timed out) while in http auth state",
        ),
        (
            &[Act::Header, Act::Send(b"Auth-Status: OK\r\n\r\n")],
            "sent invalid response",
        ),
        (
            &[Act::Header, Act::Send(b"HTTP/1.0 200 OK\r\nA B: c\r\n\r\n")],
            "sent invalid header in response",
        ),
        (
            &[Act::Header, Act::Send(b"HTTP/1.0 200 OK\r\n\r\n")],
            "did not send server or port",
        ),
        (
            &[Act::Header, Act::Send(b"HTTP/1.0 500 x\r\n\r\n")],
            "sent status 500 without \"Auth-Status\"",
        ),
    ] {
        let auth = Mock::new(acts);
        let (gateway, port) = gateway(&format!(
            "auth_http 127.0.0.1:{}/; auth_http_timeout 500ms;",
            auth.port
        ));
        let mut client = greeted(port);
        client.say(&format!("AUTH PLAIN {}", plain("u", "hidden-word")));
        assert_eq!(client.rest(), INTERNAL, "{acts:?}\n{}", gateway.log());
        gateway.wait_for_log(log);
        assert!(!gateway.log().contains("hidden-word"));
        serves(port);
    }
    let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{}/;", free_port()));
    let mut client = greeted(port);
    client.say(&format!("AUTH PLAIN {}", plain("u", "p")));
    assert_eq!(client.rest(), INTERNAL);
    gateway.wait_for_log("failed (111: Connection refused) while in http auth state");
}

#[test]
fn judges_that_fail_leave_the_session_open() {
    let hi = Act::Send(b"220 hi\r\n");
    let offers = Act::Send(b"250-x\r\n250 AUTH PLAIN\r\n");
    for (acts, log) in [
        (
            &[Act::Send(b"554 no\r\n")][..],
            "upstream sent invalid response: \"554 no\"",
        ),
        (&[], "upstream prematurely closed connection"),
        (
            &[hi.clone(), Act::Line],
            "upstream prematurely closed connection",
        ),
        (
            &[
                hi.clone(),
                Act::Line,
                offers.clone(),
                Act::Line,
                Act::Send(b"23"),
            ],
            "upstream prematurely closed connection while reading response from upstream",
        ),
        (
            &[
                hi.clone(),
                Act::Line,
                offers.clone(),
                Act::Line,
                Act::Send(b"what\r\n"),
                Act::Stall,
            ],
            "\"what\" while reading response",
        ),
        (&[Act::Stall], "upstream timed out"),
    ] {
        let backend = Mock::new(acts);
        let (gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{}; timeout 1s;",
            backend.port
        ));
        let mut client = greeted(port);
        client.say(&format!("AUTH PLAIN {}", plain("u", "hidden-word")));
        client.expect("451 4.4.1 ");
        client.say("NOOP");
        client.expect(OK);
        gateway.wait_for_log(log);
        assert!(!gateway.log().contains("hidden-word"));
    }
    let (_gateway, port) = gateway(&format!("proxy_pass 127.0.0.1:{};", free_port()));
    let mut client = greeted(port);
    client.say(&format!("AUTH PLAIN {}", plain("u", "p")));
    client.expect("451 4.4.1 ");
    client.say("QUIT");
    client.expect("221");
}

#[test]
fn mail_without_a_login_is_the_backend_s_business() {
    let backend = Mock::new(&[
        Act::Send(b"220 hi\r\n"),
        Act::Line,
        Act::Send(b"250 x\r\n"),
        Act::Line,
        Act::Send(b"250 2.1.0 sender fine\r\n"),
        Act::Line,
        Act::Send(b"550 5.1.1 nobody here\r\n"),
        Act::Line,
        Act::Send(b"221 bye\r\n"),
    ]);
    let (gateway, port) = gateway(&format!(
        "smtp_auth none; smtp_capabilities DSN; proxy_pass 127.0.0.1:{};",
        backend.port
    ));
    let mut client = greeted(port);
    // All at once, and then no more: what is left to hear still comes.
    client.send(b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nQUIT\r\n");
    client.finish();
    assert_eq!(
        client.rest(),
        "250-gate.test\r\n250 DSN\r\n250 2.1.0 sender fine\r\n550 5.1.1 nobody here\r\n221 bye\r\n"
    );
    let heard: Vec<_> = (0..4).map(|_| backend.heard()).collect();
    assert_eq!(
        heard,
        ["EHLO gate.test", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "QUIT"]
    );
    gateway.wait_for_log("proxied session done, client: 127.0.0.1, server: 127.0.0.1:");
}
