//! Clients that fall silent, do not read, half-close or leave, in each phase of a session.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use support::scripted::{ScriptedPeer, Step};
use support::{Certificate, Gateway, LineClient, TIMEOUT, auth_plain, free_port};

/// A gateway with SMTP, IMAP and POP3; returns the ports in this order.
fn gateway(more: &str) -> (Gateway, [u16; 3]) {
    let ports = [free_port(), free_port(), free_port()];
    let [smtp, imap, pop3] = ports;
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_auth plain login cram-md5 none;
            {more}
            server {{ listen 127.0.0.1:{smtp}; protocol smtp; }}
            server {{ listen 127.0.0.1:{imap}; protocol imap; }}
            server {{ listen 127.0.0.1:{pop3}; protocol pop3; }}
        }}"
    ));
    (gateway, ports)
}

/// Sends a text and reads to the end of the stream.
fn send_and_wait(port: u16, text: &str) -> String {
    let mut client = LineClient::connect(port);
    client.send(text.as_bytes());
    client.read_to_end()
}

#[test]
fn silent_clients_time_out() {
    let refused = "HTTP/1.0 200 OK\r\nAuth-Status: no\r\nAuth-Wait: 1\r\n\r\n";
    let auth = ScriptedPeer::auth_server(refused);
    let (gateway, ports) = gateway(&format!(
        "timeout 700ms; auth_http 127.0.0.1:{};",
        auth.port
    ));
    let login = auth_plain("joe", "secret");
    let phases: [(&str, &[&str]); 3] = [
        (
            "421 4.4.2 gate.test timeout exceeded\r\n",
            &[
                "",
                "NOO",
                "EHLO a\r\n",
                "AUTH PLAIN\r\n",
                "AUTH LOGIN\r\ndQ==\r\n",
                "AUTH CRAM-MD5\r\n",
                "AUTH CRAM-MD5\r\nabc",
                "MAIL FROM:<a>\r\n",
                &format!("AUTH PLAIN {login}\r\n"),
            ],
        ),
        (
            "* BYE timeout\r\n",
            &[
                "",
                "a",
                "a NOOP\r\n",
                "a AUTHENTICATE PLAIN\r\n",
                "a LOGIN {3}\r\n",
                "a LOGIN {3}\r\nab",
                &format!("a AUTHENTICATE PLAIN {login}\r\n"),
            ],
        ),
        (
            // RFC 1939, section 3: POP3 closes without a response.
            "",
            &[
                "",
                "CAP",
                "NOOP\r\n",
                "USER u\r\n",
                "AUTH PLAIN\r\n",
                &format!("AUTH PLAIN {login}\r\n"),
            ],
        ),
    ];
    let mut count = 0;
    std::thread::scope(|scope| {
        for (port, (message, phases)) in ports.into_iter().zip(phases) {
            for text in phases {
                count += 1;
                scope.spawn(move || {
                    let received = send_and_wait(port, text);
                    assert!(received.ends_with(message), "{text:?}: {received:?}");
                    let count = received.matches("timeout").count();
                    let expected = usize::from(!message.is_empty());
                    assert_eq!(count, expected, "{text:?}: {received:?}");
                });
            }
        }
    });
    let log = gateway.log();
    let line =
        "client timed out (110: Connection timed out) while in auth state, client: 127.0.0.1";
    assert_eq!(log.matches(line).count(), count, "{log}");
}

#[test]
fn silence_around_the_greeting_times_out() {
    let certificate = Certificate::new();
    let (implicit, starttls, delayed) = (free_port(), free_port(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            timeout 700ms;
            proxy_pass 127.0.0.1:9;
            ssl_certificate {};
            ssl_certificate_key {};
            server {{ listen 127.0.0.1:{implicit} ssl; protocol imap; }}
            server {{ listen 127.0.0.1:{starttls}; protocol pop3; starttls on; }}
            server {{ listen 127.0.0.1:{delayed}; protocol smtp; smtp_greeting_delay 300ms; }}
        }}",
        certificate.chain().display(),
        certificate.key().display(),
    ));
    // Half a ClientHello.
    let hello = "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}";
    for text in ["", hello] {
        assert_eq!(send_and_wait(implicit, text), "");
    }
    for text in ["STLS\r\n", &format!("STLS\r\n{hello}")] {
        assert_eq!(send_and_wait(starttls, text), "+OK POP3 ready\r\n+OK\r\n");
    }
    assert_eq!(
        send_and_wait(delayed, ""),
        "220 gate.test ESMTP ready\r\n421 4.4.2 gate.test timeout exceeded\r\n"
    );
    let log = gateway.log();
    let line = "client timed out (110: Connection timed out) while ";
    assert_eq!(log.matches(line).count(), 5, "{log}");
}

