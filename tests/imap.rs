//! Mail read by real clients through the gateway from a real backend: imaplib, curl and mbsync in front, Dovecot behind.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::dovecot::{Dovecot, PASSWORD, USER};
use support::mock::{Act, Mock};
use support::{Certificate, Gateway, Scratch, Smtp, wait_until};

/// A gateway in front of Dovecot: clear text, STARTTLS and implicit TLS.
struct Setup {
    dovecot: Dovecot,
    gateway: Gateway,
    certificate: Certificate,
    mail: String,
    ports: [u16; 3],
}

const KINDS: [&str; 3] = ["clear", "starttls", "tls"];

/// Dovecot decides.
fn judged() -> Setup {
    let dovecot = Dovecot::start();
    let decides = format!("proxy_pass 127.0.0.1:{};", dovecot.imap);
    start(dovecot, &decides)
}

/// An auth server lets everybody in.
fn vouched() -> (Setup, Mock) {
    let dovecot = Dovecot::start();
    let answer = format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\nAuth-Pass: {PASSWORD}\r\n\r\n",
        dovecot.imap
    );
    let mock = Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())]);
    let decides = format!("auth_http 127.0.0.1:{}/auth;", mock.port);
    (start(dovecot, &decides), mock)
}

fn start(dovecot: Dovecot, decides: &str) -> Setup {
    let certificate = Certificate::new();
    let ports = [(); 3].map(|()| support::free_port());
    let [clear, starttls, tls] = ports;
    let mail = format!(
        "mail {{
            server_name gate.test;
            imap_auth plain cram-md5 xoauth2 oauthbearer;
            {decides}
            ssl_certificate {cert};
            ssl_certificate_key {key};
            server {{ listen 127.0.0.1:{clear}; protocol imap; }}
            server {{ listen 127.0.0.1:{starttls}; protocol imap; starttls only;
                      proxy_pass_error_message on; }}
            server {{ listen 127.0.0.1:{tls} ssl; protocol imap; }}
        }}",
        cert = certificate.chain().display(),
        key = certificate.key().display(),
    );
    Setup {
        dovecot,
        gateway: Gateway::start(&mail),
        certificate,
        mail,
        ports,
    }
}

impl Setup {
    /// What the peers wrote, for a failure.
    fn logs(&self) -> String {
        format!("{}\n{}", self.gateway.log(), self.dovecot.log())
    }

    /// imaplib must get in, see the mailboxes and leave.
    fn gets_in(&self, kind: &str, port: u16, mechanism: &str) -> String {
        let output = imaplib(kind, port, PASSWORD, mechanism, None);
        let said = text(&output);
        assert!(
            output.status.success(),
            "{kind} {mechanism}: {said}\n{}",
            self.logs()
        );
        assert!(
            said.contains("INBOX") && said.contains("logout BYE"),
            "{said}"
        );
        said
    }
}

fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}\n{out}\n{err}", output.status)
}

fn imaplib(kind: &str, port: u16, password: &str, mechanism: &str, file: Option<&Path>) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/imap.py");
    Command::new("python3")
        .args([script, kind, &port.to_string(), USER, password, mechanism])
        .args(file)
        .output()
        .expect("python3")
}

/// A message of some 20 MB, no two lines of it alike.
fn large() -> String {
    let mut message = String::from("From: a@example.test\r\nSubject: large\r\n\r\n");
    let mut line = 0_u32;
    while message.len() < 20_000_000 {
        let number = line.wrapping_mul(2_654_435_761);
        message.push_str(&format!("{line:08} {number:010} {}\r\n", "x".repeat(50)));
        line += 1;
    }
    message
}

#[test]
fn every_mechanism_over_every_kind_of_connection() {
    let setup = judged();
    for mechanism in [
        "LOGIN",
        "PLAIN",
        "CRAM-MD5",
        "again-LOGIN",
        "again-PLAIN",
        "again-CRAM-MD5",
    ] {
        for (kind, port) in KINDS.into_iter().zip(setup.ports) {
            setup.gets_in(kind, port, mechanism);
        }
    }
    let log = setup.gateway.log();
    assert_eq!(log.matches("client logged in").count(), 18, "{log}");
    assert_eq!(log.matches("client login failed").count(), 9, "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
}

#[test]
fn tokens_that_the_backend_checks() {
    let setup = judged();
    for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
        for (kind, port) in KINDS.into_iter().zip(setup.ports) {
            setup.gets_in(kind, port, mechanism);
            let said = text(&imaplib(kind, port, "wrong", mechanism, None));
            assert!(said.contains("refused"), "{said}\n{}", setup.logs());
        }
    }
}

