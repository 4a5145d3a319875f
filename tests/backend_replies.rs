//! The replies of backends: a reply counts for nothing but what was asked, a temporary refusal is no failed login, and every line of
//! the log names the backend.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use support::auth_server::accepted;
use support::authority::ssl_certificate;
use support::scripted::{ScriptedPeer, Step};
use support::{Certificate, Gateway, LineClient, TIMEOUT, auth_plain, free_port, unverified};

/// A server of this protocol on this port, with further lines.
fn server(protocol: &str, port: u16, more: &str) -> String {
    let capabilities = match protocol {
        "smtp" => "smtp_capabilities X;",
        "imap" => "imap_capabilities IMAP4rev1;",
        _ => "pop3_capabilities TOP;",
    };
    format!(
        "mail {{ server_name gate.test; xclient off; {capabilities}
            server {{ listen 127.0.0.1:{port}; protocol {protocol}; {more} }} }}"
    )
}

fn gateway(protocol: &str, more: &str) -> (Gateway, u16) {
    let port = free_port();
    (Gateway::start(&server(protocol, port, more)), port)
}

/// The lines that log a client in.
fn login(protocol: &str) -> Vec<String> {
    match protocol {
        "smtp" => vec![format!("AUTH PLAIN {}", auth_plain("joe", "secret"))],
        "imap" => vec!["a LOGIN joe secret".into()],
        _ => vec!["USER joe".into(), "PASS secret".into()],
    }
}

/// Logs in and returns the last reply.
fn log_in(client: &mut LineClient, protocol: &str) -> String {
    let replies = login(protocol).into_iter().map(|line| client.ask(&line));
    replies.last().expect("a line")
}

/// A backend that answers every login with this reply.
fn refusing(protocol: &str, reply: &str) -> ScriptedPeer {
    let refuse = [Step::ReadLine, Step::send(format!("{reply}\r\n"))];
    let opening = match protocol {
        "smtp" => vec![
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
        ],
        "imap" => vec![Step::Send(
            b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] b\r\n",
        )],
        _ => vec![
            Step::Send(b"+OK b\r\n"),
            Step::ReadLine,
            Step::Send(b"+OK\r\nSASL PLAIN\r\n.\r\n"),
        ],
    };
    ScriptedPeer::start(&[&opening[..], &refuse, &refuse, &[Step::Stall]].concat())
}

#[test]
fn temporary_refusal_is_no_failed_login() {
    for (protocol, reply, temporary) in [
        ("smtp", "454 4.7.0 Temporary authentication failure", true),
        ("smtp", "421 4.3.2 going down", true),
        ("smtp", "535 5.7.8 no", false),
        ("imap", "a NO [UNAVAILABLE] try again", true),
        ("imap", "a NO [LIMIT] too many connections", true),
        ("imap", "a NO [INUSE] locked", true),
        ("imap", "a NO [SYS/TEMP] try again", true),
        ("imap", "* BYE going down", true),
        ("imap", "a NO [AUTHENTICATIONFAILED] no", false),
        ("imap", "a NO no", false),
        ("pop3", "-ERR [SYS/TEMP] try again", true),
        ("pop3", "-ERR [IN-USE] locked", true),
        ("pop3", "-ERR [LOGIN-DELAY] too early", true),
        ("pop3", "-ERR [AUTH] no", false),
        ("pop3", "-ERR no", false),
    ] {
        let backend = refusing(protocol, reply);
        let proxy_pass = format!("proxy_pass 127.0.0.1:{};", backend.port);
        let (gateway, port) = gateway(protocol, &proxy_pass);
        let mut client = LineClient::connect(port);
        client.read_reply();
        log_in(&mut client, protocol);
        let words = match temporary {
            true => "upstream refused temporarily",
            false => "client login failed",
        };
        gateway.wait_for_log(&format!(
            "{words}: \"{reply}\" while reading response from upstream, client: 127.0.0.1, \
             server: 127.0.0.1:{port}, login: \"joe\", upstream: 127.0.0.1:{}",
            backend.port
        ));
        assert_eq!(
            gateway.log().contains("login failed"),
            !temporary,
            "{reply}"
        );
    }
}

#[test]
fn second_refusal_names_the_backend() {
    for (protocol, reply) in [
        ("smtp", "535 5.7.8 no"),
        ("imap", "a NO [AUTHENTICATIONFAILED] no"),
        ("pop3", "-ERR [AUTH] no"),
    ] {
        let backend = refusing(protocol, reply);
        let proxy_pass = format!("proxy_pass 127.0.0.1:{};", backend.port);
        let (gateway, port) = gateway(protocol, &proxy_pass);
        let mut client = LineClient::connect(port);
        client.read_reply();
        for count in [1, 2] {
            log_in(&mut client, protocol);
            let log = gateway.log();
            let named = format!("login: \"joe\", upstream: 127.0.0.1:{}\n", backend.port);
            let failed = log.lines().filter(|line| line.contains("login failed"));
            assert_eq!(failed.count(), count, "{log}");
            assert_eq!(log.matches(&named).count(), count, "{log}");
        }
    }
}

