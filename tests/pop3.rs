//! Mail fetched by real clients through the gateway from a real backend: poplib, curl and mpop in front, Dovecot behind.

mod support;

use std::fs;
use std::process::Command;

use support::dovecot::{Dovecot, PASSWORD, USER};
use support::mock::{Act, Mock};
use support::pop3::{curl, mpop, poplib, text};
use support::{Certificate, Gateway, Scratch, Smtp};

/// A gateway in front of Dovecot, which decides: clear text, STLS and implicit TLS.
struct Setup {
    dovecot: Dovecot,
    gateway: Gateway,
    _certificate: Certificate,
    ports: [u16; 3],
}

const KINDS: [&str; 3] = ["clear", "stls", "tls"];

fn setup() -> Setup {
    let dovecot = Dovecot::start();
    let backend = format!("proxy_pass 127.0.0.1:{};", dovecot.pop3);
    start(dovecot, "plain cram-md5 xoauth2 oauthbearer", &backend)
}

/// The same with an auth server that lets everybody in.
fn vouched() -> (Setup, Mock) {
    let dovecot = Dovecot::start();
    let answer = format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\nAuth-Pass: {PASSWORD}\r\n\r\n",
        dovecot.pop3
    );
    let mock = Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())]);
    let auth = format!("auth_http 127.0.0.1:{}/auth;", mock.port);
    (
        start(dovecot, "plain apop cram-md5 xoauth2 oauthbearer", &auth),
        mock,
    )
}

fn start(dovecot: Dovecot, methods: &str, decides: &str) -> Setup {
    let certificate = Certificate::new();
    let ports = [(); 3].map(|()| support::free_port());
    let [clear, stls, tls] = ports;
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            pop3_auth {methods};
            {decides}
            ssl_certificate {cert};
            ssl_certificate_key {key};
            server {{ listen 127.0.0.1:{clear}; protocol pop3; }}
            server {{ listen 127.0.0.1:{stls}; protocol pop3; starttls only;
                      proxy_pass_error_message on; }}
            server {{ listen 127.0.0.1:{tls} ssl; protocol pop3; }}
        }}",
        cert = certificate.chain().display(),
        key = certificate.key().display(),
    ));
    Setup {
        dovecot,
        gateway,
        _certificate: certificate,
        ports,
    }
}

const MESSAGE: &str = "Subject: mark\n\nhello\n.dot\n..dots\n";

#[test]
fn every_mechanism_over_every_kind_of_connection() {
    let Setup { dovecot, ports, .. } = &setup();
    dovecot.deliver("one", MESSAGE);
    for (port, kind) in ports.iter().zip(KINDS) {
        let right = poplib(kind, *port, PASSWORD, "USER", None);
        assert!(
            right.status.success(),
            "{kind}: {}\n{}",
            text(&right),
            dovecot.log()
        );
        let wrong = text(&poplib(kind, *port, "wrong", "USER", None));
        // The backend's own words only where proxy_pass_error_message is on; its code in any case.
        let own = wrong.contains("-ERR [AUTH] Authentication failed.");
        assert_eq!(own, kind == "stls", "{wrong}");
        assert!(wrong.contains("-ERR [AUTH] "), "{wrong}");
        for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
            let right = curl(kind, *port, mechanism, PASSWORD, "1");
            let want = MESSAGE.replace('\n', "\r\n");
            assert_eq!(
                String::from_utf8_lossy(&right.stdout),
                want,
                "{mechanism} {kind}: {}",
                text(&right)
            );
            let wrong = curl(kind, *port, mechanism, "wrong", "1");
            assert_eq!(
                wrong.status.code(),
                Some(67),
                "curl says that the login failed: {}",
                text(&wrong)
            );
        }
        for mechanism in ["user", "plain", "cram-md5"] {
            let folder = Scratch::new("mpop");
            let fetched = mpop(kind, *port, mechanism, PASSWORD, &folder);
            assert!(
                fetched.status.success(),
                "{mechanism} {kind}: {}",
                text(&fetched)
            );
            let mail = fs::read_to_string(folder.path().join("box")).expect("the mail");
            assert!(
                mail.contains("Subject: mark\n\nhello\n.dot\n..dots\n"),
                "{mail}"
            );
        }
    }
}

