//! How Postfix learns the user: EXTERNAL and tokens with `proxy_pass`, XCLIENT with `auth_http`.

use std::process::{Command, Output};

use support::auth_server::accepted;
use support::authority::{Authority, CertificateOptions, s_client, ssl_certificate};
use support::postfix::{PASSWORD, Postfix, RECIPIENT, USER};
use support::scripted::ScriptedPeer;
use support::{Gateway, LineClient, TempDir, auth_plain, dovecot, free_port};

/// Sends a message with curl.
fn curl(port: u16, mark: &str, mechanism: &str, more: &[&str]) -> Output {
    let folder = TempDir::new("message");
    let file = folder.path().join("message");
    std::fs::write(&file, format!("Subject: {mark}\r\n\r\n")).expect("the message");
    Command::new("curl")
        .args(["-sSvk", "--ssl-reqd", "--login-options"])
        .arg(format!("AUTH={mechanism}"))
        .args(["--url", &format!("smtp://127.0.0.1:{port}/client.test")])
        .args(["--mail-from", USER, "--mail-rcpt", RECIPIENT])
        .arg("--upload-file")
        .arg(&file)
        .args(more)
        .output()
        .expect("curl")
}

fn transcript(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A gateway with STARTTLS that requests client certificates and accepts one authentication method.
fn gateway(ca: &Authority, backend: u16, port: u16, method: &str) -> Gateway {
    Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_auth {method};
            proxy_pass 127.0.0.1:{backend};
            starttls on;
            {}
            ssl_verify_client optional;
            ssl_client_certificate {};
            server {{ listen 127.0.0.1:{port}; protocol smtp; }}
        }}",
        ssl_certificate(&ca.sign("localhost", CertificateOptions::default())),
        ca.certificate().display(),
    ))
}

#[test]
fn external_accepts_the_names_in_the_certificate() {
    let (postfix, ca, port) = (Postfix::start(), Authority::new("ca"), free_port());
    let gateway = gateway(&ca, postfix.port, port, "external");
    let by_mail = ca.sign(
        "Alice",
        CertificateOptions {
            mail: &[USER],
            ..CertificateOptions::default()
        },
    );
    let by_name = ca.sign(USER, CertificateOptions::default());
    let other = ca.sign("bob", CertificateOptions::default());
    let upper = USER.to_ascii_uppercase();
    for (at, ((certificate, key), requested, login)) in [
        (&by_mail, USER, Some(USER)),
        (&by_mail, &upper, Some(USER)),
        (&by_mail, "Alice", Some("Alice")),
        (&by_name, USER, Some(USER)),
        (&other, "bob", Some("bob")),
        (&other, USER, None),
        (&by_mail, "bob", None),
    ]
    .into_iter()
    .enumerate()
    {
        let (mark, user) = (format!("mark-{at}"), format!("{requested}:"));
        let files = [certificate, key].map(|path| path.display().to_string());
        let more = ["--cert", &files[0], "--key", &files[1], "--user", &user];
        let output = curl(port, &mark, "EXTERNAL", &more);
        let text = transcript(&output);
        assert_eq!(
            output.status.success(),
            login.is_some(),
            "{text}\n{}",
            gateway.log()
        );
        if let Some(login) = login {
            postfix.message(&mark);
            let log = postfix.log();
            let line = format!("sasl_method=XCLIENT, sasl_username={login}\n");
            assert!(log.contains(&line), "{log}");
        } else {
            assert!(text.contains("< 535 5.7.8 "), "{text}");
            let log = gateway.log();
            let line = log.lines().find(|line| {
                line.contains("client login failed: \"the certificate is not for this login\"")
                    && line.contains(&format!("login: \"{requested}\""))
            });
            assert!(line.is_some_and(|line| line.contains("[info]")), "{log}");
        }
    }
}

