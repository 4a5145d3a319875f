//! The directives that change the dialogue with an SMTP backend: `proxy_smtp_auth`, `proxy_smtp_helo`, `xclient`,
//! `proxy_protocol`.

use std::io::Write;
use std::net::TcpListener;

use support::auth_server::accepted;
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port, wait_until};

const PLAIN: &str = "AUTH PLAIN AGpvZQBzZWNyZXQ=";

/// Logs in at a gateway whose auth server accepts everybody and names this backend; returns the gateway and the reply.
fn log_in(more: &str, hello: &str, backend: &ScriptedPeer) -> (Gateway, String) {
    let auth = ScriptedPeer::auth_server(accepted(backend.port));
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            auth_http 127.0.0.1:{};
            server {{ listen 127.0.0.1:{port}; protocol smtp; {more} }}
        }}",
        auth.port
    ));
    let mut client = LineClient::connect(port);
    client.expect("220");
    if !hello.is_empty() {
        client.send_line(hello);
        client.expect("250");
    }
    let reply = client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    (gateway, reply)
}

#[test]
fn proxy_smtp_auth_selects_the_mechanism() {
    for (directive, capabilities, uses_plain) in [
        ("on", &b"250-b\r\n250 AUTH PLAIN LOGIN\r\n"[..], true),
        ("on", b"250-b\r\n250 AUTH LOGIN PLAIN\r\n", true),
        ("on", b"250-b\r\n250 AUTH LOGIN\r\n", false),
        ("on", b"250-b\r\n250 AUTH CRAM-MD5\r\n", true),
        ("on", b"250 b\r\n", true),
        ("plain", b"250-b\r\n250 AUTH LOGIN\r\n", true),
        ("login", b"250-b\r\n250 AUTH PLAIN\r\n", false),
        ("login", b"250 b\r\n", false),
    ] {
        let mut script = vec![
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(capabilities),
            Step::ReadLine,
        ];
        if !uses_plain {
            let challenge = b"334 x\r\n";
            script.extend([
                Step::Send(challenge),
                Step::ReadLine,
                Step::Send(challenge),
                Step::ReadLine,
            ]);
        }
        script.push(Step::Send(b"235 in\r\n"));
        let backend = ScriptedPeer::start(&script);
        let more = format!("xclient off; proxy_smtp_auth {directive};");
        let (gateway, reply) = log_in(&more, "EHLO c", &backend);
        let case = format!("{directive} {}", String::from_utf8_lossy(capabilities));
        assert_eq!(reply, "235 2.0.0 OK\r\n", "{case}{}", gateway.log());
        assert_eq!(backend.received(), "EHLO gate.test");
        let lines = [(); 3].map(|()| match uses_plain {
            true => String::new(),
            false => backend.received(),
        });
        if uses_plain {
            assert_eq!(backend.received(), PLAIN, "{case}");
        } else {
            assert_eq!(lines, ["AUTH LOGIN", "am9l", "c2VjcmV0"], "{case}");
        }
    }
}

#[test]
fn proxy_smtp_helo_selects_the_name() {
    for (more, hello, expected) in [
        ("xclient off;", "EHLO c.test", "EHLO gate.test"),
        (
            "xclient off; proxy_smtp_helo server;",
            "EHLO c.test",
            "EHLO gate.test",
        ),
        (
            "xclient off; proxy_smtp_helo client;",
            "EHLO c.test",
            "EHLO c.test",
        ),
        (
            "xclient off; proxy_smtp_helo client;",
            "HELO c.test",
            "HELO c.test",
        ),
        // The client sent no HELO.
        ("xclient off; proxy_smtp_helo client;", "", "HELO gate.test"),
        // With XCLIENT the client's HELO follows it.
        (
            "xclient on; proxy_smtp_helo client;",
            "EHLO c.test",
            "EHLO gate.test",
        ),
    ] {
        let mut script = vec![
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(b"250 b\r\n"),
        ];
        if more.starts_with("xclient on") {
            script.extend([
                Step::ReadLine,
                Step::Send(b"220 b\r\n"),
                Step::ReadLine,
                Step::Send(b"250 b\r\n"),
            ]);
        }
        let backend = ScriptedPeer::start(&script);
        let (_gateway, reply) = log_in(more, hello, &backend);
        assert_eq!(reply, "235 2.0.0 OK\r\n", "{more} {hello}");
        assert_eq!(backend.received(), expected, "{more} {hello}");
        if more.starts_with("xclient on") {
            assert!(
                backend
                    .received()
                    .starts_with("XCLIENT ADDR=127.0.0.1 LOGIN=joe ")
            );
            assert_eq!(backend.received(), hello);
        }
    }
}

