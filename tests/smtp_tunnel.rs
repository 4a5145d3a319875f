//! SMTP after the login: commands that a backend must not get from clients, backends that die, and the open relay guard.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use socket2::SockRef;
use support::scripted::{ScriptedPeer, Step};
use support::smtp_gateway::{gateway, mail_block};
use support::{LineClient, auth_plain, wait_until};

const NONE: &str = "smtp_auth none;";

/// A backend that plays these lines: `>` reads a line, others are sent.
fn backend(lines: &[&'static str]) -> ScriptedPeer {
    let step = |line: &&'static str| match *line {
        ">" => Step::ReadLine,
        text => Step::send(format!("{text}\r\n")),
    };
    let steps: Vec<_> = lines.iter().map(step).chain([Step::Stall]).collect();
    ScriptedPeer::start(&steps)
}

fn received(backend: &ScriptedPeer, lines: &[&str]) {
    for line in lines {
        assert_eq!(backend.received(), *line);
    }
}

/// The directives that lead to a backend without a login, by `proxy_pass` or by the auth server.
fn ways(backend: u16, more: &str) -> [(String, Option<ScriptedPeer>); 2] {
    let auth = ScriptedPeer::auth_server(format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {backend}\r\n\r\n"
    ));
    [
        (
            format!("{NONE} {more} proxy_pass 127.0.0.1:{backend}; smtp_capabilities DSN;"),
            None,
        ),
        (
            format!("{NONE} {more} auth_http 127.0.0.1:{}/;", auth.port),
            Some(auth),
        ),
    ]
}

/// What the backend announces, what the gateway sends, and whether the auth server decides.
struct Trusting {
    xclient: &'static str,
    hello: &'static str,
    before_mail: &'static [&'static str],
    way: usize,
}

#[test]
fn a_clients_own_xclient_does_not_reach_the_backend() {
    const XCLIENT: &[&str] = &["250-b", "250 XCLIENT ADDR NAME", ">", "220 b", ">", "250 b"];
    const UNANNOUNCED: &[&str] = &["250 b", ">", "220 b", ">", "250 b"];
    const XFORWARD: &[&str] = &["250-b", "250 XFORWARD ADDR"];
    let case = |xclient, hello, before_mail, way| Trusting {
        xclient,
        hello,
        before_mail,
        way,
    };
    for Trusting {
        xclient,
        hello,
        before_mail,
        way,
    } in [
        case("on", "EHLO", XCLIENT, 0),
        case("on", "EHLO", XCLIENT, 1),
        case("on", "EHLO", UNANNOUNCED, 1),
        case("off", "EHLO", XFORWARD, 0),
        case("off", "EHLO", XFORWARD, 1),
        // A backend that was not asked may know XCLIENT.
        case("off", "HELO", &["250 b"], 1),
    ] {
        let answers = [
            ">", "250 mail", ">", "250 rcpt", ">", "250 noop", ">", "250 rset",
        ];
        let backend = backend(&[&["220 b", ">"], before_mail, &answers].concat());
        let (directives, _auth) = &ways(backend.port, &format!("xclient {xclient};"))[way];
        let (gateway, port) = gateway(directives);
        let mut client = LineClient::connect(port);
        client.expect("220");
        client.converse(&[
            (&format!("{hello} c.test"), "250"),
            ("MAIL FROM:<a@c.test>", "250"),
            ("RCPT TO:<b@b.test>", "250 rcpt"),
        ]);
        client.send(b"NOOP\r\nxclient ADDR=192.0.2.1\r\nXFORWARD ADDR=192.0.2.1\r\nRSET\r\n");
        for reply in ["250 noop", "550 5.7.0", "550 5.7.0", "250 rset"] {
            client.expect(reply);
        }
        let lines: Vec<_> = std::iter::from_fn(|| Some(backend.received()))
            .take_while(|line| line != "RSET")
            .collect();
        assert!(
            !lines.iter().any(|line| line.contains("192.0.2.1")),
            "{lines:?}"
        );
        let line = "client command was not passed on: \"550 5.7.0 Command not permitted\" while proxying and reading from client";
        assert_eq!(gateway.log().matches(line).count(), 2, "{}", gateway.log());
    }
}

#[test]
fn other_tunnels_do_not_look_at_commands() {
    let backend = backend(&[
        "220 b", ">", "250-b", "250 DSN", ">", "250 mail", ">", "250 told",
    ]);
    let (directives, _) = &ways(backend.port, "")[0];
    let (_gateway, port) = gateway(directives);
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.converse(&[
        ("EHLO c.test", "250"),
        ("MAIL FROM:<a@c.test>", "250 mail"),
        ("XCLIENT ADDR=192.0.2.1", "250 told"),
    ]);
    received(
        &backend,
        &[
            "EHLO gate.test",
            "MAIL FROM:<a@c.test>",
            "XCLIENT ADDR=192.0.2.1",
        ],
    );
}

