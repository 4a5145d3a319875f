//! SCRAM relayed to backends that authenticate: gsasl and a POP3 client with SCRAM of its own, Dovecot and Postfix.

use std::process::{Command, Output};

use support::dovecot::{Dovecot, KEYS_USER, PASSWORD, USER};
use support::imap_clients::describe;
use support::pop3_clients::poplib;
use support::postfix::{self, Postfix};
use support::scripted::{ScriptedPeer, Step};
use support::{Certificate, Gateway, LineClient, free_port};

const MECHANISMS: [&str; 2] = ["SCRAM-SHA-1", "SCRAM-SHA-256"];
/// n,,n=alice@example.test,r=abc
const FIRST: &str = "biwsbj1hbGljZUBleGFtcGxlLnRlc3Qscj1hYmM=";

/// Logs in with gsasl, which checks the backend's signature. `protocol` is `imap` or `smtp`.
fn gsasl(protocol: &str, port: u16, mechanism: &str, user: &str, password: &str) -> Output {
    Command::new("gsasl")
        .arg(format!("--{protocol}"))
        .args(["--no-starttls", "--no-cb", "--verbose"])
        .arg(format!("--connect=127.0.0.1:{port}"))
        .args(["--mechanism", mechanism])
        .args(["--authentication-id", user, "--password", password])
        .stdin(std::process::Stdio::null())
        .output()
        .expect("gsasl")
}

/// A server of this protocol in front of a backend that authenticates.
fn server(protocol: &str, port: u16, backend: u16, more: &str) -> String {
    format!(
        "server {{ listen 127.0.0.1:{port}; protocol {protocol}; proxy_pass 127.0.0.1:{backend};
                   {protocol}_auth plain scram-sha-1 scram-sha-256; {more} }}"
    )
}

#[test]
fn imap_with_dovecot() {
    let (dovecot, port) = (Dovecot::start(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{ mail_log mail.log; {} }}",
        server("imap", port, dovecot.imap, "")
    ));
    for (mechanism, user) in [
        (MECHANISMS[0], USER),
        (MECHANISMS[1], USER),
        (MECHANISMS[1], KEYS_USER),
    ] {
        let output = gsasl("imap", port, mechanism, user, PASSWORD);
        assert!(
            output.status.success(),
            "{}\n{}{}",
            describe(&output),
            gateway.log(),
            dovecot.log()
        );
        let output = gsasl("imap", port, mechanism, user, "wrong");
        let text = describe(&output);
        assert!(!output.status.success(), "{text}");
        assert!(text.contains("NO [AUTHENTICATIONFAILED]"), "{text}");
    }
    let log = gateway.log();
    assert_eq!(log.matches("client logged in").count(), 3, "{log}");
    assert_eq!(log.matches("client login failed").count(), 3, "{log}");
    assert!(log.contains(&format!("login: \"{KEYS_USER}\"")), "{log}");
    let file = gateway.folder().join("mail.log");
    let lines = support::mail_log::wait_for_lines(&file, 6).join("\n");
    assert_eq!(lines.matches("method=scram-sha-256").count(), 4, "{lines}");
    assert_eq!(lines.matches("result=login-failed").count(), 3, "{lines}");
}

#[test]
fn pop3_with_dovecot() {
    let (dovecot, certificate) = (Dovecot::start(), Certificate::new());
    let ports = [free_port(), free_port()];
    let tls = format!(
        "ssl_certificate {}; ssl_certificate_key {};",
        certificate.chain().display(),
        certificate.key().display()
    );
    let gateway = Gateway::start(&format!(
        "mail {{ {tls} {} {} }}",
        server("pop3", ports[0], dovecot.pop3, ""),
        server("pop3", ports[1], dovecot.pop3, "starttls only;"),
    ));
    for mechanism in MECHANISMS {
        for (kind, port) in [("clear", ports[0]), ("starttls", ports[1])] {
            let output = poplib(kind, port, PASSWORD, mechanism, None);
            let text = describe(&output);
            assert!(
                output.status.success() && text.contains("verified"),
                "{text}\n{}{}",
                gateway.log(),
                dovecot.log()
            );
            let text = describe(&poplib(kind, port, "wrong", mechanism, None));
            assert!(
                text.contains("-ERR [AUTH] ") && !text.contains("verified"),
                "{text}"
            );
        }
    }
    // Only what the backend announces.
    let mut client = LineClient::connect(ports[0]);
    client.expect("+OK");
    client.send_line("CAPA");
    let said = client.read_until("SASL");
    assert_eq!(said, "SASL PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256\r\n");
}

