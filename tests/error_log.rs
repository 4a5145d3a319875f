//! The lines of `error_log`: the session's identifier in each, JSON, limits, and priorities for the journal.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use support::auth_server::REFUSED;
use support::error_log::session;
use support::mail_log::{fields, wait_for_lines};
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port, wait_until};

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

/// Connects and leaves.
fn visit(port: u16) {
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.ask("QUIT");
    client.read_to_end();
}

fn read(gateway: &Gateway, name: &str) -> String {
    fs::read_to_string(gateway.folder().join(name)).unwrap_or_default()
}

#[test]
fn json_says_the_same_as_text() {
    let smtp = free_port();
    let nobody = free_port();
    let gateway = Gateway::start_with(
        "events {} error_log main.json notice format=json;",
        &format!(
            "mail {{
                server_name gate.test;
                error_log text.log info format=text;
                error_log all.json format=json info rate=0;
                server {{ listen 127.0.0.1:{smtp}; protocol smtp; auth_http 127.0.0.1:{nobody}/; }}
            }}"
        ),
    );
    let mut client = LineClient::connect(smtp);
    client.expect("220");
    client.ask("\u{1b}\u{7f}\"\\, client: 1.2.3.4");
    let login = "j\"\\\u{1}\u{e4}oe, login: x";
    client.ask(&format!("AUTH PLAIN {}", auth_plain(login, "secret")));
    client.read_to_end();
    visit(smtp);
    for name in ["text.log", "all.json"] {
        let is_whole = |log: &str| log.matches(" connected to ").count() == 2;
        read_when(&gateway, name, is_whole);
    }
    gateway.log();
    let text = read(&gateway, "text.log");
    let json = read(&gateway, "all.json");
    let objects: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(text.lines().count(), objects.len(), "{text}\n{json}");
    for (line, object) in text.lines().zip(&objects) {
        let member = |name: &str| object[name].as_str().unwrap_or_default();
        assert_eq!(number(line), object["connection"].as_u64(), "{line}");
        assert_eq!(session(line).1, object["session"].as_str(), "{line}");
        let level = format!(
            "[{}] {}#{}: ",
            member("level"),
            object["pid"],
            object["tid"]
        );
        assert!(line.contains(&level), "{line}: {object}");
        assert!(
            line.contains(&format!(" {}", member("message"))),
            "{line}: {object}"
        );
        if object["server"].is_string() {
            assert_eq!(member("client"), "127.0.0.1");
            assert!(
                line.contains(&format!(", server: {}", member("server"))),
                "{line}"
            );
        }
        if line.contains(" while ") {
            assert!(
                line.contains(&format!(" while {}", member("action"))),
                "{line}"
            );
        }
    }
    let failed = |object: &&Value| object["level"] == "error";
    let failed = objects.iter().find(failed).expect("the failed login");
    assert_eq!(failed["login"], login);
    assert_eq!(failed["action"], "in http auth state");
    assert_eq!(failed["auth"], format!("127.0.0.1:{nobody}"));
    for line in read(&gateway, "main.json").lines() {
        let object: Value = serde_json::from_str(line).expect("is JSON");
        assert!(object["connection"].is_null() && object["message"].is_string());
    }
    assert!(!read(&gateway, "main.json").is_empty());
}

/// The suppressed lines that a log in nginx's form reports, and its other lines by second.
fn by_second(log: &str) -> (usize, BTreeMap<String, usize>) {
    let (mut suppressed, mut seconds) = (0, BTreeMap::new());
    for line in log.lines() {
        match line.split_once(" lines of this log were suppressed: rate=") {
            Some((start, _)) => {
                assert!(start.contains(" [warn] "), "{line}");
                let count = start.rsplit(' ').next().expect("the count");
                suppressed += count.parse::<usize>().expect("a number");
            }
            None => *seconds.entry(line[..19].to_owned()).or_default() += 1,
        }
    }
    (suppressed, seconds)
}

