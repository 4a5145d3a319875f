//! Closing sessions.

use std::fs;

use serde_json::Value;
use support::status::StatusPages;
use support::{Certificate, LineClient, free_port, wait_until};

use super::{Pages, TOKEN};

/// The open sessions.
pub fn sessions(pages: &StatusPages) -> Vec<Value> {
    let sessions: Value = serde_json::from_str(&pages.get("/sessions")).expect("JSON");
    sessions.as_array().expect("an array").clone()
}

/// The identifier of a client's session.
pub fn session_of(pages: &StatusPages, client: &LineClient) -> String {
    let address = format!("127.0.0.1:{}", client.local_port());
    let sessions = sessions(pages);
    let own = sessions.iter().find(|own| own["client"] == address);
    let own = own.unwrap_or_else(|| panic!("{address} in {sessions:?}"));
    own["session"].as_str().expect("an identifier").to_owned()
}

fn close(pages: &StatusPages, session: &str, header: &str) -> u16 {
    let path = format!("/sessions/{session}/close");
    pages.request("POST", &path, header).code
}

#[test]
fn a_closed_session_gets_the_reply_of_its_protocol_in_every_phase() {
    let pages = Pages::start("");
    let mail_log = pages.file("mail.log");
    for server in &pages.servers {
        let mut bystander = server.greeted();
        for (mut client, is_in_tunnel) in [(server.greeted(), false), (server.logged_in(), true)] {
            let session = session_of(&pages.socket, &client);
            assert_eq!(close(&pages.socket, &session, ""), 204);
            assert_eq!(client.read_to_end(), server.last, "{}", server.protocol);
            let while_proxying = match is_in_tunnel {
                true => " closed by the administrator while proxying, client: 127.0.0.1, server: ",
                false => " closed by the administrator, client: 127.0.0.1, server: ",
            };
            let line = format!("{while_proxying}127.0.0.1:{}", server.port);
            pages.gateway.wait_for_log(&line);
            wait_until("the end of the session", || {
                close(&pages.socket, &session, "") == 404
            });
            let (result, reason) = match is_in_tunnel {
                true => ("result=login", "reason=\"closed by the administrator\""),
                false => ("result=shutdown", "reason=\"closed by the administrator\""),
            };
            wait_until("the session's line", || {
                let log = fs::read_to_string(&mail_log).unwrap_or_default();
                let mut lines = log.lines();
                lines.any(|line| {
                    [&session, result, reason, "ended_by=gateway"]
                        .iter()
                        .all(|part| line.contains(*part))
                })
            });
        }
        // Nobody else is affected.
        let (line, reply) = match server.protocol {
            "smtp" => ("NOOP", "250"),
            "imap" => ("a NOOP", "a OK"),
            _ => ("NOOP", "+OK"),
        };
        bystander.converse(&[(line, reply)]);
    }
    let log = pages.gateway.log();
    let own = log
        .lines()
        .filter(|line| line.contains("by the administrator"));
    assert!(own.clone().all(|line| line.contains("[info]")), "{log}");
    assert_eq!(own.count(), 6);
}

#[test]
fn only_those_who_may_change_something_close_sessions() {
    let pages = Pages::start("");
    let server = &pages.servers[1];
    let mut client = server.logged_in();
    let session = session_of(&pages.socket, &client);
    for (at, header, code) in [
        (&pages.open, "", 403),
        (&pages.open, TOKEN, 403),
        (&pages.guarded, "", 401),
        (&pages.guarded, "Cookie: token=a-secret-token\r\n", 401),
        (
            &pages.guarded,
            "Authorization: Bearer a-secret-toke\r\n",
            401,
        ),
        (&pages.socket, "Sec-Fetch-Site: cross-site\r\n", 403),
    ] {
        assert_eq!(close(at, &session, header), code, "{at:?} {header}");
    }
    for other in ["0", "00000000-1", "%00", &session.replace('-', "")] {
        assert_eq!(close(&pages.socket, other, ""), 404, "{other}");
    }
    let path = format!("/sessions/{session}/close");
    let refused = pages.open.request("POST", &path, "");
    assert!(
        refused
            .body
            .contains("need a Unix socket, or an address with a token"),
        "{refused:?}"
    );
    let read = pages.socket.request("GET", &path, "");
    assert_eq!(read.code, 405);
    assert!(read.head.to_lowercase().contains("allow: post"), "{read:?}");
    // The session has noticed nothing of all this.
    assert_eq!(sessions(&pages.open).len(), 1);
    let body = format!("{TOKEN}Content-Length: 3\r\n\r\na=b");
    assert_eq!(close(&pages.guarded, &session, &body), 204);
    assert_eq!(client.read_to_end(), server.last);
}

/// A reply in clear text would be a broken record.
#[test]
fn a_client_that_expects_tls_gets_no_reply_without_it() {
    let (port, certificate) = (free_port(), Certificate::new());
    let pages = Pages::start(&format!(
        "server {{ listen 127.0.0.1:{port} ssl; protocol imap; auth_http 127.0.0.1:9/; ssl_certificate {}; ssl_certificate_key {}; }}",
        certificate.chain().display(),
        certificate.key().display(),
    ));
    let mut client = LineClient::connect(port);
    wait_until("the session", || sessions(&pages.socket).len() == 1);
    let session = session_of(&pages.socket, &client);
    assert_eq!(close(&pages.socket, &session, ""), 204);
    assert_eq!(client.read_to_end(), "");
    pages
        .gateway
        .wait_for_log(" closed by the administrator, client: 127.0.0.1");
}