#[test]
fn refusals_are_limited_by_max_errors() {
    let backend = backend(&[
        "220 b",
        ">",
        "250-b",
        "250-XFORWARD",
        "250 AUTH PLAIN",
        ">",
        "235 ok",
    ]);
    let (gateway, port) = gateway(&format!(
        "max_errors 2; proxy_pass 127.0.0.1:{};",
        backend.port
    ));
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.send(format!("EHLO c\r\nAUTH PLAIN {}\r\n", auth_plain("joe", "secret")).as_bytes());
    client.expect("250");
    client.expect("235");
    client.send(&b"XFORWARD NAME=a\r\n".repeat(900));
    let refused = "550 5.7.0 Command not permitted\r\n";
    assert_eq!(client.read_to_end(), refused.repeat(2));
    gateway.wait_for_log(
        "client sent too many invalid commands while proxying and reading from client",
    );
}

/// A backend for one message whose content ends with a reset.
fn dying_backend(announced: &'static str) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let serve = move |stream: TcpStream| {
        let mut reader = BufReader::new(stream);
        let mut say = |text: &str| {
            let mut line = String::new();
            reader
                .get_mut()
                .write_all(text.as_bytes())
                .expect("to send");
            reader.read_line(&mut line).expect("a line");
        };
        say("220 b\r\n");
        say(&format!("250-b\r\n250-{announced}\r\n250 AUTH PLAIN\r\n"));
        say("235 ok\r\n");
        say("354 go\r\n");
        let socket = reader.into_inner();
        SockRef::from(&socket)
            .set_linger(Some(std::time::Duration::ZERO))
            .expect("SO_LINGER");
    };
    let thread = std::thread::spawn(move || serve(listener.accept().expect("the gateway").0));
    (port, thread)
}

#[test]
fn a_backend_that_dies_during_an_upload_is_logged() {
    for announced in ["DSN", "XFORWARD"] {
        let (backend, thread) = dying_backend(announced);
        let (gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{backend}; smtp_capabilities DSN;"
        ));
        let mut client = LineClient::connect(port);
        client.expect("220");
        client.converse(&[
            (
                &format!("AUTH PLAIN {}", auth_plain("joe", "secret")),
                "235",
            ),
            ("DATA", "354"),
        ]);
        client.send_line("a line of the message");
        thread.join().expect("the backend");
        assert_eq!(client.read_to_end(), "");
        let lines = [
            "recv() failed (104: Connection reset by peer) while proxying and reading from upstream, client: 127.0.0.1",
            "send() failed (104: Connection reset by peer) while proxying and sending to upstream, client: 127.0.0.1",
            "send() failed (32: Broken pipe) while proxying and sending to upstream, client: 127.0.0.1",
        ];
        wait_until("the line", || {
            lines.iter().any(|line| gateway.log().contains(line))
        });
        let upstream = format!("upstream: 127.0.0.1:{backend}");
        let log = gateway.log();
        let line = log.lines().find(|line| line.contains("while proxying"));
        assert!(
            line.is_some_and(|line| line.contains("[error]") && line.ends_with(&upstream)),
            "{log}"
        );
    }
}

#[test]
fn an_open_relay_is_an_error_in_the_log_of_the_first_session() {
    let text = "a client may send without a login (\"smtp_auth none\"), and the backend";
    for (directives, announced, want) in [
        (
            "",
            "250 DSN",
            Some("announces no XCLIENT and sees every client"),
        ),
        (
            "xclient off;",
            "250 XCLIENT ADDR",
            Some("sees every client"),
        ),
        (
            "",
            "250 XCLIENT NAME",
            Some("announces no XCLIENT and sees every client"),
        ),
        ("", "250 XCLIENT ADDR", None),
        ("proxy_protocol on;", "250 DSN", None),
    ] {
        let mut script = vec!["220 b", ">", "250-b", announced];
        if directives.is_empty() && announced.contains("XCLIENT") {
            script.extend([">", "220 b", ">", "250 b"]);
        }
        if directives.contains("proxy_protocol") {
            script.insert(0, ">");
        }
        script.extend([">", "250 mail"]);
        let backend = backend(&script);
        let more = format!(
            "{NONE} {directives} smtp_capabilities DSN; proxy_pass 127.0.0.1:{};",
            backend.port
        );
        let (gateway, port) = gateway(&more);
        let session = || {
            let mut client = LineClient::connect(port);
            client.expect("220");
            client.converse(&[("EHLO c.test", "250"), ("MAIL FROM:<a@c.test>", "250 mail")]);
        };
        session();
        session();
        let log = gateway.log();
        let lines: Vec<_> = log.lines().filter(|line| line.contains(text)).collect();
        assert_eq!(
            lines.len(),
            usize::from(want.is_some()),
            "{directives} {announced}: {log}"
        );
        if let Some(want) = want {
            let start = format!(
                "{text} {want} under the gateway's address: a backend that trusts that address"
            );
            assert!(
                lines[0].contains(&start) && lines[0].contains("[error]"),
                "{}",
                lines[0]
            );
            // A new configuration says it again.
            gateway.rewrite(&mail_block(port, &more));
            gateway.reload();
            session();
            assert_eq!(gateway.log().matches(text).count(), 2);
        }
    }
}
