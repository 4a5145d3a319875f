//! What the directives of the dialogue with an SMTP backend change in it: `proxy_smtp_auth`, `proxy_smtp_helo`, `xclient`,
//! `proxy_protocol`.

mod support;

use std::io::Write;
use std::net::TcpListener;

use support::mock::{Act, Mock};
use support::{Gateway, Smtp, free_port, plain, wait_until};

const PLAIN: &str = "AUTH PLAIN AGpvZQBzZWNyZXQ=";

/// A gateway whose auth server lets everybody in, to the backend `acts`. Logs in, and tells what the client heard.
fn log_in(more: &str, hello: &str, backend: &Mock) -> (Gateway, String) {
    let answer: &'static str = format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\n\r\n",
        backend.port
    )
    .leak();
    let auth = Mock::new(&[Act::Header, Act::Send(answer.as_bytes())]);
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            auth_http 127.0.0.1:{};
            server {{ listen 127.0.0.1:{port}; protocol smtp; {more} }}
        }}",
        auth.port
    ));
    let mut client = Smtp::connect(port);
    client.expect("220");
    if !hello.is_empty() {
        client.say(hello);
        client.expect("250");
    }
    client.say(&format!("AUTH PLAIN {}", plain("joe", "secret")));
    (gateway, client.hear())
}

#[test]
fn proxy_smtp_auth_chooses_the_mechanism() {
    for (directive, offers, by_plain) in [
        ("on", &b"250-b\r\n250 AUTH PLAIN LOGIN\r\n"[..], true),
        ("on", b"250-b\r\n250 AUTH LOGIN PLAIN\r\n", true),
        ("on", b"250-b\r\n250 AUTH LOGIN\r\n", false),
        ("on", b"250-b\r\n250 AUTH CRAM-MD5\r\n", true),
        ("on", b"250 b\r\n", true),
        ("plain", b"250-b\r\n250 AUTH LOGIN\r\n", true),
        ("login", b"250-b\r\n250 AUTH PLAIN\r\n", false),
        ("login", b"250 b\r\n", false),
    ] {
        let mut acts = vec![
            Act::Send(b"220 b\r\n"),
            Act::Line,
            Act::Send(offers),
            Act::Line,
        ];
        if !by_plain {
            let question = b"334 x\r\n";
            acts.extend([
                Act::Send(question),
                Act::Line,
                Act::Send(question),
                Act::Line,
            ]);
        }
        acts.push(Act::Send(b"235 in\r\n"));
        let backend = Mock::new(&acts);
        let more = format!("xclient off; proxy_smtp_auth {directive};");
        let (gateway, heard) = log_in(&more, "EHLO c", &backend);
        let case = format!("{directive} {}", String::from_utf8_lossy(offers));
        assert_eq!(heard, "235 2.0.0 OK\r\n", "{case}{}", gateway.log());
        assert_eq!(backend.heard(), "EHLO gate.test");
        let said = [(); 3].map(|()| match by_plain {
            true => String::new(),
            false => backend.heard(),
        });
        if by_plain {
            assert_eq!(backend.heard(), PLAIN, "{case}");
        } else {
            assert_eq!(said, ["AUTH LOGIN", "am9l", "c2VjcmV0"], "{case}");
        }
    }
}

#[test]
fn proxy_smtp_helo_chooses_the_name() {
    for (more, hello, said) in [
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
        // A client without a name has none to pass on.
        ("xclient off; proxy_smtp_helo client;", "", "HELO gate.test"),
        // XCLIENT is used: the client's name comes behind it.
        (
            "xclient on; proxy_smtp_helo client;",
            "EHLO c.test",
            "EHLO gate.test",
        ),
    ] {
        let mut acts = vec![Act::Send(b"220 b\r\n"), Act::Line, Act::Send(b"250 b\r\n")];
        if more.starts_with("xclient on") {
            acts.extend([
                Act::Line,
                Act::Send(b"220 b\r\n"),
                Act::Line,
                Act::Send(b"250 b\r\n"),
            ]);
        }
        let backend = Mock::new(&acts);
        let (_gateway, heard) = log_in(more, hello, &backend);
        assert_eq!(heard, "235 2.0.0 OK\r\n", "{more} {hello}");
        assert_eq!(backend.heard(), said, "{more} {hello}");
        if more.starts_with("xclient on") {
            assert!(
                backend
                    .heard()
                    .starts_with("XCLIENT ADDR=127.0.0.1 LOGIN=joe ")
            );
            assert_eq!(backend.heard(), hello);
        }
    }
}

#[test]
fn proxy_smtp_helo_is_the_judge_s_too() {
    for (more, said) in [
        ("xclient off;", "EHLO gate.test"),
        ("xclient off; proxy_smtp_helo client;", "EHLO c.test"),
    ] {
        let backend = Mock::new(&[
            Act::Send(b"220 b\r\n"),
            Act::Line,
            Act::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
            Act::Line,
            Act::Send(b"235 in\r\n"),
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
        let mut client = Smtp::connect(port);
        client.expect("220");
        client.say("EHLO c.test");
        client.expect("250");
        client.say(PLAIN);
        client.expect("235");
        assert_eq!(backend.heard(), said);
        assert_eq!(backend.heard(), PLAIN);
    }
}

/// A backend that offers PROXY where a header came, else BARE.
fn two_faced() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = std::io::BufReader::new(stream);
            let _ = stream.get_mut().write_all(b"220 backend\r\n");
            let mut word = "BARE";
            let mut line = String::new();
            while std::io::BufRead::read_line(&mut stream, &mut line).is_ok_and(|read| read > 0) {
                match line.split(' ').next() {
                    Some("PROXY") => word = "PROXY",
                    Some("EHLO") => {
                        let reply = format!("250-backend\r\n250 {word}\r\n");
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
fn what_a_backend_offers_behind_a_header_is_known_apart() {
    let (backend, with, without) = (two_faced(), free_port(), free_port());
    let _gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            proxy_pass 127.0.0.1:{backend};
            server {{ listen 127.0.0.1:{with}; protocol smtp; proxy_protocol on; }}
            server {{ listen 127.0.0.1:{without}; protocol smtp; }}
        }}"
    ));
    let offered = |port| {
        let mut client = Smtp::connect(port);
        client.expect("220");
        client.say("EHLO client.test");
        client.expect("250")
    };
    for (port, word, other) in [(with, "PROXY", "BARE"), (without, "BARE", "PROXY")] {
        let mut heard = String::new();
        wait_until("the list", || {
            heard = offered(port);
            heard.contains(word) || heard.contains(other)
        });
        assert!(heard.contains(word), "{heard}");
    }
    // Each is still what it was.
    assert!(offered(with).contains("PROXY") && offered(without).contains("BARE"));
}
