//! The client's address at real backends: Dovecot and Postfix log what the gateway says about a client if they trust the gateway, and
//! believe nothing that the client says about itself.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use support::auth_server::accepted_with;
use support::dovecot::{self, Dovecot, Options, USER};
use support::postfix::{self, Postfix, RECIPIENT};
use support::scripted::ScriptedPeer;
use support::{Certificate, Gateway, LineClient, TIMEOUT, auth_plain, free_port, wait_until};

/// The header of a proxy in front of the gateway, and the ends in it.
const HEADER: &str = "PROXY TCP4 192.0.2.7 192.0.2.8 4321 993";
const CLIENT: &str = "192.0.2.7";
const CONNECTED: &str = "192.0.2.8";
/// An address that a client claims to have.
const CLAIMED: &str = "198.51.100.66";

/// Who authenticates clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Backend,
    AuthServer,
}

/// A gateway in front of Dovecot or Postfix.
struct Setup {
    gateway: Gateway,
    port: u16,
    _auth: Option<ScriptedPeer>,
}

/// A gateway behind a proxy, which `trust` (`set_real_ip_from`) may name; `server` are further lines of its server.
fn gateway(by: By, backend: u16, trust: &str, server: &str) -> Setup {
    let port = free_port();
    let password = format!("Auth-Pass: {}\r\n", dovecot::PASSWORD);
    let auth = (by == By::AuthServer)
        .then(|| ScriptedPeer::auth_server(accepted_with("127.0.0.1", backend, &password)));
    let authenticator = match &auth {
        Some(auth) => format!("auth_http 127.0.0.1:{}/;", auth.port),
        None => format!("proxy_pass 127.0.0.1:{backend};"),
    };
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            {authenticator}
            {trust}
            server {{ listen 127.0.0.1:{port} proxy_protocol; mail_log s.log events=session; {server} }}
        }}"
    ));
    Setup {
        gateway,
        port,
        _auth: auth,
    }
}

const TRUST: &str = "set_real_ip_from 127.0.0.1;";

impl Setup {
    /// A client with the header of the proxy.
    fn connect(&self) -> LineClient {
        let mut client = LineClient::connect(self.port);
        client.send_line(HEADER);
        client
    }

    /// The identifier of the only session, once that has ended.
    fn session(&self) -> String {
        let path = self.gateway.folder().join("s.log");
        let lines = support::mail_log::wait_for_lines(&path, 1);
        support::mail_log::fields(&lines[0])["session"].clone()
    }
}

/// A Dovecot that trusts the gateway and requires STARTTLS and STLS.
fn dovecot_with_tls(certificate: &Certificate) -> Dovecot {
    let (chain, key) = (certificate.chain(), certificate.key());
    Dovecot::with_options(Options {
        more: &format!(
            "login_trusted_networks = 127.0.0.1\nssl = required\nssl_cert = <{}\nssl_key = <{}\n",
            chain.display(),
            key.display()
        ),
        ..Options::default()
    })
}

/// A Dovecot with these trusted networks.
fn dovecot(trusted: &str) -> Dovecot {
    Dovecot::with_options(Options {
        more: &format!("login_trusted_networks = {trusted}\n"),
        ..Options::default()
    })
}

/// The line about the only login in Dovecot's log.
fn login_line(dovecot: &Dovecot) -> String {
    let mut found = None;
    wait_until("Dovecot's line", || {
        let log = dovecot.log();
        let mut lines = log.lines().filter(|line| line.contains(" Login: user=<"));
        found = lines.next().map(str::to_owned);
        assert_eq!(lines.next(), None, "{log}");
        found.is_some()
    });
    found.expect("a line")
}

/// Logs in over IMAP, as a client that claims another address, before the login and after it.
fn imap_session(setup: &Setup) {
    let mut client = setup.connect();
    client.expect("* OK");
    let claim = format!(
        "(\"name\" \"Mail\" \"x-originating-ip\" \"{CLAIMED}\" \"x-originating-port\" \"1\" \"x-session-id\" \"forged\")"
    );
    client.send_line(&format!("a ID {claim}"));
    client.read_until("a OK");
    client.send_line(&format!("b LOGIN {USER} \"{}\"", dovecot::PASSWORD));
    client.read_until("b OK");
    client.send_line(&format!("c ID {claim}"));
    client.read_until("c OK");
    client.send_line("d LOGOUT");
    client.read_to_end();
}