#[test]
fn the_backend_says_no() {
    let setup = judged();
    let [clear, starttls, _] = setup.ports;
    for mechanism in ["LOGIN", "PLAIN", "CRAM-MD5"] {
        let output = imaplib("clear", clear, "wrong", mechanism, None);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{said}\n{}", setup.logs());
        assert!(
            said.contains("[AUTHENTICATIONFAILED] Authentication failed")
                && !said.contains("failed."),
            "{said}"
        );
        // Its own words, where they may be shown.
        let said = text(&imaplib("starttls", starttls, "wrong", mechanism, None));
        assert!(
            said.contains("[AUTHENTICATIONFAILED] Authentication failed."),
            "{said}"
        );
    }
}

#[test]
fn an_auth_server_says_where_to_go() {
    let (setup, auth) = vouched();
    for (mechanism, method) in [
        ("LOGIN", "plain"),
        ("PLAIN", "plain"),
        ("CRAM-MD5", "cram-md5"),
        ("XOAUTH2", "xoauth2"),
        ("OAUTHBEARER", "oauthbearer"),
    ] {
        for (kind, port) in KINDS.into_iter().zip(setup.ports) {
            setup.gets_in(kind, port, mechanism);
            let asked = auth.heard();
            assert!(
                asked.contains(&format!("Auth-Method: {method}\r\n"))
                    && asked.contains("Auth-Protocol: imap\r\n")
                    && asked.contains("Auth-User: alice@example.test\r\n"),
                "{asked}"
            );
        }
    }
}

#[test]
fn twenty_megabytes_byte_for_byte() {
    let setup = judged();
    let message = large();
    setup.dovecot.deliver("large", &message);
    let scratch = Scratch::new("imap");
    let [_, starttls, tls] = setup.ports;

    let file = scratch.path().join("imaplib");
    let output = imaplib("starttls", starttls, PASSWORD, "PLAIN", Some(&file));
    assert!(output.status.success(), "{}", text(&output));
    assert!(
        fs::read(&file).expect("the message") == message.as_bytes(),
        "imaplib"
    );

    let file = scratch.path().join("curl");
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--insecure", "--user"])
        .arg(format!("{USER}:{PASSWORD}"))
        .arg(format!("imaps://127.0.0.1:{tls}/INBOX;MAILINDEX=1"))
        .arg("--output")
        .arg(&file)
        .output()
        .expect("curl");
    assert!(
        output.status.success(),
        "{}\n{}",
        text(&output),
        setup.logs()
    );
    assert!(
        fs::read(&file).expect("the message") == message.as_bytes(),
        "curl"
    );
}

#[test]
fn curl_by_each_mechanism() {
    let setup = judged();
    for mechanism in ["PLAIN", "CRAM-MD5", "*", "LOGIN"] {
        for (kind, port) in KINDS.into_iter().zip(setup.ports) {
            let scheme = if kind == "tls" { "imaps" } else { "imap" };
            let mut command = Command::new("curl");
            command
                .args(["--silent", "--show-error", "--insecure", "--user"])
                .arg(format!("{USER}:{PASSWORD}"))
                .arg("--login-options")
                .arg(format!("AUTH={mechanism}"))
                .arg(format!("{scheme}://127.0.0.1:{port}/"));
            if kind == "starttls" {
                command.arg("--ssl-reqd");
            }
            let output = command.output().expect("curl");
            let said = text(&output);
            // imap_auth lists no LOGIN, so curl finds no AUTH=LOGIN to use.
            let wanted = mechanism != "LOGIN";
            assert_eq!(
                output.status.success() && said.contains("INBOX"),
                wanted,
                "{kind} {mechanism}: {said}\n{}",
                setup.logs()
            );
        }
    }
}

/// A message as it was before mbsync wrote it down: with line ends of mail, and without the header that it adds.
fn as_sent(copy: &str) -> String {
    let lines = copy
        .lines()
        .filter(|line| !line.starts_with("X-TUID: "))
        .map(|line| format!("{line}\r\n"));
    lines.collect()
}

