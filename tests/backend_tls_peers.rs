//! TLS to real backends: Postfix and Dovecot, with implicit TLS, STARTTLS and STLS.

use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::auth_server::accepted;
use support::authority::{Authority, CertificateOptions, s_client, ssl_certificate};
use support::dovecot::{self, Dovecot};
use support::postfix::{PASSWORD, Postfix, RECIPIENT, USER};
use support::scripted::ScriptedPeer;
use support::{Gateway, LineClient, free_port};

/// The values of `proxy_ssl`.
const MODES: [&str; 2] = ["on", "starttls"];

/// A CA, and a certificate of it for 127.0.0.1.
fn certificate() -> (Authority, (PathBuf, PathBuf)) {
    let ca = Authority::new("CA");
    let options = CertificateOptions {
        names: &["127.0.0.1"],
        ..CertificateOptions::default()
    };
    let own = ca.sign("backend", options);
    (ca, own)
}

/// The directives of verification: one set that the backend passes, one with the wrong name.
fn settings(ca: &Authority) -> [String; 2] {
    let trusted = format!(
        "proxy_ssl_verify on; proxy_ssl_trusted_certificate {};",
        ca.certificate().display()
    );
    let wrong = format!("{trusted} proxy_ssl_name other.test;");
    [trusted, wrong]
}

fn postfix(mode: &str, (certificate, key): &(PathBuf, PathBuf)) -> Postfix {
    let mut more = format!(
        "smtpd_tls_cert_file = {}\nsmtpd_tls_key_file = {}\nsmtpd_tls_security_level = encrypt\n\
         smtpd_tls_auth_only = yes\nsmtpd_tls_loglevel = 1\nsmtpd_upstream_proxy_protocol = haproxy\n",
        certificate.display(),
        key.display()
    );
    if mode == "on" {
        more.push_str("smtpd_tls_wrappermode = yes\n");
    }
    Postfix::start_with(&more)
}

#[test]
fn postfix_accepts_mail_through_tls() {
    let (ca, own) = certificate();
    let [right, wrong] = settings(&ca);
    for mode in MODES {
        let postfix = postfix(mode, &own);
        let auth = ScriptedPeer::auth_server(accepted(postfix.port));
        let [direct, with_auth, refused] = [(); 3].map(|()| free_port());
        let gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; smtp_auth plain login cram-md5; proxy_ssl {mode}; proxy_protocol on;
                server {{ listen 127.0.0.1:{direct}; protocol smtp; proxy_pass 127.0.0.1:{port}; {right} }}
                server {{ listen 127.0.0.1:{with_auth}; protocol smtp; auth_http 127.0.0.1:{auth}/; {right}
                          proxy_smtp_auth on; }}
                server {{ listen 127.0.0.1:{refused}; protocol smtp; proxy_pass 127.0.0.1:{port}; {wrong} }} }}",
            port = postfix.port,
            auth = auth.port,
        ));
        for (port, mechanism) in [
            (direct, "PLAIN"),
            (direct, "CRAM-MD5"),
            (with_auth, "LOGIN"),
        ] {
            let mark = format!("mark-{mode}-{port}-{mechanism}");
            let output = Command::new("swaks")
                .args(["--server", "127.0.0.1", "--port", &port.to_string()])
                .args(["--ehlo", "client.test", "--from", USER, "--to", RECIPIENT])
                .args(["--auth", mechanism, "--auth-user", USER])
                .args(["--auth-password", PASSWORD, "--body", &mark])
                .output()
                .expect("swaks");
            let transcript = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success(),
                "{transcript}\n{}\n{}",
                gateway.log(),
                postfix.log()
            );
            postfix.message(&mark);
        }
        let mut client = LineClient::connect(refused);
        client.expect("220");
        client.send_line(&format!(
            "AUTH PLAIN {}",
            support::auth_plain(USER, PASSWORD)
        ));
        client.expect("451 4.4.1 ");
        gateway.wait_for_log("upstream SSL certificate does not match \"other.test\"");
        let log = postfix.log();
        assert!(log.contains("TLS connection established from"), "{log}");
        assert!(log.contains(&format!("sasl_username={USER}")), "{log}");
    }
}