#[test]
fn clients_that_do_not_read_time_out() {
    for (protocol, command) in [
        ("smtp", "NOOP\r\n"),
        ("imap", "a NOOP\r\n"),
        ("pop3", "NOOP\r\n"),
    ] {
        let port = free_port();
        let gateway = Gateway::start(&format!(
            "mail {{ timeout 700ms; max_commands 100000000; proxy_pass 127.0.0.1:9;
                server {{ listen 127.0.0.1:{port} sndbuf=4k rcvbuf=4k; protocol {protocol}; }} }}"
        ));
        let mut client = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        client.set_write_timeout(Some(TIMEOUT)).expect("a time-out");
        // When the buffers are full the gateway stops reading, and then closes.
        let commands = command.repeat(1000);
        let error = loop {
            if let Err(error) = client.write_all(commands.as_bytes()) {
                break error;
            }
        };
        let kinds = [
            std::io::ErrorKind::ConnectionReset,
            std::io::ErrorKind::BrokenPipe,
        ];
        assert!(kinds.contains(&error.kind()), "{error}");
        gateway.wait_for_log("client timed out (110: Connection timed out) while in auth state");
    }
}

#[test]
fn a_client_that_does_not_read_in_the_tunnel_times_out() {
    for announced in ["DSN", "XFORWARD NAME"] {
        let backend = ScriptedPeer::start(&[
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::send(format!("250-b\r\n250-{announced}\r\n250 AUTH PLAIN\r\n")),
            Step::ReadLine,
            Step::Send(b"235 in\r\n214-"),
            Step::Flood(b'x'),
        ]);
        let (gateway, [smtp, ..]) = gateway(&format!(
            "proxy_timeout 700ms; xclient off; smtp_capabilities DSN; proxy_pass 127.0.0.1:{};",
            backend.port
        ));
        let mut client = LineClient::connect(smtp);
        let login = auth_plain("joe", "secret");
        client.send(format!("AUTH PLAIN {login}\r\nHELP\r\n").as_bytes());
        client.expect("220");
        client.expect("235");
        gateway.wait_for_log("timed out (110: Connection timed out) while proxying");
    }
}