#[test]
fn smtp_with_postfix() {
    let (postfix, port) = (Postfix::start(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{ {} }}",
        server("smtp", port, postfix.port, "")
    ));
    for mechanism in MECHANISMS {
        let output = gsasl("smtp", port, mechanism, postfix::USER, postfix::PASSWORD);
        assert!(
            output.status.success(),
            "{}\n{}{}",
            describe(&output),
            gateway.log(),
            postfix.log()
        );
        let output = gsasl("smtp", port, mechanism, postfix::USER, "wrong");
        let text = describe(&output);
        assert!(
            !output.status.success() && text.contains("535 5.7.8"),
            "{text}"
        );
    }
    let log = gateway.log();
    assert_eq!(log.matches("client logged in").count(), 2, "{log}");
}

/// The backend is chosen after the client's first message.
#[test]
fn the_login_selects_the_backend() {
    let (dovecot, port) = (Dovecot::start(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{
            map $remote_user $backend {{ {USER} 127.0.0.1:{}; }}
            server {{ listen 127.0.0.1:{port}; protocol imap; proxy_pass $backend; imap_auth scram-sha-256; }}
        }}",
        dovecot.imap
    ));
    let output = gsasl("imap", port, "SCRAM-SHA-256", USER, PASSWORD);
    let text = describe(&output);
    assert!(output.status.success(), "{text}\n{}", gateway.log());
    let output = gsasl("imap", port, "SCRAM-SHA-256", KEYS_USER, PASSWORD);
    let text = describe(&output);
    assert!(text.contains("NO [UNAVAILABLE]"), "{text}");
    // Both forms of the command lead to the backend of this login, which challenges.
    for initial in [true, false] {
        let mut client = LineClient::connect(port);
        client.expect("* OK");
        let challenge = match initial {
            true => client.ask(&format!("a AUTHENTICATE SCRAM-SHA-256 {FIRST}")),
            false => {
                assert_eq!(client.ask("a AUTHENTICATE SCRAM-SHA-256"), "+ \r\n");
                client.ask(FIRST)
            }
        };
        assert!(challenge.starts_with("+ cj1hYm"), "{challenge}");
        // The client gives up, and logs in in another way.
        let reply = client.ask("*");
        assert!(reply.starts_with("a "), "{reply}");
        let reply = client.ask(&format!("b LOGIN {USER} \"{PASSWORD}\""));
        assert!(reply.contains("b OK"), "{reply}\n{}", gateway.log());
    }
}

/// Wrong passwords count for `limit_auth`; exchanges that a client gives up do not keep it from another one.
#[test]
fn failed_logins_are_limited() {
    let (dovecot, port) = (Dovecot::start(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{
            limit_auth_zone $remote_user zone=logins:1m rate=1r/m;
            limit_auth zone=logins action=refuse;
            {}
        }}",
        server("imap", port, dovecot.imap, "")
    ));
    let mut client = LineClient::connect(port);
    client.expect("* OK");
    for _ in 0..2 {
        let challenge = client.ask(&format!("a AUTHENTICATE SCRAM-SHA-256 {FIRST}"));
        assert!(challenge.starts_with("+ "), "{challenge}");
        let reply = client.ask("not-base64");
        assert!(reply.starts_with("a BAD"), "{reply}");
    }
    let log_in = |password| describe(&gsasl("imap", port, "SCRAM-SHA-256", USER, password));
    let text = log_in(PASSWORD);
    assert!(text.contains("server trusted"), "{text}\n{}", gateway.log());
    let text = log_in("wrong");
    assert!(text.contains("NO [AUTHENTICATIONFAILED]"), "{text}");
    let text = log_in(PASSWORD);
    assert!(
        text.contains("NO [UNAVAILABLE]"),
        "{text}\n{}",
        gateway.log()
    );
}

