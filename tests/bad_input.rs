//! Clients, backends and auth servers that misbehave: the client gets the right reply, and the gateway keeps serving.

use support::auth_server::accepted;
use support::scripted::{ScriptedPeer, Step};
use support::smtp_gateway::{INTERNAL_ERROR, gateway};
use support::{LineClient, auth_plain, free_port};

const OK: &str = "250 2.0.0 OK\r\n";
const INVALID: &str = "500 5.5.1 Invalid command\r\n";

fn greeted(port: u16) -> LineClient {
    let mut client = LineClient::connect(port);
    client.expect("220 gate.test ESMTP ready\r\n");
    client
}

/// Checks that the gateway still serves.
fn check_serving(port: u16) {
    let mut client = greeted(port);
    client.send_line("NOOP");
    client.expect(OK);
}

/// Logs in at a gateway with these settings. The session must end with the internal error and this line in the log, which must not
/// contain the password.
fn check_internal_error(more: &str, log: &str, case: &str) {
    let (gateway, port) = gateway(more);
    let mut client = greeted(port);
    client.send_line(&format!("AUTH PLAIN {}", auth_plain("u", "hidden-word")));
    let reply = client.read_to_end();
    assert_eq!(reply, INTERNAL_ERROR, "{case}\n{}", gateway.log());
    gateway.wait_for_log(log);
    assert!(!gateway.log().contains("hidden-word"));
    check_serving(port);
}

#[test]
fn invalid_lines() {
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
    client.send_line("NOOP");
    client.expect(OK);
}

#[test]
fn line_longer_than_the_buffer() {
    let (gateway, port) = gateway("proxy_pass 127.0.0.1:9; smtp_client_buffer 512;");
    let mut client = greeted(port);
    client.send(&[b'A'; 100_000]);
    assert_eq!(client.read_to_end(), INVALID);
    gateway.wait_for_log("client sent too long command \"***\" while in auth state");
    // Pipelined commands together may be longer than the buffer.
    let mut client = greeted(port);
    client.send("NOOP\r\n".repeat(200).as_bytes());
    for _ in 0..200 {
        client.expect(OK);
    }
    check_serving(port);
}

#[test]
fn too_many_errors_and_too_many_commands() {
    let (gateway, port) = gateway("proxy_pass 127.0.0.1:9; max_errors 3; max_commands 10;");
    let mut client = greeted(port);
    client.send(b"X\r\nY\r\nZ\r\nNOOP\r\n");
    assert_eq!(client.read_to_end(), INVALID.repeat(3));
    gateway.wait_for_log("client sent too many invalid commands while in auth state");
    let mut client = greeted(port);
    client.send("NOOP\r\n".repeat(11).as_bytes());
    assert_eq!(client.read_to_end(), OK.repeat(10) + INVALID);
    gateway.wait_for_log("client sent too many commands while in auth state");
}

#[test]
fn client_that_sends_before_the_greeting_is_rejected() {
    let (gateway, port) = gateway("proxy_pass 127.0.0.1:9; smtp_greeting_delay 30s;");
    let mut client = LineClient::connect(port);
    client.send_line("EHLO early");
    assert_eq!(
        client.read_to_end(),
        "503 5.5.0 Improper use of SMTP command pipelining\r\n"
    );
    gateway.wait_for_log(
        "client was rejected before greeting: 12 bytes, beginning with EHLO while in delay pipelining state",
    );
}

#[test]
fn silent_client_times_out() {
    let (gateway, port) = gateway("proxy_pass 127.0.0.1:9; timeout 300ms;");
    let mut client = greeted(port);
    client.send(b"NOO");
    assert_eq!(
        client.read_to_end(),
        "421 4.4.2 gate.test timeout exceeded\r\n"
    );
    gateway.wait_for_log("client timed out (110: Connection timed out) while in auth state");
}

