//! Clients that fall silent, take nothing, shut their sending side or leave, in each phase of a session.

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use support::mock::{Act, Mock};
use support::{Certificate, Gateway, Smtp, free_port, plain};

/// A gateway with SMTP, IMAP and POP3; the ports in this order.
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

/// Says all this at once and reads to the end.
fn told(port: u16, said: &str) -> String {
    let mut client = Smtp::connect(port);
    client.send(said.as_bytes());
    client.rest()
}

#[test]
fn a_silent_client_is_told_and_closed() {
    let no = "HTTP/1.0 200 OK\r\nAuth-Status: no\r\nAuth-Wait: 1\r\n\r\n";
    let auth = Mock::new(&[Act::Header, Act::Send(no.as_bytes())]);
    let (gateway, ports) = gateway(&format!(
        "timeout 700ms; auth_http 127.0.0.1:{};",
        auth.port
    ));
    let login = plain("joe", "secret");
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
        for (port, (word, phases)) in ports.into_iter().zip(phases) {
            for said in phases {
                count += 1;
                scope.spawn(move || {
                    let heard = told(port, said);
                    assert!(heard.ends_with(word), "{said:?}: {heard:?}");
                    let told = heard.matches("timeout").count();
                    assert_eq!(told, usize::from(!word.is_empty()), "{said:?}: {heard:?}");
                });
            }
        }
    });
    let logged = gateway.log();
    let line =
        "client timed out (110: Connection timed out) while in auth state, client: 127.0.0.1";
    assert_eq!(logged.matches(line).count(), count, "{logged}");
}

#[test]
fn whoever_takes_nothing_is_closed() {
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ timeout 700ms; max_commands 100000000; proxy_pass 127.0.0.1:9;
            server {{ listen 127.0.0.1:{port} sndbuf=4k rcvbuf=4k; protocol smtp; }} }}"
    ));
    let mut client = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
    let patience = Some(Duration::from_secs(60));
    client.set_write_timeout(patience).expect("a time-out");
    // It never reads: at some time the gateway does not read either, and then it closes.
    let commands = "NOOP\r\n".repeat(1000);
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

/// What a listener's first connection brings up to `end`; then whether it closes.
fn sees_end(listener: &TcpListener, greeting: &str, end: &str, leave: impl FnOnce()) {
    let (mut peer, _) = listener.accept().expect("a connection");
    let patience = Some(Duration::from_secs(60));
    peer.set_read_timeout(patience).expect("a time-out");
    peer.write_all(greeting.as_bytes()).expect("to greet");
    let mut heard = String::new();
    let mut bytes = [0; 1000];
    while !heard.contains(end) {
        let count = peer.read(&mut bytes).expect("what it says");
        assert_ne!(count, 0, "closed after {heard:?}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    leave();
    assert_eq!(peer.read(&mut bytes).expect("the end"), 0);
}

#[test]
fn whoever_leaves_is_asked_about_no_longer() {
    // An hour for the auth server and the backend: what ends their connections is that the client has left.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let peer = listener.local_addr().expect("its number").port();
    let login = plain("joe", "secret");
    let lines = [
        format!("AUTH PLAIN {login}\r\n"),
        format!("a AUTHENTICATE PLAIN {login}\r\n"),
        format!("AUTH PLAIN {login}\r\n"),
    ];
    let (_one, asked) = gateway(&format!(
        "timeout 1h; auth_http_timeout 1h; auth_http 127.0.0.1:{peer};"
    ));
    for (port, line) in asked.into_iter().zip(&lines) {
        let mut client = Smtp::connect(port);
        client.send(line.as_bytes());
        sees_end(&listener, "", "\r\n\r\n", || drop(client));
    }
    let mut client = Smtp::connect(asked[0]);
    client.send(b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\n");
    sees_end(&listener, "", "\r\n\r\n", || drop(client));

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let peer = listener.local_addr().expect("its number").port();
    let (_two, judged) = gateway(&format!(
        "timeout 1h; proxy_pass 127.0.0.1:{peer}; smtp_capabilities DSN; imap_capabilities X; pop3_capabilities X;"
    ));
    let greetings = [
        ("220 b\r\n", "EHLO"),
        ("* OK b\r\n", "\r\n"),
        ("+OK b\r\n", "\r\n"),
    ];
    for ((port, line), (greeting, said)) in judged.into_iter().zip(&lines).zip(greetings) {
        let mut client = Smtp::connect(port);
        client.send(line.as_bytes());
        sees_end(&listener, greeting, said, || drop(client));
    }
}

/// Says all this, shuts the sending side and reads to the end.
fn answered(port: u16, said: &str) -> String {
    let mut client = Smtp::connect(port);
    client.send(said.as_bytes());
    client.finish();
    client.rest()
}

#[test]
fn whoever_shuts_the_sending_side_hears_every_answer() {
    let ready = "220 gate.test ESMTP ready\r\n";
    let no = "HTTP/1.0 200 OK\r\nAuth-Status: no\r\nAuth-Wait: 1\r\n\r\n";
    let auth = Mock::new(&[Act::Header, Act::Send(no.as_bytes())]);
    let (_gateway, [smtp, imap, pop3]) = gateway(&format!("auth_http 127.0.0.1:{};", auth.port));
    let login = plain("joe", "secret");
    let bye = "221 2.0.0 Bye\r\n";
    for (said, heard) in [
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
        assert_eq!(answered(smtp, said), format!("{ready}{heard}"), "{said:?}");
    }
    assert_eq!(
        answered(
            imap,
            &format!("a AUTHENTICATE PLAIN {login}\r\nb LOGOUT\r\n")
        ),
        "* OK IMAP4 ready\r\na NO no\r\n* BYE\r\nb OK completed\r\n"
    );
    assert_eq!(
        answered(pop3, "USER joe\r\nPASS secret\r\nQUIT\r\n"),
        "+OK POP3 ready\r\n+OK\r\n-ERR no\r\n+OK\r\n"
    );
}

#[test]
fn whoever_shuts_the_sending_side_early_is_served_no_less() {
    let certificate = Certificate::new();
    let backend = Mock::new(&[
        Act::Send(b"220 b\r\n"),
        Act::Line,
        Act::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
        Act::Line,
        Act::Send(b"235 in\r\n"),
        Act::Line,
        Act::Send(b"221 gone\r\n"),
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
    let login = plain("joe", "secret");
    // Through the PROXY header, the login and the tunnel.
    let said = format!("PROXY UNKNOWN\r\nAUTH PLAIN {login}\r\nQUIT\r\n");
    assert_eq!(
        answered(header, &said),
        format!("{ready}235 2.0.0 OK\r\n221 gone\r\n")
    );
    // In the header and in the delay there is nobody left to serve.
    assert_eq!(answered(header, "PROXY UNK"), "");
    assert_eq!(answered(delay, ""), "");
    // In TLS there is nothing to say before the handshake.
    assert_eq!(
        answered(tls, "STARTTLS\r\n"),
        format!("{ready}220 2.0.0 Start TLS\r\n")
    );
    gateway.wait_for_log("broken header: \"PROXY UNK\" while reading PROXY protocol");
}