#[test]
fn tokens_that_the_backend_checks() {
    let Setup {
        gateway,
        dovecot,
        ports,
        ..
    } = &setup();
    for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
        for (port, kind) in ports.iter().zip(KINDS) {
            let right = poplib(kind, *port, PASSWORD, mechanism, None);
            assert!(
                right.status.success(),
                "{mechanism} {kind}: {}\n{}",
                text(&right),
                dovecot.log()
            );
            let wrong = poplib(kind, *port, "wrong", mechanism, None);
            assert!(
                text(&wrong).contains("-ERR [AUTH] "),
                "{}\n{}",
                text(&wrong),
                gateway.log()
            );
        }
    }
}

#[test]
fn every_mechanism_with_an_auth_server() {
    let (Setup { dovecot, ports, .. }, auth) = &vouched();
    dovecot.deliver("one", MESSAGE);
    for (port, kind) in ports.iter().zip(KINDS) {
        for (mechanism, method) in [
            ("LOGIN", "plain"),
            ("PLAIN", "plain"),
            ("CRAM-MD5", "cram-md5"),
            ("+APOP", "apop"),
        ] {
            let fetched = curl(kind, *port, mechanism, PASSWORD, "1");
            let want = MESSAGE.replace('\n', "\r\n");
            assert_eq!(
                String::from_utf8_lossy(&fetched.stdout),
                want,
                "{mechanism} {kind}: {}",
                text(&fetched)
            );
            let asked = auth.heard();
            assert!(
                asked.contains(&format!("\r\nAuth-User: {USER}\r\n")),
                "{asked}"
            );
            assert!(asked.contains("\r\nAuth-Protocol: pop3\r\n"), "{asked}");
            assert_eq!(
                asked.contains("\r\nAuth-SSL: on\r\n"),
                kind != "clear",
                "{asked}"
            );
            assert!(
                asked.contains(&format!("\r\nAuth-Method: {method}\r\n")),
                "{asked}"
            );
            if method == "apop" {
                assert_digest(&asked);
            }
        }
        for (mechanism, method) in [
            ("USER", "plain"),
            ("APOP", "apop"),
            ("XOAUTH2", "xoauth2"),
            ("OAUTHBEARER", "oauthbearer"),
        ] {
            let fetched = poplib(kind, *port, PASSWORD, mechanism, None);
            assert!(
                fetched.status.success(),
                "{mechanism} {kind}: {}",
                text(&fetched)
            );
            let asked = auth.heard();
            assert!(
                asked.contains(&format!("\r\nAuth-Method: {method}\r\n")),
                "{asked}"
            );
        }
    }
}

/// The digest of APOP is that of the challenge and the password (RFC 1939, 7).
fn assert_digest(asked: &str) {
    let header = |name: &str| {
        let line = asked.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {asked}"))
    };
    let salt = header("Auth-Salt: ");
    assert!(
        salt.starts_with('<') && salt.ends_with("@gate.test>"),
        "{salt}"
    );
    let sum = Command::new("sh")
        .args([
            "-c",
            "printf %s \"$0\" | md5sum",
            &format!("{salt}{PASSWORD}"),
        ])
        .output()
        .expect("md5sum");
    let sum = String::from_utf8_lossy(&sum.stdout);
    assert_eq!(sum.split(' ').next(), Some(header("Auth-Pass: ")));
}

