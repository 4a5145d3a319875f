//! Groups of backends: their SMTP peers, which tell their names, and a gateway's sessions with them.

use crate::scripted::Step;
use crate::{LineClient, auth_plain};

/// The session of an SMTP backend that works: a login, and the backend's name, twice.
pub fn peer_script(name: &str) -> [Step; 10] {
    [
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
        Step::ReadLine,
        Step::send("235 ok\r\n"),
        Step::ReadLine,
        Step::send(format!("250 {name}\r\n")),
        Step::ReadLine,
        Step::send(format!("250 still {name}\r\n")),
        Step::Stall,
    ]
}

/// The configuration of a server with the group `g` of these lines, which is defined before the server.
pub fn group_mail(port: u16, protocol: &str, group: &str, more: &str) -> String {
    format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities DSN;
            imap_capabilities IMAP4rev1;
            pop3_capabilities UIDL;
            sieve_capabilities SIEVE fileinto;
            proxy_pass g;
            {more}
            upstream g {{ {group} }}
            server {{ listen 127.0.0.1:{port}; protocol {protocol}; }}
        }}"
    )
}

/// Logs in, and returns the session with the name of its backend.
pub fn named_session(port: u16) -> (LineClient, String) {
    named_session_of(port, "joe")
}

/// The same for a login of this name.
pub fn named_session_of(port: u16, login: &str) -> (LineClient, String) {
    let mut client = LineClient::connect(port);
    client.expect("220");
    let reply = client.ask(&format!("AUTH PLAIN {}", auth_plain(login, "secret")));
    assert!(reply.starts_with("235"), "{reply}");
    let name = client.ask("NOOP");
    let name = name.trim_end().trim_start_matches("250 ").to_owned();
    (client, name)
}

/// The names of the backends of sessions, one after the other.
pub fn names_of_sessions(port: u16, count: usize) -> String {
    (0..count).map(|_| named_session(port).1).collect()
}