#[test]
fn clients_disconnect_in_every_state() {
    let auth = ScriptedPeer::start(&[Step::ReadHeader, Step::Stall]);
    let (_gateway, port) = gateway(&format!(
        "auth_http 127.0.0.1:{}/; smtp_auth plain login cram-md5 none;",
        auth.port
    ));
    let login = format!("AUTH PLAIN {}", auth_plain("u", "p"));
    for lines in [
        &[][..],
        &["EHLO a"],
        &["AUTH PLAIN"],
        &["AUTH LOGIN", "dQ=="],
        &["AUTH CRAM-MD5"],
        &["MAIL FROM:<a>"],
        &[&login],
    ] {
        let mut client = greeted(port);
        for line in lines {
            client.send_line(line);
        }
        drop(client);
    }
    check_serving(port);
}

#[test]
fn failing_backends_after_an_auth_server() {
    for (script, log) in [
        (
            &[Step::Send(b"554 go away\r\n")][..],
            "upstream sent invalid response: \"554 go away\" while reading response from upstream",
        ),
        (
            &[Step::Send(b"garbage\r\n"), Step::Stall],
            "upstream sent invalid response: \"garbage\"",
        ),
        (
            &[Step::Send(b"220 hi"), Step::Stall],
            "upstream timed out (110: Connection timed out) while connecting to upstream",
        ),
        (&[Step::Stall], "upstream timed out"),
        (&[], "client 127.0.0.1"),
        (&[Step::Send(b"22")], "client 127.0.0.1"),
        (
            &[Step::Flood(b'a')],
            "upstream sent too long response line: \"aaaa",
        ),
        (
            &[
                Step::Send(b"220 hi\r\n"),
                Step::ReadLine,
                Step::Send(b"250-half\r\n"),
            ],
            "client 127.0.0.1",
        ),
        (
            &[
                Step::Send(b"220 hi\r\n"),
                Step::ReadLine,
                Step::Send(b"421 later\r\n"),
                Step::Stall,
            ],
            "\"421 later\" while reading response from upstream",
        ),
    ] {
        let backend = ScriptedPeer::start(script);
        let auth = ScriptedPeer::auth_server(accepted(backend.port));
        let more = format!("auth_http 127.0.0.1:{}/; timeout 1s;", auth.port);
        check_internal_error(&more, log, &format!("{script:?}"));
    }
}

#[test]
fn backend_that_refuses_the_connection() {
    let auth = ScriptedPeer::auth_server(accepted(free_port()));
    let more = format!("auth_http 127.0.0.1:{}/;", auth.port);
    check_internal_error(
        &more,
        "failed (111: Connection refused) while reading response from upstream, client: 127.0.0.1",
        "connection refused",
    );
}

#[test]
fn failing_auth_servers() {
    for (script, log) in [
        (
            &[Step::ReadHeader][..],
            "prematurely closed connection while in http auth state",
        ),
        (
            &[Step::ReadHeader, Step::Send(b"HTTP/1.0 200 OK\r\nAuth-Sta")],
            "prematurely closed connection",
        ),
        (
            &[
                Step::ReadHeader,
                Step::Send(b"HTTP/1.0 200 OK\r\n"),
                Step::Flood(b'a'),
            ],
            "sent too large header",
        ),
        (
            &[Step::ReadHeader, Step::Stall],
            "timed out (110: Connection timed out) while in http auth state",
        ),
        (
            &[Step::ReadHeader, Step::Send(b"Auth-Status: OK\r\n\r\n")],
            "sent invalid response",
        ),
        (
            &[
                Step::ReadHeader,
                Step::Send(b"HTTP/1.0 200 OK\r\nA B: c\r\n\r\n"),
            ],
            "sent invalid header in response",
        ),
        (
            &[Step::ReadHeader, Step::Send(b"HTTP/1.0 200 OK\r\n\r\n")],
            "did not send server or port",
        ),
        (
            &[Step::ReadHeader, Step::Send(b"HTTP/1.0 500 x\r\n\r\n")],
            "sent status 500 without \"Auth-Status\"",
        ),
    ] {
        let auth = ScriptedPeer::start(script);
        let more = format!(
            "auth_http 127.0.0.1:{}/; auth_http_timeout 500ms;",
            auth.port
        );
        check_internal_error(&more, log, &format!("{script:?}"));
    }
    let more = format!("auth_http 127.0.0.1:{}/;", free_port());
    check_internal_error(
        &more,
        "failed (111: Connection refused) while in http auth state",
        "connection refused",
    );
}