#[test]
fn lines_beyond_the_rate_are_counted() {
    let smtp = free_port();
    // Each auth server has one critical line; later failures of the same one are only counted.
    let broken = [(); 5].map(|()| free_port());
    let broken_servers = broken.map(|port| {
        format!(
            "server {{
                listen 127.0.0.1:{port}; protocol smtp; auth_http unix:/nonexistent/{port}:/;
                error_log crit.log crit rate=1;
                error_log few.log error rate=1;
            }}"
        )
    });
    let broken_servers = broken_servers.concat();
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            error_log all.log info;
            error_log some.log rate=5 info;
            error_log some.json info format=json rate=7m/s;
            server {{ listen 127.0.0.1:{smtp}; protocol smtp; auth_http 127.0.0.1:9/; }}
            {broken_servers}
        }}"
    ));
    for _ in 0..20 {
        visit(smtp);
    }
    let total = read_when(&gateway, "all.log", |log| {
        log.matches("connected").count() == 20
    });
    let total = total.lines().count();
    // No further line is needed for the report.
    let log = read_when(&gateway, "some.log", |log| {
        let (suppressed, seconds) = by_second(log);
        suppressed + seconds.values().sum::<usize>() >= total
    });
    let (suppressed, seconds) = by_second(&log);
    assert_eq!(suppressed + seconds.values().sum::<usize>(), total, "{log}");
    assert!(
        suppressed > 0 && seconds.values().all(|count| *count <= 5),
        "{log}"
    );
    read_when(&gateway, "some.json", |log| {
        let objects = log
            .lines()
            .map(|line| serde_json::from_str(line).expect("is JSON"));
        let count = |object: Value| {
            let message = object["message"].as_str().expect("a message").to_owned();
            let report = message.split_once(" lines of this log were suppressed: rate=7");
            report.map_or(1, |(count, _)| count.parse::<usize>().expect("a number"))
        };
        objects.map(count).sum::<usize>() == total
    });
    // Critical messages are all there.
    for port in broken {
        let mut client = LineClient::connect(port);
        client.expect("220");
        client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
        client.read_to_end();
    }
    for name in ["crit.log", "few.log"] {
        let log = read_when(&gateway, name, |log| log.matches("[crit]").count() == 5);
        assert!(!log.contains("suppressed"), "{log}");
    }
}

/// Waits until a log is as it should be, and returns it.
fn read_when(gateway: &Gateway, name: &str, is_whole: impl Fn(&str) -> bool) -> String {
    wait_until(name, || is_whole(&read(gateway, name)));
    read(gateway, name)
}

/// Starts a gateway that logs to standard error, and stops it after a session. Returns what it wrote.
fn standard_error(is_journal: bool) -> String {
    let smtp = free_port();
    let adapt = |command: &mut Command, folder: &Path| {
        let file = File::options()
            .append(true)
            .create(true)
            .open(folder.join("stderr"))
            .expect("a file");
        let metadata = file.metadata().expect("its metadata");
        let inode = metadata.ino() + u64::from(!is_journal);
        command
            .env("JOURNAL_STREAM", format!("{}:{inode}", metadata.dev()))
            .stderr(file);
    };
    let mut gateway = Gateway::start_adapted(
        "events {} error_log stderr notice;",
        &format!(
            "mail {{
                error_log stderr info;
                error_log stderr info format=json;
                server_name gate.test;
                server {{
                    listen 127.0.0.1:{smtp}; protocol smtp; auth_http unix:/nonexistent/socket:/;
                }}
            }}"
        ),
        adapt,
    );
    let mut client = LineClient::connect(smtp);
    client.expect("220");
    client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    client.read_to_end();
    gateway.signal(nix::sys::signal::Signal::SIGQUIT);
    gateway.wait();
    read(&gateway, "stderr")
}

#[test]
fn the_journal_gets_priorities() {
    let log = standard_error(true);
    for line in log.lines() {
        let (priority, rest) = line.split_at_checked(3).expect("a priority");
        let level = match priority {
            "<2>" => "crit",
            "<5>" => "notice",
            "<6>" => "info",
            _ => panic!("{line}"),
        };
        let text = format!("[{level}] ");
        let json: Option<Value> = serde_json::from_str(rest).ok();
        let is_json = json.is_some_and(|object| object["level"] == level);
        assert!(rest.starts_with(&text) || is_json, "{line}");
    }
    for wanted in ["<5>[notice]", "<6>[info]", "<2>[crit]", "<6>{", "<2>{"] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    assert!(
        log.contains("start worker process") && log.contains(" connected to "),
        "{log}"
    );
    let log = standard_error(false);
    assert!(
        log.contains("[notice]") && log.contains(" connected to "),
        "{log}"
    );
    assert!(!log.lines().any(|line| line.starts_with('<')), "{log}");
}
