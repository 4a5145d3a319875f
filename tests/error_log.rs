//! The lines of `error_log`: the session's identifier in each.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;

use support::auth_server::REFUSED;
use support::error_log::session;
use support::mail_log::{fields, wait_for_lines};
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port};

/// The number of the connection in a line, `*N`.
fn number(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once(": *")?;
    rest.split_once(' ')?.0.parse().ok()
}

/// Sessions that end in different phases.
fn sessions(smtp: u16, imap: u16) {
    let plain = format!("AUTH PLAIN {}", auth_plain("joe", "secret"));
    let mut client = LineClient::connect(smtp);
    client.expect("220");
    client.ask("AUTH PLAIN !");
    client.ask(&plain);
    client.ask("QUIT");
    client.read_to_end();
    // A login that is longer than a line of the log.
    let long = format!("{}@example.com", "x".repeat(2500));
    let mut client = LineClient::connect(smtp);
    client.expect("220");
    client.ask(&format!("AUTH PLAIN {}", auth_plain(&long, "secret")));
    client.ask("QUIT");
    client.read_to_end();
    drop(TcpStream::connect(("127.0.0.1", smtp)));
    let mut client = LineClient::connect(imap);
    client.read_reply();
    client.ask("a LOGIN joe secret");
    client.ask("b LOGOUT");
    client.read_to_end();
}

#[test]
fn every_line_of_a_session_has_its_identifier() {
    let auth = ScriptedPeer::auth_server(REFUSED);
    let backend = ScriptedPeer::start(&[
        Step::Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] b\r\n"),
        Step::ReadLine,
        Step::Send(b"a OK done\r\n"),
        Step::ReadLine,
        Step::Send(b"* BYE\r\nb OK done\r\n"),
    ]);
    let (smtp, imap) = (free_port(), free_port());
    let gateway = Gateway::start_with(
        "events {} error_log debug.log debug;",
        &format!(
            "mail {{
                server_name gate.test;
                mail_log mail.log;
                smtp_client_buffer 8k;
                server {{ listen 127.0.0.1:{smtp}; protocol smtp; auth_http 127.0.0.1:{}/; }}
                server {{ listen 127.0.0.1:{imap}; protocol imap; proxy_pass 127.0.0.1:{}; }}
            }}",
            auth.port, backend.port
        ),
    );
    sessions(smtp, imap);
    let mail_log = wait_for_lines(&gateway.folder().join("mail.log"), 4);
    let known: Vec<_> = mail_log
        .iter()
        .map(|line| fields(line)["session"].clone())
        .collect();
    let log = gateway.log_as_written();
    let debug = fs::read_to_string(gateway.folder().join("debug.log")).expect("the log");
    let mut lines: BTreeMap<u64, (String, usize)> = BTreeMap::new();
    for line in log.lines().chain(debug.lines()) {
        let (_, id) = session(line);
        let Some(number) = number(line) else {
            assert_eq!(id, None, "outside a session: {line}");
            continue;
        };
        let id = id.unwrap_or_else(|| panic!("no session: {line}"));
        assert!(known.iter().any(|known| known == id), "another id: {line}");
        let (first, count) = lines.entry(number).or_insert((id.to_owned(), 0));
        assert_eq!(first, id, "{line}");
        *count += 1;
    }
    assert_eq!(lines.len(), known.len(), "{log}");
    assert!(lines.values().all(|(_, count)| *count >= 2), "{lines:?}");
    assert!(log.lines().any(|line| line.len() > 1900), "{log}");
    let is_debug = |line: &str| line.contains("[debug]") && number(line).is_some();
    assert!(debug.lines().any(is_debug), "{debug}");
}