/// A POP3 backend that continues after the first message with these steps.
fn pop3_backend(more: Vec<Step>) -> (ScriptedPeer, Gateway, LineClient) {
    let begin = [
        Step::Send(b"+OK b\r\n"),
        Step::ReadLine,
        Step::Send(b"+OK\r\nSASL SCRAM-SHA-1\r\n.\r\n"),
        Step::ReadLine,
    ];
    let peer = ScriptedPeer::start(&[&begin[..], &more].concat());
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ {} }}",
        server(
            "pop3",
            port,
            peer.port,
            "pop3_capabilities USER; proxy_pass_error_message on;"
        )
    ));
    let mut client = LineClient::connect(port);
    client.expect("+OK");
    (peer, gateway, client)
}

#[test]
fn a_backend_dies_between_two_messages() {
    let challenge = Step::Send(b"+ cj1hYmM=\r\n");
    let end = Step::Send(b"+ dj14\r\n");
    for (steps, lines) in [
        (vec![], 0),
        (vec![challenge.clone()], 1),
        (vec![challenge.clone(), Step::ReadLine], 1),
        (vec![challenge.clone(), Step::ReadLine, end.clone()], 2),
        (vec![challenge, Step::ReadLine, end, Step::ReadLine], 2),
    ] {
        let (_peer, gateway, mut client) = pop3_backend(steps);
        let mut reply = client.ask(&format!("AUTH SCRAM-SHA-1 {FIRST}"));
        for line in ["Yz1iaXdz", ""].into_iter().take(lines) {
            assert!(reply.starts_with("+ "), "{reply}");
            reply = client.ask(line);
        }
        assert!(
            reply.starts_with("-ERR [SYS/TEMP]"),
            "{lines}: {reply}\n{}",
            gateway.log()
        );
        assert!(client.ask("NOOP").starts_with("+OK"));
    }
}

#[test]
fn the_proof_stays_out_of_the_log() {
    // c=biws,r=abc,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=
    const FINAL: &str = "Yz1iaXdzLHI9YWJjLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ==";
    let echo = format!("-ERR no: {FINAL} c=biws,r=abc,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=\r\n");
    let (peer, gateway, mut client) = pop3_backend(vec![
        Step::Send(b"+ cj1hYmM=\r\n"),
        Step::ReadLine,
        Step::send(echo),
        Step::Stall,
    ]);
    client.ask(&format!("AUTH SCRAM-SHA-1 {FIRST}"));
    assert!(client.ask(FINAL).starts_with("-ERR no"));
    let said: Vec<String> = (0..3).map(|_| peer.received()).collect();
    assert_eq!(
        said[1..],
        [format!("AUTH SCRAM-SHA-1 {FIRST}"), FINAL.into()]
    );
    gateway.wait_for_log("client login failed: \"-ERR no: ");
    let log = gateway.log();
    assert!(!log.contains("v0X8v3Bz") && !log.contains(FINAL), "{log}");
    assert!(log.contains(&format!("login: \"{USER}\"")), "{log}");
}

/// A backend that does not know the password: gsasl notices the wrong signature and cancels, and so does the gateway.
#[test]
fn a_wrong_signature_is_the_clients_decision() {
    let port = free_port();
    // The nonce of the backend must begin with the client's, so the backend computes its first message.
    let backend = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let backend_port = backend.local_addr().expect("its number").port();
    let peer = std::thread::spawn(move || {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let (stream, _) = backend.accept().expect("a session");
        let mut peer = LineClient::over(stream);
        peer.send_line("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-1] b");
        let command = peer.read_reply();
        let text = command.trim_ascii().rsplit(' ').next().expect("a message");
        let message = String::from_utf8(STANDARD.decode(text).expect("base64")).expect("text");
        let nonce = message.split(",r=").nth(1).expect("a nonce");
        let own = format!("r={nonce}more,s=QSXCR+Q6sek8bf92,i=4096");
        peer.send_line(&format!("+ {}", STANDARD.encode(own)));
        peer.read_reply();
        let signature = STANDARD.encode("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
        peer.send_line(&format!("+ {signature}"));
        peer.read_to_end()
    });
    let gateway = Gateway::start(&format!(
        "mail {{ {} }}",
        server(
            "imap",
            port,
            backend_port,
            "imap_capabilities IMAP4rev1 SASL-IR;"
        )
    ));
    let output = gsasl("imap", port, "SCRAM-SHA-1", USER, PASSWORD);
    assert!(!output.status.success(), "{}", describe(&output));
    let rest = peer.join().expect("the peer");
    assert!(rest.is_empty() || rest == "*\r\n", "{rest:?}");
    assert!(
        !gateway.log().contains("client logged in"),
        "{}",
        gateway.log()
    );
}