/// Logs in over POP3, as a client that claims another address, before the login and after it.
fn pop3_session(setup: &Setup) {
    let mut client = setup.connect();
    client.expect("+OK");
    let claim = format!("XCLIENT ADDR={CLAIMED} PORT=1 SESSION=forged TTL=5");
    assert!(client.ask(&claim).starts_with("-ERR"));
    client.converse(&[
        (&format!("USER {USER}"), "+OK"),
        (&format!("PASS {}", dovecot::PASSWORD), "+OK"),
        (&claim, "-ERR"),
        ("QUIT", "+OK"),
    ]);
}

#[test]
fn dovecot_logs_the_client_if_it_trusts_the_gateway() {
    for by in [By::Backend, By::AuthServer] {
        for protocol in ["imap", "pop3"] {
            let dovecot = dovecot("127.0.0.1");
            let (backend, server, session): (_, _, fn(&Setup)) = match protocol {
                "imap" => (dovecot.imap, "protocol imap; imap_id on;", imap_session),
                _ => (
                    dovecot.pop3,
                    "protocol pop3; pop3_xclient on;",
                    pop3_session,
                ),
            };
            let setup = gateway(by, backend, TRUST, server);
            session(&setup);
            let line = login_line(&dovecot);
            let client = format!(" rip={CLIENT}, ");
            assert!(line.contains(&client), "{by:?} {protocol}: {line}");
            let id = format!("session=<{}>", setup.session());
            assert!(line.contains(&id), "{by:?} {protocol}: {line}");
            // XCLIENT of Dovecot has no attribute for the other end.
            let connected = format!(" lip={CONNECTED}, ");
            assert_eq!(line.contains(&connected), protocol == "imap", "{line}");
            assert!(!dovecot.log().contains(CLAIMED), "{}", dovecot.log());
        }
    }
}

#[test]
fn dovecot_logs_the_client_after_starttls() {
    let certificate = Certificate::new();
    for by in [By::Backend, By::AuthServer] {
        for (protocol, session) in [("imap", imap_session as fn(&Setup)), ("pop3", pop3_session)] {
            let dovecot = dovecot_with_tls(&certificate);
            let (backend, more) = match protocol {
                "imap" => (dovecot.imap, "imap_id on;"),
                _ => (dovecot.pop3, "pop3_xclient on;"),
            };
            let server =
                format!("protocol {protocol}; {more} proxy_ssl starttls; proxy_ssl_verify off;");
            let setup = gateway(by, backend, TRUST, &server);
            session(&setup);
            let line = login_line(&dovecot);
            let client = format!(" rip={CLIENT}, ");
            assert!(line.contains(&client), "{by:?} {protocol}: {line}");
            assert!(line.contains(", TLS"), "{line}");
        }
    }
}

#[test]
fn dovecot_logs_the_gateway_if_it_does_not_trust_it() {
    for protocol in ["imap", "pop3"] {
        let dovecot = dovecot("192.0.2.99");
        let (backend, server, session): (_, _, fn(&Setup)) = match protocol {
            "imap" => (dovecot.imap, "protocol imap; imap_id on;", imap_session),
            _ => (
                dovecot.pop3,
                "protocol pop3; pop3_xclient on;",
                pop3_session,
            ),
        };
        let setup = gateway(By::Backend, backend, TRUST, server);
        session(&setup);
        let line = login_line(&dovecot);
        assert!(line.contains(" rip=127.0.0.1, "), "{protocol}: {line}");
    }
}

#[test]
fn dovecot_gets_nothing_by_default_and_nothing_from_an_untrusted_proxy() {
    for (trust, imap, pop3) in [
        (TRUST, "protocol imap;", "protocol pop3;"),
        (
            "set_real_ip_from 192.0.2.99;",
            "protocol imap; imap_id on;",
            "protocol pop3; pop3_xclient on;",
        ),
    ] {
        for (protocol, server) in [("imap", imap), ("pop3", pop3)] {
            let dovecot = dovecot("127.0.0.1");
            let (backend, session): (_, fn(&Setup)) = match protocol {
                "imap" => (dovecot.imap, imap_session),
                _ => (dovecot.pop3, pop3_session),
            };
            let setup = gateway(By::Backend, backend, trust, server);
            session(&setup);
            let line = login_line(&dovecot);
            assert!(line.contains(" rip=127.0.0.1, "), "{server}: {line}");
            assert!(!dovecot.log().contains(CLAIMED), "{}", dovecot.log());
        }
    }
}

