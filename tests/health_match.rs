//! Active checks with a `match` block: what they send, what they expect, and what the log says when it does not come.

use support::authority::{Authority, CertificateOptions};
use support::postfix::Postfix;
use support::scripted::{ScriptedPeer, Step};
use support::tls_backend::{Backend, proxy_ssl, setup, verify};
use support::{Gateway, free_port};

/// A server whose group `g` has one peer, which is checked with this `match` block.
fn mail(port: u16, peer: u16, matching: &str, more: &str) -> String {
    format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities DSN;
            proxy_pass g;
            {more}
            upstream g {{ server 127.0.0.1:{peer}; health_check interval=20ms match=m; }}
            match m {{ {matching} }}
            server {{ listen 127.0.0.1:{port}; protocol smtp; }}
        }}"
    )
}

/// The reason in the only line about the health of this peer.
fn why_unhealthy(gateway: &Gateway, peer: u16) -> String {
    let begin = format!("upstream 127.0.0.1:{peer} is unhealthy: ");
    gateway.wait_for_log(&begin);
    let log = gateway.log();
    let mut lines = log.lines().filter_map(|line| line.split_once(&begin));
    let (_, why) = lines.next().expect("a line");
    assert!(lines.next().is_none(), "{log}");
    why.to_owned()
}

#[test]
fn what_is_sent_and_expected() {
    for (matching, script, received) in [
        // Bytes that are no text, in two pieces.
        (
            r#"send "\x80\x00\r\n"; expect "\xfe\x00ok";"#,
            vec![
                Step::ReadLine,
                Step::Send(b"no line end \xfe\0"),
                Step::Send(b"ok"),
                Step::Stall,
            ],
            Vec::new(),
        ),
        (
            r#"send "PING\r\n";"#,
            vec![Step::ReadLine, Step::Stall],
            vec!["PING"],
        ),
        (
            r#"expect ~* "^220[ -].*esmtp";"#,
            vec![Step::Send(b"220 b ESMTP\r\n"), Step::Stall],
            Vec::new(),
        ),
        (
            r#"send "NOOP\r\nQUIT\r\n"; expect ~ "(?m)^221 ";"#,
            vec![
                Step::Send(b"220 b\r\n"),
                Step::ReadLine,
                Step::Send(b"250 ok\r\n"),
                Step::ReadLine,
                Step::Send(b"221 bye\r\n"),
            ],
            vec!["NOOP", "QUIT"],
        ),
        ("", vec![Step::Stall], Vec::new()),
    ] {
        let (dead, port) = (free_port(), free_port());
        let gateway = Gateway::start(&mail(port, dead, matching, ""));
        let why = why_unhealthy(&gateway, dead);
        assert!(why.starts_with("connect() failed"), "{why}");
        let peer = ScriptedPeer::start_on(dead, &script);
        gateway.wait_for_log(&format!(
            "upstream 127.0.0.1:{dead} is healthy again after "
        ));
        for line in received {
            assert_eq!(peer.received(), line, "{matching}");
        }
    }
}

#[test]
fn what_does_not_come_is_the_reason_in_the_log() {
    for (matching, script, more, why) in [
        (
            r#"expect "220 a";"#,
            vec![Step::Send(b"421 busy\r\n")],
            "",
            "upstream prematurely closed connection, its data does not contain what match \"m\" expects: \"421 busy\\x0D\\x0A\" \
             while waiting for the data that match expects from upstream",
        ),
        // A peer may repeat what it was sent.
        (
            r#"send "LOGIN secret\r\n"; expect "220 a";"#,
            vec![Step::ReadLine, Step::Send(b"what is LOGIN secret\r\n")],
            "",
            "upstream prematurely closed connection, its data does not contain what match \"m\" expects while ",
        ),
        (
            r#"expect ~ "a$";"#,
            vec![Step::Flood(b'x')],
            "proxy_buffer 1k;",
            "the first 1024 bytes from upstream do not contain what match \"m\" expects: \"xxxx",
        ),
        (
            r#"expect "never";"#,
            vec![Step::Send(b"220 a\r\n"), Step::Stall],
            "proxy_connect_timeout 200ms;",
            "upstream timed out (110: Connection timed out) while waiting for the data that match expects from upstream",
        ),
    ] {
        let (peer, port) = (ScriptedPeer::start(&script), free_port());
        let gateway = Gateway::start(&mail(port, peer.port, matching, more));
        let found = why_unhealthy(&gateway, peer.port);
        assert!(found.starts_with(why), "{found}");
        assert!(!gateway.log().contains("secret"), "{}", gateway.log());
    }
}

#[test]
fn a_check_begins_with_the_proxy_header() {
    let script = [
        Step::ReadLine,
        Step::ReadLine,
        Step::Send(b"pong"),
        Step::Stall,
    ];
    let (peer, port) = (ScriptedPeer::start(&script), free_port());
    let matching = r#"send "ping\r\n"; expect pong;"#;
    let _gateway = Gateway::start(&mail(port, peer.port, matching, "proxy_protocol on;"));
    let header = peer.received();
    assert!(
        header.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "),
        "{header}"
    );
    assert_eq!(peer.received(), "ping");
}

#[test]
fn a_check_speaks_inside_tls() {
    let ca = Authority::new("Good CA");
    let options = CertificateOptions {
        names: &["localhost", "127.0.0.1"],
        ..CertificateOptions::default()
    };
    let certificate = ca.sign("local", options);
    for implicit in [true, false] {
        let (backend, port) = (Backend::start(setup(&certificate, implicit)), free_port());
        let more = format!(
            "proxy_ssl {}; {}",
            proxy_ssl(implicit),
            verify(&ca.certificate())
        );
        let matching = r#"send "QUIT\r\n"; expect ~ "(?m)^2[25]";"#;
        let gateway = Gateway::start(&mail(port, backend.port, matching, &more));
        let mut last = String::new();
        while last != "tls QUIT" {
            last = backend.received();
            assert_ne!(last, "clear QUIT");
        }
        assert!(!gateway.log().contains("unhealthy"), "{}", gateway.log());
    }
}

#[test]
fn the_banner_of_postfix() {
    let postfix = Postfix::start();
    let port = free_port();
    let good = r#"expect ~ "^220 .* ESMTP";"#;
    let bad = r#"expect ~ "^220 .* Sendmail";"#;
    let more = "proxy_connect_timeout 1s;";
    let gateway = Gateway::start(&mail(port, postfix.port, bad, more));
    let why = why_unhealthy(&gateway, postfix.port);
    assert!(
        why.starts_with("upstream timed out (110: Connection timed out) while waiting"),
        "{why}"
    );
    gateway.rewrite(&mail(port, postfix.port, good, more));
    gateway.reload();
    gateway.wait_for_log(&format!(
        "upstream 127.0.0.1:{} is healthy again after ",
        postfix.port
    ));
}
