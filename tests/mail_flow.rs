//! SMTP with real peers: swaks and curl as clients, Postfix as the backend.

use std::process::Command;

use support::postfix::{PASSWORD, Postfix, RECIPIENT, USER};
use support::{Certificate, Gateway, LineClient, messages};

/// A gateway in front of Postfix, with ports for clear text, STARTTLS and implicit TLS.
struct Setup {
    postfix: Postfix,
    gateway: Gateway,
    /// Its files must exist when the configuration is reloaded.
    _certificate: Certificate,
    ports: [u16; 3],
}

fn setup() -> Setup {
    let postfix = Postfix::start();
    let certificate = Certificate::new();
    let ports = [
        support::free_port(),
        support::free_port(),
        support::free_port(),
    ];
    let [plain, starttls, tls] = ports;
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_auth plain login cram-md5;
            proxy_pass 127.0.0.1:{backend};
            ssl_certificate {cert};
            ssl_certificate_key {key};
            server {{ listen 127.0.0.1:{plain}; protocol smtp; }}
            server {{ listen 127.0.0.1:{starttls}; protocol smtp; starttls on;
                      proxy_pass_error_message on; }}
            server {{ listen 127.0.0.1:{tls} ssl; protocol smtp; }}
        }}",
        backend = postfix.port,
        cert = certificate.chain().display(),
        key = certificate.key().display(),
    ));
    Setup {
        postfix,
        gateway,
        _certificate: certificate,
        ports,
    }
}

/// Sends a message with swaks; returns its exit code and its transcript.
fn swaks(port: u16, more: &[&str]) -> (i32, String) {
    let output = Command::new("swaks")
        .args(["--server", "127.0.0.1", "--port", &port.to_string()])
        .args(["--ehlo", "client.test", "--from", USER, "--to", RECIPIENT])
        .args(more)
        .output()
        .expect("swaks");
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[test]
fn every_mechanism_on_every_port() {
    let Setup { postfix, ports, .. } = &setup();
    let kinds: [&[&str]; 3] = [&[], &["--tls"], &["--tls-on-connect"]];
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        for (port, kind) in ports.iter().zip(kinds) {
            let mark = format!("mark-{mechanism}-{port}");
            let login = ["--auth", mechanism, "--auth-user", USER, "--body", &mark];
            let right = [&login[..], &["--auth-password", PASSWORD], kind].concat();
            let (code, text) = swaks(*port, &right);
            assert_eq!(code, 0, "{text}\n{}", postfix.log());
            postfix.message(&mark);
            let wrong = [&login[..], &["--auth-password", "wrong"], kind].concat();
            let (code, text) = swaks(*port, &wrong);
            assert_eq!(code, 28, "swaks reports a failed login:\n{text}");
            // The backend's own text is passed on only with proxy_pass_error_message.
            let own = text.contains("535 5.7.8 Error: authentication failed");
            assert_eq!(own, *port == ports[1], "{text}");
            assert!(text.contains(" 535 5.7.8 "), "{text}");
        }
    }
    // Postfix knows the user.
    assert!(
        postfix.log().contains(&format!("sasl_username={USER}")),
        "{}",
        postfix.log()
    );
}

#[test]
fn ten_megabytes_arrive_byte_for_byte() {
    let Setup { postfix, ports, .. } = &setup();
    let folder = support::TempDir::new("message");
    let file = folder.path().join("message");
    let message = messages::large("mark-large", 10_000_000);
    for (port, scheme, more) in [
        (ports[0], "smtp", &[][..]),
        (ports[1], "smtp", &["--ssl-reqd"]),
        (ports[2], "smtps", &[]),
    ] {
        let mark = format!("mark-{port}");
        let text = message.replacen("mark-large", &mark, 1);
        std::fs::write(&file, &text).expect("the message");
        let output = Command::new("curl")
            .args(["-sS", "-k", "--login-options", "AUTH=PLAIN"])
            .args(["--url", &format!("{scheme}://127.0.0.1:{port}/client.test")])
            .args(["--user", &format!("{USER}:{PASSWORD}"), "--mail-from", USER])
            .args(["--mail-rcpt", RECIPIENT, "--upload-file"])
            .arg(&file)
            .args(more)
            .output()
            .expect("curl");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let arrived = postfix.message(&mark);
        // Postfix stores lines with LF and adds header fields.
        let expected = text.replace("\r\n", "\n");
        assert!(
            body(&arrived) == body(expected.as_bytes()),
            "{scheme} on {port}: the message was changed"
        );
    }
}