#[test]
fn a_mailbox_kept_in_step_by_mbsync() {
    let setup = judged();
    let message = large();
    setup.dovecot.deliver("large", &message);
    let small = "From: b@example.test\r\n\r\nsmall\r\n";
    setup.dovecot.deliver("small", small);
    for ((kind, port), mechanism) in ["None", "STARTTLS", "IMAPS"]
        .into_iter()
        .zip(setup.ports)
        .zip(["CRAM-MD5", "PLAIN", "LOGIN"])
    {
        let scratch = Scratch::new("mbsync");
        let root = scratch.path().display();
        let file = scratch.path().join("mbsyncrc");
        fs::create_dir(scratch.path().join("mail")).expect("a folder for mail");
        let configuration = format!(
            "IMAPAccount gate\nHost localhost\nPort {port}\nUser {USER}\nPass \"{PASSWORD}\"\nSSLType {kind}\n\
             CertificateFile {certificate}\nAuthMechs {mechanism}\n\n\
             IMAPStore far\nAccount gate\n\nMaildirStore near\nPath {root}/mail/\nInbox {root}/inbox\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n",
            certificate = setup.certificate.chain().display(),
        );
        fs::write(&file, configuration).expect("a configuration");
        let output = Command::new("mbsync")
            .arg("--config")
            .arg(&file)
            .arg("--all")
            .env("HOME", scratch.path())
            .output()
            .expect("mbsync");
        assert!(
            output.status.success(),
            "{kind}: {}\n{}",
            text(&output),
            setup.logs()
        );
        let files = |sub| fs::read_dir(scratch.path().join("inbox").join(sub)).expect("the inbox");
        let mut copies: Vec<String> = files("new")
            .chain(files("cur"))
            .map(|entry| fs::read_to_string(entry.expect("a file").path()).expect("a message"))
            .map(|text| as_sent(&text))
            .collect();
        copies.sort_unstable_by_key(String::len);
        assert!(
            copies == [small, &message[..]],
            "{kind}: {:?}",
            copies.iter().map(String::len).collect::<Vec<_>>()
        );
    }
}

#[test]
fn idle_is_held_over_a_reload() {
    let mut setup = judged();
    let [clear, ..] = setup.ports;
    let mut client = Smtp::connect(clear);
    client.expect("* OK IMAP4 ready");
    client.say(&format!("a LOGIN {USER} \"{PASSWORD}\""));
    client.expect("a OK");
    client.say("b SELECT INBOX");
    while !client.hear().starts_with("b OK") {}
    client.say("c IDLE");
    client.expect("+ idling");
    setup.mail = setup.mail.replace("gate.test", "gate2.test");
    setup.gateway.rewrite(&setup.mail);
    setup.gateway.reload();
    setup
        .dovecot
        .deliver("news", "Subject: news\r\n\r\nnews\r\n");
    client.expect("* 1 EXISTS");
    client.say("DONE");
    while !client.hear().starts_with("c OK") {}
    client.say("d LOGOUT");
    client.expect("* BYE");
    client.expect("d OK");
    assert_eq!(client.rest(), "");
    setup.gateway.wait_for_log("proxied session done");
}

#[test]
fn capabilities_are_those_of_the_backend() {
    let setup = judged();
    let [clear, starttls, _] = setup.ports;
    let capability = |port| {
        let mut client = Smtp::connect(port);
        client.expect("* OK");
        client.say("a CAPABILITY");
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
    for not_ours in [
        " ID ",
        "STARTTLS",
        "LOGINDISABLED",
        "LOGIN-REFERRALS",
        "UIDPLUS",
    ] {
        assert!(!words.contains(not_ours), "{words}");
    }
    let words = capability(starttls);
    assert!(
        words.ends_with(" STARTTLS LOGINDISABLED\r\n") && !words.contains("AUTH="),
        "{words}"
    );
}

#[test]
fn a_backend_that_is_away() {
    let port = support::free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ imap_auth plain cram-md5; proxy_pass 127.0.0.1:{away};
            server {{ listen 127.0.0.1:{port}; protocol imap; }} }}",
        away = support::free_port(),
    ));
    let mut client = Smtp::connect(port);
    client.expect("* OK");
    client.say("a LOGIN joe secret");
    client.expect("a NO [UNAVAILABLE] ");
    client.say("b AUTHENTICATE CRAM-MD5");
    client.expect("b NO [UNAVAILABLE] ");
    client.say("c NOOP");
    client.expect("c OK");
    gateway.wait_for_log("Connection refused");
}
