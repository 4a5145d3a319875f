//! `mail_log`: formats, conditions, events and rotation, with IMAP and POP3 sessions of a real Dovecot.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::Signal;
use support::dovecot::{Dovecot, PASSWORD, USER};
use support::mail_log::{fields, wait_for_lines};
use support::{Certificate, Gateway, LineClient, free_port, wait_until};

#[test]
fn sessions_of_imap_and_pop3() {
    let dovecot = Dovecot::start();
    let certificate = Certificate::new();
    let ports = [free_port(), free_port()];
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; mail_log mail.log; mail_log json.log json;
            log_format short '$session_id $protocol \"$remote_user\" $session_result $session_in';
            mail_log own.log short;
            mail_log imap.log if=$ssl_protocol;
            mail_log messages.log events=message;
            ssl_certificate {}; ssl_certificate_key {};
            server {{ listen 127.0.0.1:{}; protocol imap; starttls on; proxy_pass 127.0.0.1:{}; }}
            server {{ listen 127.0.0.1:{}; protocol pop3; proxy_pass 127.0.0.1:{}; }}
        }}",
        certificate.chain().display(),
        certificate.key().display(),
        ports[0],
        dovecot.imap,
        ports[1],
        dovecot.pop3,
    ));
    let out = support::authority::s_client(
        ports[0],
        &[
            "-starttls",
            "imap",
            "-quiet",
            "-tls1_3",
            "-servername",
            "imap.test",
        ],
        &format!("a LOGIN {USER} \"{PASSWORD}\"\r\nb SELECT INBOX\r\nc LOGOUT\r\n"),
    );
    assert!(out.out.contains("c OK"), "{} {}", out.out, out.err);
    let mut client = LineClient::connect(ports[1]);
    client.expect("+OK");
    let mut sent = 0;
    for line in [
        format!("USER {USER}"),
        format!("PASS {PASSWORD}"),
        "QUIT".into(),
    ] {
        sent += line.len() + 2;
        client.send_line(&line);
        client.expect("+OK");
    }
    client.read_to_end();

    let lines = wait_for_lines(&gateway.folder().join("mail.log"), 2);
    let [imap, pop3] = &*lines else {
        panic!("{lines:?}");
    };
    let (imap, pop3) = (fields(imap), fields(pop3));
    for session in [&imap, &pop3] {
        assert_eq!(session["result"], "login", "{session:?}");
        assert_eq!(session["login"], USER, "{session:?}");
        for time in ["connect_s", "login_s", "total_s"] {
            assert!(session[time].parse::<f64>().is_ok(), "{session:?}");
        }
    }
    assert_eq!(imap["tls"], "TLSv1.3");
    assert_eq!(imap["cipher"], "TLS_AES_256_GCM_SHA384");
    assert_eq!(imap["sni"], "imap.test");
    assert_eq!(imap["upstream"], format!("127.0.0.1:{}", dovecot.imap));
    assert_eq!(pop3["in"], sent.to_string());
    assert!(!pop3.contains_key("tls"), "{pop3:?}");

    let json = wait_for_lines(&gateway.folder().join("json.log"), 2);
    assert!(
        json[1].starts_with("{\"time\":\"") && json[1].ends_with('}'),
        "{json:?}"
    );
    assert!(
        json[1].contains(&format!("\"login\":\"{USER}\"")),
        "{json:?}"
    );
    let own = wait_for_lines(&gateway.folder().join("own.log"), 2);
    assert_eq!(
        own[1],
        format!("{} pop3 \"{USER}\" login {sent}", pop3["session"])
    );
    let some = wait_for_lines(&gateway.folder().join("imap.log"), 1);
    assert_eq!(some, [lines[0].clone()]);
    let messages = fs::read_to_string(gateway.folder().join("messages.log"));
    assert_eq!(messages.expect("the log"), "");
    for file in ["mail.log", "json.log", "own.log", "error.log"] {
        let text = fs::read_to_string(gateway.folder().join(file)).expect("the log");
        assert!(!text.contains(PASSWORD), "{file}: {text}");
    }
}

/// Sessions end while the log is renamed and reopened again and again: no line is lost, and none is cut.
#[test]
fn reopening_loses_no_line() {
    const CLIENTS: usize = 4;
    const SESSIONS: usize = 150;
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; mail_log mail.log;
            server {{ listen 127.0.0.1:{port}; protocol smtp; proxy_pass 127.0.0.1:{}; }} }}",
        free_port()
    ));
    let log = gateway.folder().join("mail.log");
    let done = AtomicBool::new(false);
    let mut files = 0;
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..SESSIONS {
                        let mut client = LineClient::connect(port);
                        client.expect("220");
                        client.converse(&[("QUIT", "221")]);
                        client.read_to_end();
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            for client in clients {
                client.join().expect("a client");
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            wait_until("the log", || log.exists());
            fs::rename(&log, gateway.folder().join(format!("mail.log.{files}")))
                .expect("to rename");
            files += 1;
            gateway.signal(Signal::SIGUSR1);
        }
    });
    let mut ids = BTreeSet::new();
    wait_until("all lines", || {
        let mut names: Vec<_> = (0..files)
            .map(|n| gateway.folder().join(format!("mail.log.{n}")))
            .collect();
        names.push(log.clone());
        ids.clear();
        for name in names {
            let text = fs::read_to_string(name).unwrap_or_default();
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            ids.extend(whole.lines().map(|line| {
                let line = fields(line);
                assert_eq!(line["result"], "no-login");
                line["session"].clone()
            }));
        }
        ids.len() >= CLIENTS * SESSIONS
    });
    assert_eq!(ids.len(), CLIENTS * SESSIONS);
    assert!(files > 1, "{files}");
}