#[test]
fn external_refuses_other_names() {
    let (ca, ports) = (
        Authority::new("ca"),
        [free_port(), free_port(), free_port()],
    );
    let [smtp, imap, pop3] = ports;
    // No backend: the gateway refuses before it connects.
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_auth external; imap_auth external; pop3_auth external;
            proxy_pass 127.0.0.1:{};
            {}
            ssl_verify_client optional;
            ssl_client_certificate {};
            server {{ listen 127.0.0.1:{smtp} ssl; protocol smtp; }}
            server {{ listen 127.0.0.1:{imap} ssl; protocol imap; }}
            server {{ listen 127.0.0.1:{pop3} ssl; protocol pop3; }}
        }}",
        free_port(),
        ssl_certificate(&ca.sign("localhost", CertificateOptions::default())),
        ca.certificate().display(),
    ));
    let (certificate, key) = ca.sign("alice", CertificateOptions::default());
    let files = [certificate, key].map(|path| path.display().to_string());
    let own = ["-quiet", "-cert", &files[0], "-key", &files[1]];
    for (port, verb, end, refused, unsupported, unavailable) in [
        (
            smtp,
            "AUTH",
            "QUIT",
            "535 5.7.8 ",
            "504 5.5.4 ",
            "451 4.4.1 ",
        ),
        (
            imap,
            "a AUTHENTICATE",
            "b LOGOUT",
            "a NO [AUTHENTICATIONFAILED] ",
            "a NO ",
            "a NO [UNAVAILABLE] ",
        ),
        (
            pop3,
            "AUTH",
            "QUIT",
            "-ERR [AUTH] ",
            "-ERR ",
            "-ERR [SYS/TEMP] ",
        ),
    ] {
        let output = |user: &str, arguments: &[&str]| {
            s_client(
                port,
                arguments,
                &format!("{verb} EXTERNAL {user}\r\n{end}\r\n"),
            )
            .out
        };
        // bob
        let text = output("Ym9i", &own);
        assert!(text.contains(&format!("\n{refused}")), "{text}");
        // Without a certificate EXTERNAL is not available.
        let text = output("Ym9i", &["-quiet"]);
        assert!(
            text.contains(&format!("\n{unsupported}")) && !text.contains(refused),
            "{text}"
        );
        // The right name, in any case, and no name go to the backend.
        for user in ["YWxpY2U=", "QUxJQ0U=", "="] {
            let text = output(user, &own);
            assert!(text.contains(&format!("\n{unavailable}")), "{user}: {text}");
        }
    }
    let log = gateway.log();
    let line = "client login failed: \"the certificate is not for this login\" while in auth state";
    assert_eq!(log.matches(line).count(), 3, "{log}");
    // Without a requested name the user is the name in the certificate.
    assert_eq!(log.matches("login: \"alice\"").count(), 9, "{log}");
}

#[test]
fn backend_checks_tokens() {
    let (postfix, ca) = (Postfix::start(), Authority::new("ca"));
    let right = dovecot::token(USER, PASSWORD);
    let wrong = dovecot::token(USER, "wrong");
    for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
        let port = free_port();
        let gateway = gateway(&ca, postfix.port, port, mechanism);
        let send = |token| {
            let more = ["--user", USER, "--oauth2-bearer", token];
            curl(port, mechanism, mechanism, &more)
        };
        let output = send(&right);
        assert!(
            output.status.success(),
            "{}\n{}",
            transcript(&output),
            gateway.log()
        );
        postfix.message(&format!("Subject: {mechanism}\n"));
        let log = postfix.log();
        let line = format!("sasl_method={mechanism}, sasl_username={USER}\n");
        assert!(log.contains(&line), "{log}");
        let output = send(&wrong);
        assert!(!output.status.success());
        assert!(
            transcript(&output).contains("< 535 5.7.8 "),
            "{}",
            transcript(&output)
        );
        assert!(!gateway.log().contains(&right));
    }
}

#[test]
fn xclient_has_address_name_and_login() {
    // Postfix accepts IPv6 addresses in XCLIENT only with IPv6 enabled.
    let postfix = Postfix::start_with("inet_protocols = all\n");
    let port = free_port();
    let auth = ScriptedPeer::auth_server(accepted(postfix.port));
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            auth_http 127.0.0.1:{};
            set_real_ip_from 127.0.0.1;
            server {{ listen 127.0.0.1:{port} proxy_protocol; protocol smtp; }}
        }}",
        auth.port
    ));
    for (at, (header, address)) in [
        ("PROXY TCP4 192.0.2.7 192.0.2.1 4321 25", "[192.0.2.7]"),
        (
            "PROXY TCP6 2001:db8::7 2001:db8::1 4321 25",
            "[IPv6:2001:db8::7]",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        // All these special characters are encoded in xtext.
        let login = "al ice+tag=x@example.test";
        let mut client = LineClient::connect(port);
        client.send_line(header);
        client.expect("220");
        client.send_line("EHLO client.test");
        client.expect("250");
        client.send_line(&format!("AUTH PLAIN {}", auth_plain(login, "any")));
        let reply = client.read_reply();
        assert!(
            reply.starts_with("235"),
            "{}{}",
            gateway.log(),
            postfix.log()
        );
        client.send_line(&format!("MAIL FROM:<{USER}>"));
        client.expect("250");
        client.send_line(&format!("RCPT TO:<{RECIPIENT}>"));
        client.expect("250");
        client.send_line("DATA");
        client.expect("354");
        client.send_line(&format!("Subject: mark-{at}\r\n\r\n."));
        client.expect("250");
        let message = String::from_utf8_lossy(&postfix.message(&format!("mark-{at}"))).into_owned();
        let line = format!("Received: from client.test (unknown {address})");
        assert!(message.contains(&line), "{message}");
        let log = postfix.log();
        let line = format!("sasl_method=XCLIENT, sasl_username={login}\n");
        assert!(log.contains(&line), "{log}");
    }
}