#[test]
fn twenty_megabytes_arrive_byte_for_byte_and_quit_deletes() {
    let Setup { dovecot, ports, .. } = &setup();
    let mut message = String::from("Subject: large\n\n");
    let mut seed = 1_u32;
    while message.len() < 20_000_000 {
        // Lines of every length up to 900, some of them beginning with dots.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        message.push_str(&".".repeat((seed >> 20) as usize % 3));
        let length = (seed >> 8) as usize % 900;
        message
            .extend((0..length).map(|i| char::from(b'!' + ((seed as usize + i * 7) % 90) as u8)));
        message.push('\n');
    }
    let want = message.replace('\n', "\r\n").into_bytes();
    let folder = Scratch::new("fetched");
    let file = folder.path().join("message");
    for (port, kind) in ports.iter().zip(KINDS) {
        dovecot.deliver("large", &message);
        let fetched = curl(kind, *port, "PLAIN", PASSWORD, "1");
        assert!(
            fetched.stdout == want,
            "{kind}: {}",
            String::from_utf8_lossy(&fetched.stderr)
        );
        let fetched = poplib(kind, *port, PASSWORD, "USER", Some(&file));
        assert!(fetched.status.success(), "{kind}: {}", text(&fetched));
        assert!(
            fs::read(&file).expect("the message") == want,
            "{kind}: the message was changed"
        );
        support::wait_until("the end of the message", || dovecot.messages().is_empty());
    }
}

#[test]
fn a_session_outlives_refusals() {
    let Setup {
        gateway,
        dovecot,
        ports,
        ..
    } = &setup();
    let mut client = Smtp::connect(ports[0]);
    // No challenge: APOP could not be passed on.
    assert_eq!(client.hear(), "+OK POP3 ready\r\n");
    for (line, reply) in [
        (&*format!("APOP {USER} x"), "-ERR invalid command\r\n"),
        (&format!("USER {USER}"), "+OK\r\n"),
        ("PASS wrong", "-ERR [AUTH] authentication failed\r\n"),
        ("PASS again", "-ERR invalid command\r\n"),
        ("AUTH EXTERNAL dQ==", "-ERR invalid command\r\n"),
        (&format!("USER {USER}"), "+OK\r\n"),
    ] {
        client.say(line);
        assert_eq!(client.hear(), reply, "{line}");
    }
    client.say(&format!("PASS {PASSWORD}"));
    client.expect("+OK");
    client.say("QUIT");
    client.expect("+OK");
    let failed = "client login failed: \"-ERR [AUTH] Authentication failed.\"";
    assert!(gateway.log().contains(failed), "{}", gateway.log());
    // Dovecot saw one session: it tells of one that ends with a failed login.
    support::wait_until("the login", || dovecot.log().contains("Login: user="));
    assert!(!dovecot.log().contains("auth failed"), "{}", dovecot.log());
}

#[test]
fn capabilities_are_learned_from_the_backend() {
    let Setup { ports, .. } = &setup();
    let capa = |port: u16| {
        let mut client = Smtp::connect(port);
        client.expect("+OK");
        client.say("CAPA");
        let mut lines = Vec::new();
        loop {
            let line = client.hear();
            if line == ".\r\n" {
                return lines.concat();
            }
            lines.push(line);
        }
    };
    support::wait_until("the backend's list", || {
        capa(ports[0]).contains("RESP-CODES\r\n")
    });
    let clear = capa(ports[0]);
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
    let only = capa(ports[1]);
    assert!(
        only.ends_with("\r\nSTLS\r\n") && !only.contains("SASL") && !only.contains("USER"),
        "{only}"
    );
}

#[test]
fn a_backend_that_is_away() {
    let port = support::free_port();
    let nobody = support::free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ proxy_pass 127.0.0.1:{nobody}; server {{ listen 127.0.0.1:{port}; protocol pop3; }} }}"
    ));
    let mut client = Smtp::connect(port);
    client.expect("+OK");
    for _ in 0..2 {
        client.say(&format!("AUTH PLAIN {}", support::plain(USER, PASSWORD)));
        client.expect("-ERR [SYS/TEMP] ");
    }
    client.say("QUIT");
    client.expect("+OK");
    gateway.wait_for_log("Connection refused) while reading response from upstream");
}