/// The text after the first empty line.
fn body(message: &[u8]) -> &[u8] {
    let end = message.windows(2).position(|pair| pair == b"\n\n");
    &message[end.map_or(0, |at| at + 2)..]
}

#[test]
fn session_survives_reloads() {
    let Setup {
        postfix,
        gateway,
        ports,
        ..
    } = &setup();
    let mut session = LineClient::connect(ports[0]);
    session.expect("220");
    session.send_line("EHLO client.test");
    session.expect("250");
    session.send_line(&format!(
        "AUTH PLAIN {}",
        support::auth_plain(USER, PASSWORD)
    ));
    session.expect("235");
    gateway.reload();
    let mut fresh = LineClient::connect(ports[0]);
    fresh.expect("220");
    for (line, code) in [
        (format!("MAIL FROM:<{USER}>"), "250"),
        (format!("RCPT TO:<{RECIPIENT}>"), "250"),
        ("DATA".into(), "354"),
    ] {
        session.send_line(&line);
        session.expect(code);
    }
    gateway.reload();
    session.send_line("Subject: mark-reload\r\n\r\nover two reloads\r\n.");
    session.expect("250");
    session.send_line("QUIT");
    session.expect("221");
    postfix.message("mark-reload");
}

#[test]
fn xclient_tells_the_backend_the_client_address() {
    let Setup { postfix, ports, .. } = &setup();
    let login = [
        "--auth",
        "PLAIN",
        "--auth-user",
        USER,
        "--auth-password",
        PASSWORD,
    ];
    let (code, text) = swaks(
        ports[0],
        &[&login[..], &["--body", "mark-xclient"]].concat(),
    );
    assert_eq!(code, 0, "{text}");
    let message = String::from_utf8_lossy(&postfix.message("mark-xclient")).into_owned();
    assert!(
        message.contains("Received: from client.test (unknown [127.0.0.1])"),
        "{message}"
    );
}

/// The capabilities in the reply to EHLO.
fn ehlo(port: u16) -> Vec<String> {
    let mut session = LineClient::connect(port);
    session.expect("220");
    session.send_line("EHLO client.test");
    let reply = session.expect("250");
    reply
        .lines()
        .skip(1)
        .map(|line| line[4..].to_string())
        .collect()
}

#[test]
fn capabilities_of_the_backend_are_announced() {
    let Setup { postfix, ports, .. } = &setup();
    let is_hidden = |word: &str| {
        let word = word.split([' ', '=']).next().unwrap_or_default();
        // The gateway keeps what it offers itself, and commands that it refuses before the login.
        ["AUTH", "STARTTLS", "XCLIENT", "XFORWARD", "VRFY", "ETRN"].contains(&word)
    };
    let mut expected: Vec<_> = ehlo(postfix.port);
    assert!(expected.iter().any(|word| is_hidden(word)), "{expected:?}");
    expected.retain(|word| !is_hidden(word));
    assert!(expected.len() > 3, "{expected:?}");
    for (port, more) in [(ports[0], None), (ports[1], Some("STARTTLS"))] {
        let expected: Vec<_> = expected
            .iter()
            .map(String::as_str)
            .chain(["AUTH PLAIN LOGIN CRAM-MD5"])
            .chain(more)
            .collect();
        // The probe runs in the background and may end after the first client.
        support::wait_until("the backend's capabilities", || ehlo(port) == expected);
    }
}