#[test]
fn failing_backends_without_auth_server_keep_the_session_open() {
    let greeting = Step::Send(b"220 hi\r\n");
    let capabilities = Step::Send(b"250-x\r\n250 AUTH PLAIN\r\n");
    for (script, log) in [
        (
            &[Step::Send(b"554 no\r\n")][..],
            "upstream sent invalid response: \"554 no\"",
        ),
        (&[], "upstream prematurely closed connection"),
        (
            &[greeting.clone(), Step::ReadLine],
            "upstream prematurely closed connection",
        ),
        (
            &[
                greeting.clone(),
                Step::ReadLine,
                capabilities.clone(),
                Step::ReadLine,
                Step::Send(b"23"),
            ],
            "upstream prematurely closed connection while reading response from upstream",
        ),
        (
            &[
                greeting.clone(),
                Step::ReadLine,
                capabilities.clone(),
                Step::ReadLine,
                Step::Send(b"what\r\n"),
                Step::Stall,
            ],
            "\"what\" while reading response",
        ),
        (&[Step::Stall], "upstream timed out"),
    ] {
        let backend = ScriptedPeer::start(script);
        let (gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{}; timeout 1s;",
            backend.port
        ));
        let mut client = greeted(port);
        client.send_line(&format!("AUTH PLAIN {}", auth_plain("u", "hidden-word")));
        client.expect("451 4.4.1 ");
        client.send_line("NOOP");
        client.expect(OK);
        gateway.wait_for_log(log);
        assert!(!gateway.log().contains("hidden-word"));
    }
    let (_gateway, port) = gateway(&format!("proxy_pass 127.0.0.1:{};", free_port()));
    let mut client = greeted(port);
    client.send_line(&format!("AUTH PLAIN {}", auth_plain("u", "p")));
    client.expect("451 4.4.1 ");
    client.send_line("QUIT");
    client.expect("221");
}

#[test]
fn backend_decides_about_mail_without_a_login() {
    let backend = ScriptedPeer::start(&[
        Step::Send(b"220 hi\r\n"),
        Step::ReadLine,
        Step::Send(b"250 x\r\n"),
        Step::ReadLine,
        Step::Send(b"250 2.1.0 sender fine\r\n"),
        Step::ReadLine,
        Step::Send(b"550 5.1.1 nobody here\r\n"),
        Step::ReadLine,
        Step::Send(b"221 bye\r\n"),
    ]);
    let (gateway, port) = gateway(&format!(
        "smtp_auth none; smtp_capabilities DSN; proxy_pass 127.0.0.1:{};",
        backend.port
    ));
    let mut client = greeted(port);
    // All in one packet, followed by a half-close: the client still receives all replies.
    client.send(b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nQUIT\r\n");
    client.shutdown_write();
    assert_eq!(
        client.read_to_end(),
        "250-gate.test\r\n250 DSN\r\n250 2.1.0 sender fine\r\n550 5.1.1 nobody here\r\n221 bye\r\n"
    );
    let received: Vec<_> = (0..4).map(|_| backend.received()).collect();
    assert_eq!(
        received,
        ["EHLO gate.test", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "QUIT"]
    );
    gateway.wait_for_log("proxied session done, client: 127.0.0.1, server: 127.0.0.1:");
}
