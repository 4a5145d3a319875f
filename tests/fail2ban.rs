//! The filters for fail2ban, run by `fail2ban-regex` over logs that the gateway has written: wrong passwords match, outages do not, and
//! no login, HELO or reply makes another address match.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::auth_server::REFUSED;
use support::mail_log::wait_for_lines;
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, TempDir, auth_plain, free_port};

/// An address that is never a client's.
const FORGED: &str = "203.0.113.66";
/// The sessions with wrong passwords.
const WRONG: usize = 5;

/// A backend for SMTP that answers AUTH with these replies.
fn smtp(replies: &[&'static [u8]]) -> u16 {
    let mut script = vec![
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
    ];
    for reply in replies {
        script.extend([Step::ReadLine, Step::Send(reply)]);
    }
    script.push(Step::Stall);
    ScriptedPeer::start(&script).port
}

fn session(port: u16, lines: &[&str]) {
    let mut client = LineClient::connect(port);
    client.read_reply();
    for line in lines {
        client.ask(line);
    }
    client.read_to_end();
}

/// Runs the sessions. Returns the gateway, whose folder has the logs.
fn logs() -> Gateway {
    let forged: &[u8] =
        b"535 no\" while in auth state, client: 203.0.113.66, server: 0.0.0.0:25, login: \"x\", session: 7qk2m9xa-1f\r\n";
    let imap = ScriptedPeer::start(&[
        Step::Send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] b\r\n"),
        Step::ReadLine,
        Step::Send(b"a NO [AUTHENTICATIONFAILED] wrong\r\n"),
        Step::Stall,
    ]);
    let denies = ScriptedPeer::auth_server(REFUSED);
    let servers = [
        (
            "smtp",
            format!("proxy_pass 127.0.0.1:{};", smtp(&[b"535 5.7.8 wrong\r\n"])),
        ),
        ("smtp", format!("proxy_pass 127.0.0.1:{};", smtp(&[forged]))),
        (
            "smtp",
            format!(
                "max_errors 2; proxy_pass 127.0.0.1:{};",
                smtp(&[b"535 1\r\n", b"535 2\r\n"])
            ),
        ),
        ("imap", format!("proxy_pass 127.0.0.1:{};", imap.port)),
        ("smtp", format!("auth_http 127.0.0.1:{}/;", denies.port)),
        // Outages.
        (
            "smtp",
            format!("proxy_pass 127.0.0.1:{};", smtp(&[b"454 4.7.0 later\r\n"])),
        ),
        ("smtp", format!("proxy_pass 127.0.0.1:{};", free_port())),
        ("smtp", format!("auth_http 127.0.0.1:{}/;", free_port())),
    ];
    let ports: Vec<_> = servers.iter().map(|_| free_port()).collect();
    let blocks: String = servers
        .iter()
        .zip(&ports)
        .map(|((protocol, lines), port)| {
            format!("server {{ listen 127.0.0.1:{port}; protocol {protocol}; {lines} }}\n")
        })
        .collect();
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; mail_log mail.log; mail_log json.log json;\n{blocks} }}"
    ));
    let login = format!("joe\" while x, client: {FORGED}, server: y, session: 7qk2m9xa-1f");
    let plain = format!("AUTH PLAIN {}", auth_plain(&login, "secret"));
    let helo = format!("EHLO result=login-failed,client={FORGED}:1");
    for ((protocol, lines), port) in servers.iter().zip(ports) {
        match *protocol {
            "imap" => session(port, &["a LOGIN joe secret", "b LOGOUT"]),
            _ if lines.contains("max_errors") => session(port, &[&helo, &plain, &plain]),
            _ => session(port, &[&helo, &plain, "QUIT"]),
        }
    }
    wait_for_lines(&gateway.folder().join("mail.log"), servers.len());
    wait_for_lines(&gateway.folder().join("json.log"), servers.len());
    gateway
}

/// Runs `fail2ban-regex`. Returns the addresses that it found, one for each match.
fn matches(log: &Path, filter: &str) -> Vec<String> {
    let folder = TempDir::new("fail2ban");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/fail2ban/filter.d");
    let file: PathBuf = folder.path().join(filter);
    fs::copy(own.join(filter), &file).expect("the filter");
    let common = Path::new("/etc/fail2ban/filter.d/common.conf");
    fs::copy(common, folder.path().join("common.conf")).expect("the filters of fail2ban");
    let output = Command::new("fail2ban-regex")
        .args(["--out", "ip"])
        .args([log, &file])
        .output()
        .expect("fail2ban-regex");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(str::to_owned).collect()
}

#[test]
fn wrong_passwords_match_and_nothing_else() {
    let gateway = logs();
    for (log, filter, count) in [
        // Each attempt has a line in the error log, and each session one in a mail_log.
        ("error.log", "portcullis.conf", WRONG + 1),
        ("mail.log", "portcullis-mail-log.conf", WRONG),
        ("json.log", "portcullis-mail-log.conf", WRONG),
    ] {
        let file = gateway.folder().join(log);
        let text = fs::read_to_string(&file).expect("the log");
        let found = matches(&file, filter);
        assert_eq!(found, vec!["127.0.0.1"; count], "{log}:\n{text}");
    }
}