/// Connects and reads the greeting.
fn connect(port: u16) -> LineClient {
    let mut client = LineClient::connect(port);
    client.read_reply();
    client
}

/// Sends a line and returns the first line that begins with `start`.
fn ask(client: &mut LineClient, line: &str, start: &str) -> String {
    client.send_line(line);
    client.read_until(start)
}

#[test]
fn dovecot_serves_through_tls() {
    let (ca, own) = certificate();
    let [right, wrong] = settings(&ca);
    let (user, password) = (dovecot::USER, dovecot::PASSWORD);
    for mode in MODES {
        let dovecot = Dovecot::with_tls(&own, mode == "on");
        dovecot.deliver("one", "From: a@example.test\r\n\r\nhello\r\n");
        let auth_server = |port| ScriptedPeer::auth_server(accepted(port));
        let (imap_auth, pop3_auth) = (auth_server(dovecot.imap), auth_server(dovecot.pop3));
        let ports = [(); 6].map(|()| free_port());
        let mut servers = String::new();
        for (port, protocol, more) in [
            (
                ports[0],
                "imap",
                format!("proxy_pass 127.0.0.1:{}; {right}", dovecot.imap),
            ),
            (
                ports[1],
                "imap",
                format!("auth_http 127.0.0.1:{}/; {right}", imap_auth.port),
            ),
            (
                ports[2],
                "imap",
                format!("proxy_pass 127.0.0.1:{}; {wrong}", dovecot.imap),
            ),
            (
                ports[3],
                "pop3",
                format!("proxy_pass 127.0.0.1:{}; {right}", dovecot.pop3),
            ),
            (
                ports[4],
                "pop3",
                format!("auth_http 127.0.0.1:{}/; {right}", pop3_auth.port),
            ),
            (
                ports[5],
                "pop3",
                format!("proxy_pass 127.0.0.1:{}; {wrong}", dovecot.pop3),
            ),
        ] {
            servers.push_str(&format!(
                "server {{ listen 127.0.0.1:{port}; protocol {protocol}; {more} }}\n"
            ));
        }
        let gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; imap_auth plain; pop3_auth plain; proxy_ssl {mode};\n{servers} }}"
        ));
        for port in &ports[..2] {
            let mut client = connect(*port);
            let reply = ask(&mut client, &format!("a LOGIN {user} \"{password}\""), "a ");
            assert!(
                reply.starts_with("a OK"),
                "{reply}\n{}\n{}",
                gateway.log(),
                dovecot.log()
            );
            let found = ask(&mut client, "b SELECT INBOX", "b ");
            assert!(found.starts_with("b OK"), "{found}");
            ask(&mut client, "c LOGOUT", "c OK");
        }
        let reply = ask(
            &mut connect(ports[2]),
            &format!("a LOGIN {user} \"{password}\""),
            "a ",
        );
        assert!(reply.starts_with("a NO [UNAVAILABLE]"), "{reply}");
        for port in &ports[3..5] {
            let mut client = connect(*port);
            ask(&mut client, &format!("USER {user}"), "+OK");
            let reply = ask(&mut client, &format!("PASS {password}"), "");
            assert!(
                reply.starts_with("+OK"),
                "{reply}\n{}\n{}",
                gateway.log(),
                dovecot.log()
            );
            let found = ask(&mut client, "STAT", "");
            assert!(found.starts_with("+OK 1 "), "{found}");
            ask(&mut client, "QUIT", "+OK");
        }
        let mut client = connect(ports[5]);
        ask(&mut client, &format!("USER {user}"), "+OK");
        let reply = ask(&mut client, &format!("PASS {password}"), "");
        assert!(reply.starts_with("-ERR [SYS/TEMP]"), "{reply}");
        let log = gateway.log();
        assert!(log.contains("does not match \"other.test\""), "{log}");
        // The capabilities come from inside TLS.
        support::wait_until("Dovecot's capabilities", || {
            let mut client = connect(ports[0]);
            ask(&mut client, "a CAPABILITY", "* CAPABILITY").contains("IDLE")
        });
        support::wait_until("Dovecot's capabilities", || {
            let mut client = connect(ports[3]);
            ask(&mut client, "CAPA", "+OK");
            let list: Vec<String> = std::iter::from_fn(|| Some(client.read_reply()))
                .take_while(|line| line != ".\r\n" && !line.is_empty())
                .collect();
            list.contains(&"RESP-CODES\r\n".to_string())
        });
    }
}