/// A policy server of Postfix: reports each request, and has no objections.
fn policy_server() -> (u16, Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let (report, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let report = report.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut request = Vec::new();
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                    match line.trim_end() {
                        "" => {
                            let _ = report.send(std::mem::take(&mut request));
                            let _ = reader.get_mut().write_all(b"action=DUNNO\n\n");
                        }
                        attribute => request.push(attribute.to_owned()),
                    }
                    line.clear();
                }
            });
        }
    });
    (port, requests)
}

#[test]
fn postfix_gets_the_client_by_xclient() {
    for (by, xclient) in [
        (By::Backend, "xclient on;"),
        (By::AuthServer, "xclient announced;"),
        (By::AuthServer, "xclient on;"),
    ] {
        let (policy, requests) = policy_server();
        let postfix = Postfix::start_with(&format!(
            "smtpd_client_port_logging = yes\n\
             smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{policy}\n"
        ));
        let server = format!("protocol smtp; smtp_capabilities DSN; {xclient}");
        let setup = gateway(by, postfix.port, TRUST, &server);
        let mut client = setup.connect();
        client.expect("220");
        let login = auth_plain(postfix::USER, postfix::PASSWORD);
        let claim = format!("XCLIENT ADDR={CLAIMED} LOGIN=root");
        client.converse(&[
            ("EHLO client.test", "250"),
            (&claim, "5"),
            (&format!("AUTH PLAIN {login}"), "235"),
            (&claim, "5"),
            (&format!("MAIL FROM:<{}>", postfix::USER), "250"),
            (&format!("RCPT TO:<{RECIPIENT}>"), "250"),
            ("DATA", "354"),
            ("Subject: identity\r\n\r\nmark-identity\r\n.", "250"),
            ("QUIT", "221"),
        ]);
        let log = postfix.log();
        let message = String::from_utf8_lossy(&postfix.message("mark-identity")).into_owned();
        let origin = format!("Received: from client.test (unknown [{CLIENT}])");
        assert!(
            message.contains(&origin),
            "{by:?} {xclient}: {message}\n{log}"
        );
        let request = requests.recv_timeout(TIMEOUT).expect("a request");
        // nginx's XCLIENT, which an auth server's gateway sends without an announcement, has no ports.
        let announced = (by, xclient) != (By::AuthServer, "xclient on;");
        for (attribute, is_sent) in [
            (format!("client_address={CLIENT}"), true),
            ("client_port=4321".to_owned(), announced),
            ("helo_name=client.test".to_owned(), true),
            (format!("sasl_username={}", postfix::USER), true),
            (format!("server_address={CONNECTED}"), announced),
            ("server_port=993".to_owned(), announced),
        ] {
            assert_eq!(
                request.contains(&attribute),
                is_sent,
                "{by:?} {xclient}: {attribute} in {request:?}"
            );
        }
        let line = format!("client=unknown[{CLIENT}]");
        assert!(log.contains(&line), "{log}");
        assert!(!log.contains(CLAIMED), "{log}");
    }
}

#[test]
fn postfix_that_does_not_trust_the_gateway_sees_the_gateway() {
    let postfix = Postfix::start_with("smtpd_authorized_xclient_hosts = 192.0.2.99\n");
    let server = "protocol smtp; smtp_capabilities DSN;";
    let setup = gateway(By::Backend, postfix.port, TRUST, server);
    let mut client = setup.connect();
    client.expect("220");
    let login = auth_plain(postfix::USER, postfix::PASSWORD);
    client.converse(&[
        ("EHLO client.test", "250"),
        (&format!("AUTH PLAIN {login}"), "235"),
        (&format!("MAIL FROM:<{}>", postfix::USER), "250"),
        (&format!("RCPT TO:<{RECIPIENT}>"), "250"),
        ("DATA", "354"),
        ("Subject: identity\r\n\r\nmark-identity\r\n.", "250"),
        ("QUIT", "221"),
    ]);
    let message = String::from_utf8_lossy(&postfix.message("mark-identity")).into_owned();
    assert!(message.contains("(unknown [127.0.0.1])"), "{message}");
}
