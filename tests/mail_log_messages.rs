//! `mail_log`: the lines of messages through Postfix, compared with Postfix's own log.

use std::collections::BTreeSet;

use support::mail_log::{Fields, fields, wait_for_lines};
use support::postfix::{PASSWORD, Postfix, RECIPIENT, USER};
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port, wait_until};

/// Postfix refuses one recipient.
const REFUSES: &str =
    "smtpd_recipient_restrictions = check_recipient_access inline:{nobody@example.test=REJECT}\n";
/// Postfix without XCLIENT.
const TRUSTS_NOBODY: &str = "smtpd_authorized_xclient_hosts =\n";
/// Postfix that takes mail from this machine without a login.
const OPEN: &str =
    "mynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions = permit_mynetworks, reject\n";

/// A gateway in front of Postfix with two servers: one that needs a login, and one that needs none.
struct Setup {
    postfix: Postfix,
    gateway: Gateway,
    ports: [u16; 2],
}

impl Setup {
    /// `more` are lines for Postfix, `none` for the server without logins.
    fn new(more: &str, none: impl FnOnce(u16) -> String) -> Self {
        let postfix = Postfix::start_with(&format!("{REFUSES}{more}"));
        let ports = [free_port(), free_port()];
        let backend = postfix.port;
        let none = none(backend);
        let gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test;
                server {{ listen 127.0.0.1:{}; protocol smtp; smtp_auth plain; proxy_pass 127.0.0.1:{backend}; mail_log login.log; }}
                server {{ listen 127.0.0.1:{}; protocol smtp; smtp_auth none; {none} mail_log none.log; }}
            }}",
            ports[0], ports[1],
        ));
        Self {
            postfix,
            gateway,
            ports,
        }
    }

    /// The lines of messages and that of the session, of the only session in a log.
    fn lines(&self, log: &str, messages: usize) -> (Vec<Fields>, Fields) {
        let file = self.gateway.folder().join(log);
        let lines = wait_for_lines(&file, messages + 1);
        let mut all: Vec<_> = lines.iter().map(|line| fields(line)).collect();
        let session = all.pop().expect("the session's line");
        assert!(session.contains_key("result"), "{lines:?}");
        assert_eq!(all.len(), messages, "{lines:?}");
        for message in &all {
            assert_eq!(message["session"], session["session"], "{lines:?}");
        }
        (all, session)
    }

    /// Checks that Postfix has the same queue ids, each with this sender.
    fn check_queue_ids(&self, messages: &[Fields]) {
        let told: BTreeSet<_> = messages
            .iter()
            .filter_map(|message| message.get("queue_id").cloned())
            .collect();
        wait_until("the log of Postfix", || {
            let log = self.postfix.log();
            told.iter()
                .all(|id| log.contains(&format!("{id}: from=<{USER}>")))
        });
        let log = self.postfix.log();
        let queued = log
            .lines()
            .filter(|line| line.contains("/qmgr[") && line.contains(": from=<"));
        let queued: BTreeSet<_> = queued
            .filter_map(|line| Some(line.split(": from=").next()?.rsplit(' ').next()?.to_owned()))
            .collect();
        assert_eq!(told, queued, "{log}");
    }
}

fn greeted(port: u16) -> LineClient {
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.converse(&[("EHLO client.test", "250")]);
    client
}

fn logged_in(port: u16) -> LineClient {
    let mut client = greeted(port);
    let plain = format!("AUTH PLAIN {}", auth_plain(USER, PASSWORD));
    client.converse(&[(&plain, "235")]);
    client
}

fn value<'a>(message: &'a Fields, name: &str) -> &'a str {
    message.get(name).map_or("-", String::as_str)
}

