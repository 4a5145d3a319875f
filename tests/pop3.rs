//! POP3 with real peers: poplib, curl and mpop as clients, Dovecot as the backend.

use std::fs;

use support::dovecot::{PASSWORD, USER};
use support::imap_clients::describe;
use support::mailbox_gateway::{Mailbox, MailboxGateway};
use support::pop3_clients::{curl, mpop, poplib};
use support::{Gateway, LineClient, TempDir, auth_plain, digest, free_port, messages, wait_until};

fn start() -> MailboxGateway {
    MailboxGateway::start(Mailbox::Pop3)
}

const MESSAGE: &str = "Subject: mark\r\n\r\nhello\r\n.dot\r\n..dots\r\n";

#[test]
fn every_mechanism_on_every_port() {
    let setup = start();
    setup.dovecot.deliver("one", MESSAGE);
    for (kind, port) in setup.kinds() {
        let right = poplib(kind, port, PASSWORD, "USER", None);
        assert!(
            right.status.success(),
            "{kind}: {}\n{}",
            describe(&right),
            setup.logs()
        );
        let wrong = describe(&poplib(kind, port, "wrong", "USER", None));
        // The response code is always passed on, the backend's own text only with proxy_pass_error_message.
        let own = wrong.contains("-ERR [AUTH] Authentication failed.");
        assert_eq!(own, kind == "starttls", "{wrong}");
        assert!(wrong.contains("-ERR [AUTH] "), "{wrong}");
        for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
            let right = curl(kind, port, mechanism, PASSWORD, "1");
            assert_eq!(
                String::from_utf8_lossy(&right.stdout),
                MESSAGE,
                "{mechanism} {kind}: {}",
                describe(&right)
            );
            let wrong = curl(kind, port, mechanism, "wrong", "1");
            assert_eq!(
                wrong.status.code(),
                Some(67),
                "curl reports a failed login: {}",
                describe(&wrong)
            );
        }
        for mechanism in ["user", "plain", "cram-md5"] {
            let folder = TempDir::new("mpop");
            let fetched = mpop(kind, port, mechanism, PASSWORD, &folder);
            assert!(
                fetched.status.success(),
                "{mechanism} {kind}: {}",
                describe(&fetched)
            );
            let mail = fs::read_to_string(folder.path().join("box")).expect("the mail");
            assert!(mail.contains(&MESSAGE.replace('\r', "")), "{mail}");
        }
    }
}

#[test]
fn backend_checks_tokens() {
    let setup = start();
    for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
        for (kind, port) in setup.kinds() {
            let right = poplib(kind, port, PASSWORD, mechanism, None);
            assert!(
                right.status.success(),
                "{mechanism} {kind}: {}\n{}",
                describe(&right),
                setup.logs()
            );
            let wrong = describe(&poplib(kind, port, "wrong", mechanism, None));
            assert!(
                wrong.contains("-ERR [AUTH] "),
                "{wrong}\n{}",
                setup.gateway.log()
            );
        }
    }
}

#[test]
fn every_mechanism_with_an_auth_server() {
    let (setup, auth) = MailboxGateway::with_auth_server(Mailbox::Pop3);
    setup.dovecot.deliver("one", MESSAGE);
    for (kind, port) in setup.kinds() {
        for (mechanism, method) in [
            ("LOGIN", "plain"),
            ("PLAIN", "plain"),
            ("CRAM-MD5", "cram-md5"),
            ("+APOP", "apop"),
        ] {
            let fetched = curl(kind, port, mechanism, PASSWORD, "1");
            assert_eq!(
                String::from_utf8_lossy(&fetched.stdout),
                MESSAGE,
                "{mechanism} {kind}: {}",
                describe(&fetched)
            );
            let request = auth.received();
            for line in [
                format!("Auth-User: {USER}"),
                "Auth-Protocol: pop3".to_owned(),
                format!("Auth-Method: {method}"),
            ] {
                assert!(request.contains(&format!("\r\n{line}\r\n")), "{request}");
            }
            let tls = request.contains("\r\nAuth-SSL: on\r\n");
            assert_eq!(tls, kind != "clear", "{request}");
            if method == "apop" {
                check_apop_digest(&request);
            }
        }
        for (mechanism, method) in [
            ("USER", "plain"),
            ("APOP", "apop"),
            ("XOAUTH2", "xoauth2"),
            ("OAUTHBEARER", "oauthbearer"),
        ] {
            let fetched = poplib(kind, port, PASSWORD, mechanism, None);
            assert!(
                fetched.status.success(),
                "{mechanism} {kind}: {}",
                describe(&fetched)
            );
            let request = auth.received();
            let line = format!("\r\nAuth-Method: {method}\r\n");
            assert!(request.contains(&line), "{request}");
        }
    }
}