/// Login without any password: the client authenticates to the gateway with its certificate, the gateway to Dovecot with its own
/// and with the client's name as the authorization identity.
#[test]
fn dovecot_accepts_external_logins() {
    let (ca, own) = certificate();
    let inner = Authority::new("Inner CA");
    let gateway_certificate = inner.sign("gate", CertificateOptions::default());
    let dovecot = Dovecot::with_client_certificates(&own, &inner.certificate());
    let outer = Authority::new("Outer CA");
    let front = ssl_certificate(&outer.sign("own", CertificateOptions::default()));
    let holder = outer.sign(dovecot::USER, CertificateOptions::default());
    let other = outer.sign("joe", CertificateOptions::default());
    let [imap, pop3] = [free_port(), free_port()];
    let [right, _] = settings(&ca);
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; {front} ssl_client_certificate {clients}; ssl_verify_client optional;
            imap_auth plain external; pop3_auth plain external;
            proxy_ssl on; {right} proxy_ssl_certificate {certificate}; proxy_ssl_certificate_key {key};
            server {{ listen 127.0.0.1:{imap} ssl; protocol imap; proxy_pass 127.0.0.1:{to_imap}; }}
            server {{ listen 127.0.0.1:{pop3} ssl; protocol pop3; proxy_pass 127.0.0.1:{to_pop3}; }} }}",
        clients = outer.certificate().display(),
        certificate = gateway_certificate.0.display(),
        key = gateway_certificate.1.display(),
        to_imap = dovecot.imap,
        to_pop3 = dovecot.pop3,
    ));
    let name = STANDARD.encode(dovecot::USER);
    let [holder, other] =
        [&holder, &other].map(|pair| [&pair.0, &pair.1].map(|path| path.display().to_string()));
    let right = ["-cert", &holder[0], "-key", &holder[1]];
    let wrong = ["-cert", &other[0], "-key", &other[1]];
    let imap_lines = format!("a AUTHENTICATE EXTERNAL {name}\r\nb SELECT INBOX\r\nc LOGOUT\r\n");
    let pop3_lines = format!("AUTH EXTERNAL {name}\r\nSTAT\r\nQUIT\r\n");
    for (port, lines, success, refusal) in [
        (imap, &imap_lines, "b OK", "a NO"),
        (pop3, &pop3_lines, "+OK 0 0", "-ERR"),
    ] {
        let output = s_client(port, &right, lines).out;
        assert!(
            output.contains(success),
            "{output}\n{}\n{}",
            gateway.log(),
            dovecot.log()
        );
        // Without a certificate, and with one for another name.
        for arguments in [&[][..], &wrong] {
            let output = s_client(port, arguments, lines).out;
            assert!(
                output.contains(refusal) && !output.contains(success),
                "{output}"
            );
        }
    }
    assert_eq!(gateway.log().matches("client logged in").count(), 2);
    let log = dovecot.log();
    let login = format!("user=<{}>, method=EXTERNAL", dovecot::USER);
    assert_eq!(log.matches(&login).count(), 2, "{log}");
}