/// Transactions of all kinds after a login. The last one is cut off.
fn transactions(setup: &Setup) {
    let mut client = logged_in(setup.ports[0]);
    let mail = format!("MAIL FROM:<{USER}>");
    let rcpt = format!("RCPT TO:<{RECIPIENT}>");
    client.converse(&[
        (&*mail, "250"),
        (&*rcpt, "250"),
        ("RCPT TO:<nobody@example.test>", "554"),
        ("DATA", "354"),
        ("Subject: one\r\n\r\n..text\r\n.", "250"),
        // Nobody accepts it.
        (&*mail, "250"),
        ("RCPT TO:<nobody@example.test>", "554"),
        ("RSET", "250"),
        // The client abandons it.
        (&*mail, "250"),
        (&*rcpt, "250"),
        ("RSET", "250"),
        // Two chunks.
        (&*mail, "250"),
        (&*rcpt, "250"),
        ("BDAT 14\r\nSubject: two", "250"),
        ("BDAT 8 LAST\r\n\r\ntext", "250"),
    ]);
    // Pipelined.
    client.send(format!("{mail}\r\n{rcpt}\r\nDATA\r\n").as_bytes());
    for code in ["250", "250", "354"] {
        client.expect(code);
    }
    client.converse(&[("Subject: three\r\n\r\ntext\r\n.", "250")]);
    client.converse(&[(&*mail, "250"), (&*rcpt, "250"), ("DATA", "354")]);
    client.send(b"Subject: four\r\n\r\nte");
    drop(client);

    let (messages, session) = setup.lines("login.log", 6);
    let shown: Vec<_> = messages
        .iter()
        .map(|message| {
            let part = |name| value(message, name).to_owned();
            [
                part("recipients"),
                part("accepted"),
                part("size"),
                part("code"),
                part("bdat"),
            ]
            .join(" ")
        })
        .collect();
    let bad = "nobody@example.test";
    assert_eq!(
        shown,
        [
            format!("{RECIPIENT},{bad} 1 24 250 -"),
            format!("{bad} 0 0 554 -"),
            format!("{RECIPIENT} 1 0 aborted -"),
            format!("{RECIPIENT} 1 22 250 2"),
            format!("{RECIPIENT} 1 24 250 -"),
            format!("{RECIPIENT} 1 19 aborted -"),
        ]
    );
    for message in &messages {
        assert_eq!(message["sender"], USER);
        assert_eq!(
            message.contains_key("queue_id"),
            message["code"] == "250",
            "{message:?}"
        );
        assert!(message["seconds"].parse::<f64>().is_ok(), "{message:?}");
    }
    assert!(
        messages[1]["reply"].contains("nobody@example.test"),
        "{messages:?}"
    );
    assert_eq!(session["result"], "login");
    assert_eq!(session["login"], USER);
    assert_eq!(session["helo"], "client.test");
    assert_eq!(session["ended_by"], "client");
    setup.check_queue_ids(&messages);
}

/// Mail without a login: the gateway itself sends MAIL, and RCPT where an auth server decides.
fn without_login(setup: &Setup) {
    let mut client = greeted(setup.ports[1]);
    let (mail, rcpt) = (
        format!("MAIL FROM:<{USER}>"),
        format!("RCPT TO:<{RECIPIENT}>"),
    );
    client.converse(&[
        (&*mail, "250"),
        (&*rcpt, "250"),
        (&*rcpt, "250"),
        ("DATA", "354"),
        ("Subject: none\r\n\r\ntext\r\n.", "250"),
        (&*mail, "250"),
        (&*rcpt, "250"),
        ("DATA", "354"),
        ("Subject: again\r\n\r\ntext\r\n.", "250"),
        ("QUIT", "221"),
    ]);
    client.read_to_end();
    let (messages, session) = setup.lines("none.log", 2);
    assert_eq!(
        messages[0]["recipients"],
        format!("{RECIPIENT},{RECIPIENT}")
    );
    assert_eq!(messages[0]["accepted"], "2");
    assert_eq!(messages[1]["recipients"], RECIPIENT);
    assert_eq!(
        (&*session["result"], &*session["method"]),
        ("login", "none")
    );
    assert_eq!(session["ended_by"], "backend");
    setup.check_queue_ids(&messages);
}

#[test]
fn transactions_of_a_backend_that_trusts_nobody() {
    let setup = Setup::new(TRUSTS_NOBODY, |backend| {
        format!("proxy_pass 127.0.0.1:{backend};")
    });
    transactions(&setup);
}

#[test]
fn transactions_of_a_backend_with_xclient() {
    let setup = Setup::new("", |backend| format!("proxy_pass 127.0.0.1:{backend};"));
    transactions(&setup);
}

#[test]
fn mail_without_a_login() {
    let setup = Setup::new(OPEN, |backend| format!("proxy_pass 127.0.0.1:{backend};"));
    without_login(&setup);
}

#[test]
fn mail_without_a_login_by_an_auth_server() {
    let setup = Setup::new(OPEN, |backend| {
        let auth = ScriptedPeer::auth_server(support::auth_server::accepted(backend));
        format!("auth_http 127.0.0.1:{}/;", auth.port)
    });
    without_login(&setup);
}