/// Checks that Auth-Pass is the digest of the timestamp and the password (RFC 1939, section 7).
fn check_apop_digest(request: &str) {
    let header = |name: &str| {
        let line = request.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {request}"))
    };
    let salt = header("Auth-Salt: ");
    assert!(
        salt.starts_with('<') && salt.ends_with("@gate.test>"),
        "{salt}"
    );
    let expected = digest::apop(PASSWORD, salt.as_bytes());
    assert_eq!(header("Auth-Pass: "), expected);
}

#[test]
fn twenty_megabytes_arrive_unchanged_and_quit_deletes() {
    let setup = start();
    let message = messages::large("large", 20_000_000);
    let folder = TempDir::new("fetched");
    let file = folder.path().join("message");
    for (kind, port) in setup.kinds() {
        setup.dovecot.deliver("large", &message);
        let fetched = curl(kind, port, "PLAIN", PASSWORD, "1");
        assert!(
            fetched.stdout == message.as_bytes(),
            "{kind}: {}",
            String::from_utf8_lossy(&fetched.stderr)
        );
        let fetched = poplib(kind, port, PASSWORD, "USER", Some(&file));
        assert!(fetched.status.success(), "{kind}: {}", describe(&fetched));
        assert!(
            fs::read(&file).expect("the message") == message.as_bytes(),
            "{kind}: the message was changed"
        );
        wait_until("the deletion", || setup.dovecot.messages().is_empty());
    }
}

#[test]
fn session_continues_after_refusals() {
    let setup = start();
    let mut client = LineClient::connect(setup.ports[0]);
    // No timestamp: APOP could not be passed on.
    assert_eq!(client.read_reply(), "+OK POP3 ready\r\n");
    for (line, reply) in [
        (&*format!("APOP {USER} x"), "-ERR invalid command\r\n"),
        (&format!("USER {USER}"), "+OK\r\n"),
        ("PASS wrong", "-ERR [AUTH] authentication failed\r\n"),
        ("PASS again", "-ERR invalid command\r\n"),
        ("AUTH EXTERNAL dQ==", "-ERR invalid command\r\n"),
        (&format!("USER {USER}"), "+OK\r\n"),
    ] {
        assert_eq!(client.ask(line), reply, "{line}");
    }
    client.converse(&[(&format!("PASS {PASSWORD}"), "+OK"), ("QUIT", "+OK")]);
    let failed = "client login failed: \"-ERR [AUTH] Authentication failed.\"";
    let log = setup.gateway.log();
    assert!(log.contains(failed), "{log}");
    // Dovecot had one session; it would log one that ended without a login.
    wait_until("the login", || setup.dovecot.log().contains("Login: user="));
    let log = setup.dovecot.log();
    assert!(!log.contains("auth failed"), "{log}");
}

#[test]
fn capabilities_of_the_backend_are_announced() {
    let setup = start();
    let capa = |port: u16| {
        let mut client = LineClient::connect(port);
        client.expect("+OK");
        client.send_line("CAPA");
        let mut lines = Vec::new();
        loop {
            let line = client.read_reply();
            if line == ".\r\n" {
                return lines.concat();
            }
            lines.push(line);
        }
    };
    wait_until("the backend's capabilities", || {
        capa(setup.ports[0]).contains("RESP-CODES\r\n")
    });
    let clear = capa(setup.ports[0]);
    assert!(
        clear.starts_with("+OK Capability list follows\r\nUSER\r\n"),
        "{clear}"
    );
    assert!(
        clear.ends_with("SASL PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER\r\n"),
        "{clear}"
    );
    assert!(
        clear.contains("\r\nTOP\r\n") && !clear.contains("STLS"),
        "{clear}"
    );
    let only = capa(setup.ports[1]);
    assert!(
        only.ends_with("\r\nSTLS\r\n") && !only.contains("SASL") && !only.contains("USER"),
        "{only}"
    );
}

#[test]
fn unreachable_backend() {
    let (port, unused) = (free_port(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{ proxy_pass 127.0.0.1:{unused}; server {{ listen 127.0.0.1:{port}; protocol pop3; }} }}"
    ));
    let mut client = LineClient::connect(port);
    client.expect("+OK");
    let login = format!("AUTH PLAIN {}", auth_plain(USER, PASSWORD));
    client.converse(&[
        (&login, "-ERR [SYS/TEMP] "),
        (&login, "-ERR [SYS/TEMP] "),
        ("QUIT", "+OK"),
    ]);
    gateway.wait_for_log("Connection refused) while reading response from upstream");
}