/// A client that sees one of these replies takes itself for logged in.
#[test]
fn acceptance_out_of_place_is_not_passed_on() {
    for (protocol, replies, internal_error) in [
        (
            "smtp",
            &[
                "235 2.7.0 in",
                "250 ok",
                "334 go",
                "535-no\r\n235 in",
                "554 no\r\n235 in",
            ][..],
            "451 4.3.2 Internal server error\r\n",
        ),
        (
            "imap",
            &["a OK in", "* PREAUTH in", "+ go", "* NO no\r\na OK in"],
            "* BAD internal server error\r\n",
        ),
        (
            "pop3",
            &["+ go", "-ERR no\r\n+OK in"],
            "-ERR internal server error\r\n",
        ),
    ] {
        for reply in replies {
            for proxy_ssl in ["off", "starttls"] {
                let backend =
                    ScriptedPeer::start(&[Step::send(format!("{reply}\r\n")), Step::Stall]);
                let auth = ScriptedPeer::auth_server(accepted(backend.port));
                let (gateway, port) = gateway(
                    protocol,
                    &format!(
                        "auth_http 127.0.0.1:{}; proxy_pass_error_message on; proxy_ssl {proxy_ssl};",
                        auth.port
                    ),
                );
                let mut client = LineClient::connect(port);
                client.read_reply();
                assert_eq!(
                    log_in(&mut client, protocol),
                    internal_error,
                    "{reply:?} {proxy_ssl}"
                );
                assert_eq!(client.read_to_end(), "", "{reply:?} {proxy_ssl}");
                gateway.wait_for_log("[error]");
                assert!(!gateway.log().contains("logged in"), "{reply:?}");
            }
        }
    }
}

/// A backend that refuses every login. Of each connection it reports whether its PROXY header says that the client uses TLS.
fn header_reading(protocol: &'static str) -> (u16, Receiver<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let (report, connections) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let report = report.clone();
            std::thread::spawn(move || {
                let mut stream = BufReader::new(stream);
                let mut start = [0; 16];
                stream.read_exact(&mut start).expect("a header");
                let mut rest = vec![0; usize::from(u16::from_be_bytes([start[14], start[15]]))];
                stream.read_exact(&mut rest).expect("its rest");
                // After the addresses: the extension for ALPN or TLS comes before the checksum.
                let _ = report.send(rest[12] != 0x03);
                let send = |text: &str| stream.get_ref().write_all(text.as_bytes());
                let _ = send(match protocol {
                    "smtp" => "220 b\r\n",
                    "imap" => "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] b\r\n",
                    _ => "+OK b\r\n",
                });
                let mut line = String::new();
                while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                    let reply = match (protocol, line.get(..4)) {
                        ("smtp", Some("EHLO")) => "250-b\r\n250 AUTH PLAIN\r\n",
                        ("smtp", _) => "535 no\r\n",
                        ("imap", _) => "a NO no\r\n",
                        (_, Some("CAPA")) => "+OK\r\nSASL PLAIN\r\n.\r\n",
                        _ => "-ERR no\r\n",
                    };
                    let _ = stream.get_ref().write_all(reply.as_bytes());
                    line.clear();
                }
            });
        }
    });
    (port, connections)
}

#[test]
fn conversation_with_the_backend_ends_with_starttls() {
    let certificate = Certificate::new();
    let own = ssl_certificate(&(certificate.chain(), certificate.key()));
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = unverified::client(provider, rustls::ALL_VERSIONS).expect("a client");
    let config = Arc::new(config.with_no_client_auth());
    for (protocol, upgrade) in [
        ("smtp", "STARTTLS"),
        ("imap", "s STARTTLS"),
        ("pop3", "STLS"),
    ] {
        let (backend, connections) = header_reading(protocol);
        let (_gateway, port) = gateway(
            protocol,
            &format!("{own} starttls on; proxy_protocol v2; proxy_pass 127.0.0.1:{backend};"),
        );
        let socket = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        let mut client = LineClient::over(socket.try_clone().expect("a copy"));
        client.read_reply();
        let refused = log_in(&mut client, protocol);
        let again = log_in(&mut client, protocol);
        assert_eq!(again, refused);
        client.ask(upgrade);
        let name = ServerName::try_from("gate.test").expect("a name");
        let connection = ClientConnection::new(Arc::clone(&config), name).expect("a connection");
        let mut client = BufReader::new(StreamOwned::new(connection, socket));
        let mut reply = String::new();
        for line in login(protocol) {
            let line = format!("{line}\r\n");
            client
                .get_mut()
                .write_all(line.as_bytes())
                .expect("to send");
            reply.clear();
            client.read_line(&mut reply).expect("a reply");
        }
        assert_eq!(reply, refused);
        let secure = [(); 2].map(|()| connections.recv_timeout(TIMEOUT).expect("a connection"));
        assert_eq!(secure, [false, true], "{protocol}");
    }
}

#[test]
fn mail_forgets_the_login_of_an_earlier_failure() {
    let auth =
        ScriptedPeer::auth_server("HTTP/1.0 200 OK\r\nAuth-Status: no\r\nAuth-Wait: 1\r\n\r\n");
    let (gateway, port) = gateway(
        "smtp",
        &format!("smtp_auth none plain; auth_http 127.0.0.1:{};", auth.port),
    );
    let mut client = LineClient::connect(port);
    client.read_reply();
    assert_eq!(log_in(&mut client, "smtp"), "535 5.7.0 no\r\n");
    client.converse(&[
        ("MAIL FROM:<a@example.test>", "250"),
        ("AUTH PLAIN !", "500"),
    ]);
    gateway.wait_for_log("invalid base64");
    let log = gateway.log();
    let line = log.lines().find(|line| line.contains("invalid base64"));
    assert!(line.is_some_and(|line| !line.contains("login:")), "{log}");
}