/// A backend that answers MAIL and RCPT of a client without a login with these replies, and accepts the rest.
fn answering(replies: &[&'static [u8]]) -> u16 {
    let mut script = vec![Step::Send(b"220 b\r\n"), Step::ReadLine];
    script.push(Step::Send(b"250 b\r\n"));
    for reply in replies {
        script.extend([Step::ReadLine, Step::Send(reply)]);
    }
    script.extend([Step::ReadLine, Step::Send(b"221 bye\r\n")]);
    ScriptedPeer::start(&script).port
}

/// The first MAIL or RCPT of a client without a login is refused by the backend: the lines of the session and of the message.
#[test]
fn the_first_command_is_refused() {
    let refuses_mail: &[&[u8]] = &[b"550-5.7.1 no\r\n550 5.7.1 not you\r\n"];
    let cannot_now: &[&[u8]] = &[b"451 4.3.0 later\r\n"];
    let refuses_rcpt: &[&[u8]] = &[b"250 ok\r\n", b"554 5.1.1 nobody\r\n"];
    let (mail, rcpt) = ("MAIL FROM:<a@example.test>", "RCPT TO:<b@example.test>");
    let refused = "550 5.7.1 no 5.7.1 not you";
    for (decides, replies, to, result, code, reply) in [
        (
            "auth_http",
            refuses_mail,
            "b@example.test",
            "refused",
            "550",
            "5.7.1 no\\x0A5.7.1 not you",
        ),
        (
            "auth_http",
            cannot_now,
            "b@example.test",
            "backend-unavailable",
            "451",
            "4.3.0 later",
        ),
        (
            "auth_http",
            refuses_rcpt,
            "b@example.test",
            "login",
            "554",
            "5.1.1 nobody",
        ),
        (
            "proxy_pass",
            refuses_mail,
            "",
            "login",
            "550",
            "5.7.1 no\\x0A5.7.1 not you",
        ),
        ("proxy_pass", cannot_now, "", "login", "451", "4.3.0 later"),
    ] {
        let backend = answering(replies);
        let decided = match decides {
            "auth_http" => {
                let auth = ScriptedPeer::auth_server(support::auth_server::accepted(backend));
                format!("auth_http 127.0.0.1:{}/;", auth.port)
            }
            _ => format!("proxy_pass 127.0.0.1:{backend}; smtp_capabilities SIZE;"),
        };
        let port = free_port();
        let gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; smtp_auth none; xclient off; mail_log mail.log;
                server {{ listen 127.0.0.1:{port}; protocol smtp; {decided} }} }}"
        ));
        let mut client = greeted(port);
        client.ask(mail);
        if !to.is_empty() {
            client.ask(rcpt);
        }
        client.send(b"QUIT\r\n");
        client.read_to_end();
        let lines = wait_for_lines(&gateway.folder().join("mail.log"), 2);
        let [message, session] = [0, 1].map(|at| fields(&lines[at]));
        let shown = ["sender", "recipients", "accepted", "size", "code", "reply"];
        let shown = shown.map(|name| value(&message, name));
        let wanted = ["a@example.test", to, "0", "0", code, reply];
        assert_eq!(shown, wanted, "{decides}: {lines:?}");
        assert_eq!(session["result"], result, "{decides}: {lines:?}");
        let reason = session.get("reason").map(String::as_str);
        let wanted = match result {
            "refused" => Some(refused),
            "backend-unavailable" => Some("451 4.3.0 later"),
            _ => None,
        };
        assert_eq!(reason, wanted, "{decides}: {lines:?}");
        assert_eq!(session["method"], "none", "{decides}: {lines:?}");
        assert!(!session.contains_key("by"), "{decides}: {lines:?}");
    }
}

/// A backend without XCLIENT gets every command, as without a log.
#[test]
fn nothing_is_refused_in_the_backends_place() {
    let setup = Setup::new(TRUSTS_NOBODY, |backend| {
        format!("proxy_pass 127.0.0.1:{backend};")
    });
    let mut client = logged_in(setup.ports[0]);
    for line in ["XCLIENT ADDR=192.0.2.1", "XEXCH50 2 2", "TURN"] {
        let mut direct = LineClient::connect(setup.postfix.port);
        direct.expect("220");
        direct.converse(&[("EHLO client.test", "250")]);
        assert_eq!(client.ask(line), direct.ask(line), "{line}");
    }
    client.converse(&[("QUIT", "221")]);
    client.read_to_end();
    setup.lines("login.log", 0);
}
