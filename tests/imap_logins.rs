//! IMAP logins with real peers: imaplib and curl as clients, Dovecot as the backend.

use support::dovecot::PASSWORD;
use support::imap_clients::{curl, describe, imaplib};
use support::mailbox_gateway::{Mailbox, MailboxGateway};
use support::{Gateway, LineClient, free_port, wait_until};

fn start() -> MailboxGateway {
    MailboxGateway::start(Mailbox::Imap)
}

/// Checks that imaplib can log in, list the mailboxes and log out.
fn check_login(setup: &MailboxGateway, kind: &str, port: u16, mechanism: &str) {
    let output = imaplib(kind, port, PASSWORD, mechanism, None);
    let text = describe(&output);
    assert!(
        output.status.success(),
        "{kind} {mechanism}: {text}\n{}",
        setup.logs()
    );
    assert!(
        text.contains("INBOX") && text.contains("logout BYE"),
        "{text}"
    );
}

#[test]
fn every_mechanism_on_every_port() {
    let setup = start();
    for mechanism in [
        "LOGIN",
        "PLAIN",
        "CRAM-MD5",
        "again-LOGIN",
        "again-PLAIN",
        "again-CRAM-MD5",
    ] {
        for (kind, port) in setup.kinds() {
            check_login(&setup, kind, port, mechanism);
        }
    }
    let log = setup.gateway.log();
    assert_eq!(log.matches("client logged in").count(), 18, "{log}");
    assert_eq!(log.matches("client login failed").count(), 9, "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
}

#[test]
fn backend_checks_tokens() {
    let setup = start();
    for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
        for (kind, port) in setup.kinds() {
            check_login(&setup, kind, port, mechanism);
            let text = describe(&imaplib(kind, port, "wrong", mechanism, None));
            assert!(text.contains("refused"), "{text}\n{}", setup.logs());
        }
    }
}

#[test]
fn backend_refuses_wrong_passwords() {
    let setup = start();
    let [clear, starttls, _] = setup.ports;
    for mechanism in ["LOGIN", "PLAIN", "CRAM-MD5"] {
        let output = imaplib("clear", clear, "wrong", mechanism, None);
        let text = describe(&output);
        assert_eq!(output.status.code(), Some(1), "{text}\n{}", setup.logs());
        assert!(
            text.contains("[AUTHENTICATIONFAILED] Authentication failed")
                && !text.contains("failed."),
            "{text}"
        );
        // With proxy_pass_error_message the backend's own text, which ends in a dot.
        let text = describe(&imaplib("starttls", starttls, "wrong", mechanism, None));
        assert!(
            text.contains("[AUTHENTICATIONFAILED] Authentication failed."),
            "{text}"
        );
    }
}

#[test]
fn every_mechanism_with_an_auth_server() {
    let (setup, auth) = MailboxGateway::with_auth_server(Mailbox::Imap);
    for (mechanism, method) in [
        ("LOGIN", "plain"),
        ("PLAIN", "plain"),
        ("CRAM-MD5", "cram-md5"),
        ("XOAUTH2", "xoauth2"),
        ("OAUTHBEARER", "oauthbearer"),
    ] {
        for (kind, port) in setup.kinds() {
            check_login(&setup, kind, port, mechanism);
            let request = auth.received();
            assert!(
                request.contains(&format!("Auth-Method: {method}\r\n"))
                    && request.contains("Auth-Protocol: imap\r\n")
                    && request.contains("Auth-User: alice@example.test\r\n"),
                "{request}"
            );
        }
    }
}

#[test]
fn every_mechanism_of_curl() {
    let setup = start();
    for mechanism in ["PLAIN", "CRAM-MD5", "*", "LOGIN"] {
        for (kind, port) in setup.kinds() {
            let output = curl(kind, port, mechanism, "");
            let text = describe(&output);
            // imap_auth does not list LOGIN, so curl finds no AUTH=LOGIN.
            let expected = mechanism != "LOGIN";
            assert_eq!(
                output.status.success() && text.contains("INBOX"),
                expected,
                "{kind} {mechanism}: {text}\n{}",
                setup.logs()
            );
        }
    }
}

#[test]
fn capabilities_of_the_backend_are_announced() {
    let setup = start();
    let [clear, starttls, _] = setup.ports;
    let capability = |port| {
        let mut client = LineClient::connect(port);
        client.expect("* OK");
        client.send_line("a CAPABILITY");
        let words = client.expect("* CAPABILITY ");
        client.expect("a OK");
        words
    };
    let mut words = String::new();
    wait_until("the backend's capabilities", || {
        words = capability(clear);
        words.contains(" IDLE")
    });
    assert_eq!(words.matches("AUTH=").count(), 4, "{words}");
    assert!(
        words.contains("IMAP4rev1") && words.contains("SASL-IR"),
        "{words}"
    );
    for hidden in ["STARTTLS", "LOGINDISABLED", "LOGIN-REFERRALS", "UIDPLUS"] {
        assert!(!words.contains(hidden), "{words}");
    }
    let words = capability(starttls);
    assert!(
        words.ends_with(" STARTTLS LOGINDISABLED\r\n") && !words.contains("AUTH="),
        "{words}"
    );
}

#[test]
fn unreachable_backend() {
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ imap_auth plain cram-md5; proxy_pass 127.0.0.1:{unused};
            server {{ listen 127.0.0.1:{port}; protocol imap; }} }}",
        unused = free_port(),
    ));
    let mut client = LineClient::connect(port);
    client.expect("* OK");
    client.converse(&[
        ("a LOGIN joe secret", "a NO [UNAVAILABLE] "),
        ("b AUTHENTICATE CRAM-MD5", "b NO [UNAVAILABLE] "),
        ("c NOOP", "c OK"),
    ]);
    gateway.wait_for_log("Connection refused");
}