/// Accepts a connection, sends the greeting and reads up to `end`; calls `leave` and waits for the connection to close.
fn expect_close(listener: &TcpListener, greeting: &str, end: &str, leave: impl FnOnce()) {
    let (mut peer, _) = listener.accept().expect("a connection");
    peer.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    peer.write_all(greeting.as_bytes()).expect("to greet");
    let mut received = String::new();
    let mut bytes = [0; 1000];
    while !received.contains(end) {
        let count = peer.read(&mut bytes).expect("data");
        assert_ne!(count, 0, "closed after {received:?}");
        received.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    leave();
    assert_eq!(peer.read(&mut bytes).expect("the end"), 0);
}

#[test]
fn clients_that_leave_end_pending_connections() {
    // The limits for the auth server and the backend are an hour: only the client's close can end their connections.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let peer = listener.local_addr().expect("its number").port();
    let login = auth_plain("joe", "secret");
    let lines = [
        format!("AUTH PLAIN {login}\r\n"),
        format!("a AUTHENTICATE PLAIN {login}\r\n"),
        format!("AUTH PLAIN {login}\r\n"),
    ];
    let (_gateway, ports) = gateway(&format!(
        "timeout 1h; auth_http_timeout 1h; auth_http 127.0.0.1:{peer};"
    ));
    for (port, line) in ports.into_iter().zip(&lines) {
        let mut client = LineClient::connect(port);
        client.send(line.as_bytes());
        expect_close(&listener, "", "\r\n\r\n", || drop(client));
    }
    let mut client = LineClient::connect(ports[0]);
    client.send(b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\n");
    expect_close(&listener, "", "\r\n\r\n", || drop(client));

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let peer = listener.local_addr().expect("its number").port();
    let (_gateway, ports) = gateway(&format!(
        "timeout 1h; proxy_pass 127.0.0.1:{peer}; smtp_capabilities DSN; imap_capabilities X; pop3_capabilities X;"
    ));
    let greetings = [
        ("220 b\r\n", "EHLO"),
        ("* OK b\r\n", "\r\n"),
        ("+OK b\r\n", "\r\n"),
    ];
    for ((port, line), (greeting, command)) in ports.into_iter().zip(&lines).zip(greetings) {
        let mut client = LineClient::connect(port);
        client.send(line.as_bytes());
        expect_close(&listener, greeting, command, || drop(client));
    }
}

/// Sends a text, half-closes and reads to the end of the stream.
fn send_and_half_close(port: u16, text: &str) -> String {
    let mut client = LineClient::connect(port);
    client.send(text.as_bytes());
    client.shutdown_write();
    client.read_to_end()
}

#[test]
fn half_closing_clients_get_every_reply() {
    let ready = "220 gate.test ESMTP ready\r\n";
    let refused = "HTTP/1.0 200 OK\r\nAuth-Status: no\r\nAuth-Wait: 1\r\n\r\n";
    let auth = ScriptedPeer::auth_server(refused);
    let (_gateway, [smtp, imap, pop3]) = gateway(&format!("auth_http 127.0.0.1:{};", auth.port));
    let login = auth_plain("joe", "secret");
    let bye = "221 2.0.0 Bye\r\n";
    for (text, replies) in [
        ("", String::new()),
        ("QUIT\r\n", bye.into()),
        ("NOOP\r\nRSET", "250 2.0.0 OK\r\n".into()),
        ("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n".into()),
        (
            &format!("AUTH PLAIN {login}\r\nNOOP\r\nQUIT\r\n"),
            format!("535 5.7.0 no\r\n250 2.0.0 OK\r\n{bye}"),
        ),
        (
            "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nQUIT\r\n",
            format!("250 2.0.0 OK\r\n535 5.7.0 no\r\n{bye}"),
        ),
    ] {
        assert_eq!(
            send_and_half_close(smtp, text),
            format!("{ready}{replies}"),
            "{text:?}"
        );
    }
    assert_eq!(
        send_and_half_close(
            imap,
            &format!("a AUTHENTICATE PLAIN {login}\r\nb LOGOUT\r\n")
        ),
        "* OK IMAP4 ready\r\na NO no\r\n* BYE\r\nb OK completed\r\n"
    );
    assert_eq!(
        send_and_half_close(pop3, "USER joe\r\nPASS secret\r\nQUIT\r\n"),
        "+OK POP3 ready\r\n+OK\r\n-ERR no\r\n+OK\r\n"
    );
}

#[test]
fn half_close_in_early_phases_and_in_the_tunnel() {
    let certificate = Certificate::new();
    let backend = ScriptedPeer::start(&[
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
        Step::ReadLine,
        Step::Send(b"235 in\r\n"),
        Step::ReadLine,
        Step::Send(b"221 gone\r\n"),
    ]);
    let (header, delay, tls) = (free_port(), free_port(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities DSN;
            proxy_pass 127.0.0.1:{};
            ssl_certificate {};
            ssl_certificate_key {};
            server {{ listen 127.0.0.1:{header} proxy_protocol; protocol smtp; }}
            server {{ listen 127.0.0.1:{delay}; protocol smtp; smtp_greeting_delay 30s; }}
            server {{ listen 127.0.0.1:{tls}; protocol smtp; starttls on; }}
        }}",
        backend.port,
        certificate.chain().display(),
        certificate.key().display(),
    ));
    let ready = "220 gate.test ESMTP ready\r\n";
    let login = auth_plain("joe", "secret");
    // After the PROXY header: login and tunnel are served.
    let text = format!("PROXY UNKNOWN\r\nAUTH PLAIN {login}\r\nQUIT\r\n");
    assert_eq!(
        send_and_half_close(header, &text),
        format!("{ready}235 2.0.0 OK\r\n221 gone\r\n")
    );
    // In the PROXY header and in the greeting delay the session ends.
    assert_eq!(send_and_half_close(header, "PROXY UNK"), "");
    assert_eq!(send_and_half_close(delay, ""), "");
    // Before the handshake there is no further reply.
    assert_eq!(
        send_and_half_close(tls, "STARTTLS\r\n"),
        format!("{ready}220 2.0.0 Start TLS\r\n")
    );
    gateway.wait_for_log("broken header: \"PROXY UNK\" while reading PROXY protocol");
}
