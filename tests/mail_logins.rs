//! Who the client is, told to Postfix: by certificates and tokens with `proxy_pass` alone, by XCLIENT behind an auth server.

mod support;

use std::process::{Command, Output};

use support::mock::{Act, Mock};
use support::postfix::{PASSWORD, Postfix, RECIPIENT, USER};
use support::tls::{Authority, Wish, pair, s_client};
use support::{Gateway, Scratch, Smtp, dovecot, free_port, plain};

/// Sends a message by curl.
fn curl(port: u16, mark: &str, mechanism: &str, more: &[&str]) -> Output {
    let folder = Scratch::new("message");
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

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A gateway with STARTTLS that asks clients for certificates. The `port` is for one way to log in.
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
        pair(&ca.sign("localhost", Wish::default())),
        ca.certificate().display(),
    ))
}

#[test]
fn a_certificate_is_good_for_its_own_names() {
    let (postfix, ca, port) = (Postfix::start(), Authority::new("ca"), free_port());
    let gateway = gateway(&ca, postfix.port, port, "external");
    let by_mail = ca.sign(
        "Alice",
        Wish {
            mail: &[USER],
            ..Wish::default()
        },
    );
    let by_name = ca.sign(USER, Wish::default());
    let other = ca.sign("bob", Wish::default());
    let upper = USER.to_ascii_uppercase();
    for (at, ((certificate, key), asked, login)) in [
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
        let (mark, user) = (format!("mark-{at}"), format!("{asked}:"));
        let shown = [certificate, key].map(|path| path.display().to_string());
        let more = ["--cert", &shown[0], "--key", &shown[1], "--user", &user];
        let output = curl(port, &mark, "EXTERNAL", &more);
        let text = said(&output);
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
                    && line.contains(&format!("login: \"{asked}\""))
            });
            assert!(line.is_some_and(|line| line.contains("[info]")), "{log}");
        }
    }
}

#[test]
fn a_certificate_of_somebody_else_is_a_wrong_password() {
    let (ca, ports) = (
        Authority::new("ca"),
        [free_port(), free_port(), free_port()],
    );
    let [smtp, imap, pop3] = ports;
    // The backend is not there, and nobody asks for it.
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
        pair(&ca.sign("localhost", Wish::default())),
        ca.certificate().display(),
    ));
    let (certificate, key) = ca.sign("alice", Wish::default());
    let shown = [certificate, key].map(|path| path.display().to_string());
    let own = ["-quiet", "-cert", &shown[0], "-key", &shown[1]];
    for (port, verb, end, refused, unknown, away) in [
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
        let heard = |user: &str, arguments: &[&str]| {
            s_client(
                port,
                arguments,
                &format!("{verb} EXTERNAL {user}\r\n{end}\r\n"),
            )
            .out
        };
        // bob
        let text = heard("Ym9i", &own);
        assert!(text.contains(&format!("\n{refused}")), "{text}");
        // Without a certificate there is nothing to pass on.
        let text = heard("Ym9i", &["-quiet"]);
        assert!(
            text.contains(&format!("\n{unknown}")) && !text.contains(refused),
            "{text}"
        );
        // Alice, and no name at all, are for the backend to judge.
        for user in ["YWxpY2U=", "QUxJQ0U=", "="] {
            let text = heard(user, &own);
            assert!(text.contains(&format!("\n{away}")), "{user}: {text}");
        }
    }
    let log = gateway.log();
    let line = "client login failed: \"the certificate is not for this login\" while in auth state";
    assert_eq!(log.matches(line).count(), 3, "{log}");
    // Whoever asks for no login is called by the certificate.
    assert_eq!(log.matches("login: \"alice\"").count(), 9, "{log}");
}

#[test]
fn tokens_that_the_backend_checks() {
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
            said(&output),
            gateway.log()
        );
        postfix.message(&format!("Subject: {mechanism}\n"));
        let log = postfix.log();
        let line = format!("sasl_method={mechanism}, sasl_username={USER}\n");
        assert!(log.contains(&line), "{log}");
        let output = send(&wrong);
        assert!(!output.status.success());
        assert!(said(&output).contains("< 535 5.7.8 "), "{}", said(&output));
        assert!(!gateway.log().contains(&right));
    }
}

#[test]
fn xclient_tells_address_name_and_login() {
    // It knows IPv6 addresses only if it may use them itself.
    let postfix = Postfix::start_with("inet_protocols = all\n");
    let port = free_port();
    let answer = format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\n\r\n",
        postfix.port
    );
    let auth = Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())]);
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
        // In xtext each of these bytes has a form of its own.
        let login = "al ice+tag=x@example.test";
        let mut client = Smtp::connect(port);
        client.say(header);
        client.expect("220");
        client.say("EHLO client.test");
        client.expect("250");
        client.say(&format!("AUTH PLAIN {}", plain(login, "any")));
        let reply = client.hear();
        assert!(
            reply.starts_with("235"),
            "{}{}",
            gateway.log(),
            postfix.log()
        );
        client.say(&format!("MAIL FROM:<{USER}>"));
        client.expect("250");
        client.say(&format!("RCPT TO:<{RECIPIENT}>"));
        client.expect("250");
        client.say("DATA");
        client.expect("354");
        client.say(&format!("Subject: mark-{at}\r\n\r\n."));
        client.expect("250");
        let message = String::from_utf8_lossy(&postfix.message(&format!("mark-{at}"))).into_owned();
        let line = format!("Received: from client.test (unknown {address})");
        assert!(message.contains(&line), "{message}");
        let log = postfix.log();
        let line = format!("sasl_method=XCLIENT, sasl_username={login}\n");
        assert!(log.contains(&line), "{log}");
    }
}