#[test]
fn proxy_smtp_helo_applies_without_auth_http() {
    for (more, expected) in [
        ("xclient off;", "EHLO gate.test"),
        ("xclient off; proxy_smtp_helo client;", "EHLO c.test"),
    ] {
        let backend = ScriptedPeer::start(&[
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
            Step::ReadLine,
            Step::Send(b"235 in\r\n"),
        ]);
        let port = free_port();
        let _gateway = Gateway::start(&format!(
            "mail {{
                server_name gate.test;
                smtp_capabilities DSN;
                proxy_pass 127.0.0.1:{};
                server {{ listen 127.0.0.1:{port}; protocol smtp; {more} }}
            }}",
            backend.port
        ));
        let mut client = LineClient::connect(port);
        client.expect("220");
        client.send_line("EHLO c.test");
        client.expect("250");
        client.send_line(PLAIN);
        client.expect("235");
        assert_eq!(backend.received(), expected);
        assert_eq!(backend.received(), PLAIN);
    }
}

/// A backend that announces PROXY if it received a PROXY header, else BARE.
fn header_aware_backend() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = std::io::BufReader::new(stream);
            let _ = stream.get_mut().write_all(b"220 backend\r\n");
            let mut capability = "BARE";
            let mut line = String::new();
            while std::io::BufRead::read_line(&mut stream, &mut line).is_ok_and(|read| read > 0) {
                match line.split(' ').next() {
                    Some("PROXY") => capability = "PROXY",
                    Some("EHLO") => {
                        let reply = format!("250-backend\r\n250 {capability}\r\n");
                        let _ = stream.get_mut().write_all(reply.as_bytes());
                    }
                    _ => {}
                }
                line.clear();
            }
        }
    });
    port
}

#[test]
fn capabilities_are_cached_separately_with_and_without_proxy_header() {
    let (backend, with, without) = (header_aware_backend(), free_port(), free_port());
    let _gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            proxy_pass 127.0.0.1:{backend};
            server {{ listen 127.0.0.1:{with}; protocol smtp; proxy_protocol on; }}
            server {{ listen 127.0.0.1:{without}; protocol smtp; }}
        }}"
    ));
    let capabilities = |port| {
        let mut client = LineClient::connect(port);
        client.expect("220");
        client.send_line("EHLO client.test");
        client.expect("250")
    };
    for (port, expected, other) in [(with, "PROXY", "BARE"), (without, "BARE", "PROXY")] {
        let mut reply = String::new();
        wait_until("the backend's capabilities", || {
            reply = capabilities(port);
            reply.contains(expected) || reply.contains(other)
        });
        assert!(reply.contains(expected), "{reply}");
    }
    assert!(capabilities(with).contains("PROXY") && capabilities(without).contains("BARE"));
}

#[test]
fn xclient_announced_follows_the_announcement() {
    for (announced, expected) in [
        (
            &b"250-b\r\n250 XCLIENT NAME ADDR LOGIN\r\n"[..],
            "XCLIENT ADDR=127.0.0.1 LOGIN=joe NAME=[UNAVAILABLE]",
        ),
        (
            b"250-b\r\n250 XCLIENT PROTO ADDR\r\n",
            "XCLIENT ADDR=127.0.0.1",
        ),
        (b"250 b\r\n", ""),
    ] {
        let opening = [
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(announced),
        ];
        let after = [
            Step::ReadLine,
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(b"250 b\r\n"),
        ];
        let script = match expected {
            "" => opening.to_vec(),
            _ => [&opening[..], &after].concat(),
        };
        let backend = ScriptedPeer::start(&script);
        // A client that sent HELO gets EHLO towards the backend: only its answer has the announcement.
        let (_gateway, reply) = log_in("xclient announced;", "HELO c.test", &backend);
        assert_eq!(reply, "235 2.0.0 OK\r\n", "{expected}");
        assert_eq!(backend.received(), "EHLO gate.test");
        if !expected.is_empty() {
            assert_eq!(backend.received(), expected);
            assert_eq!(backend.received(), "EHLO c.test");
        }
    }
}
