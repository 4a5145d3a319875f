//! Holding logins.

use serde_json::{Value, json};
use support::auth_server::accepted_with;
use support::protocol_servers::ProtocolServer;
use support::scripted::ScriptedPeer;
use support::{LineClient, auth_plain, free_port};

use super::close::session_of;
use super::{Pages, imap};

/// The reply to a login.
fn log_in(server: &ProtocolServer, login: &str) -> String {
    let mut client = server.greeted();
    let plain = auth_plain(login, "secret");
    match server.protocol {
        "smtp" => client.ask(&format!("AUTH PLAIN {plain}")),
        "imap" => client.ask(&format!("a LOGIN {login} secret")),
        _ => {
            client.ask(&format!("USER {login}"));
            client.ask("PASS secret")
        }
    }
}

#[test]
fn a_held_login_gets_a_temporary_error_until_that_ends() {
    let (port, backend) = (free_port(), imap::backend(true));
    let pages = Pages::start(&format!(
        "server {{ listen 127.0.0.1:{port}; protocol imap; proxy_pass 127.0.0.1:{backend}; }}"
    ));
    let [smtp, reads, pop3] = pages.servers.as_slice() else {
        panic!("not three protocols");
    };
    let mut open = reads.logged_in();
    let session = session_of(&pages.socket, &open);
    let held = pages.command(&["--hold", "Joe"]);
    assert_eq!((held.code, &*held.err), (0, ""));
    let text = format!("Joe: held: new sessions get a temporary error\nopen sessions: {session}\n");
    assert_eq!(held.out, text);
    let refusals = [
        (
            smtp,
            "454 4.7.0 Account is being moved, try again later\r\n",
        ),
        (
            reads,
            "a NO [UNAVAILABLE] Account is being moved, try again later\r\n",
        ),
        (
            pop3,
            "-ERR [SYS/TEMP] Account is being moved, try again later\r\n",
        ),
    ];
    for (server, refusal) in &refusals {
        server.auth.received_so_far();
        assert_eq!(log_in(server, "joe"), *refusal);
        assert_eq!(
            server.auth.received_so_far(),
            [] as [String; 0],
            "nobody is asked"
        );
        assert!(
            !log_in(server, "ann").starts_with(&refusal[..4]),
            "{}",
            server.protocol
        );
    }
    // A backend that authenticates is not asked either, and the client may try again.
    let mut client = LineClient::connect(port);
    client.expect("* OK");
    client.converse(&[
        ("a LOGIN JOE secret", "a NO [UNAVAILABLE] Account"),
        ("b LOGIN ann secret", "b OK"),
    ]);
    pages
        .gateway
        .wait_for_log("login is held by the administrator while in auth state, client: 127.0.0.1");
    let status = pages.command(&["--status"]).out;
    assert!(status.contains("\nHeld logins\n  joe\n"), "{status}");
    assert_eq!(pages.socket.get("/json/held_logins"), "[\"joe\"]\n");
    assert_eq!(pages.socket.metric("portcullis_held_logins"), Some(1.0));

    // It outlives a reload; the open session goes on.
    pages.gateway.reload();
    assert_eq!(log_in(smtp, "joe"), refusals[0].1);
    open.send_line("b NOOP");
    assert_eq!(session_of(&pages.socket, &open), session);

    let released = pages.command(&["--hold", "joe", "--off", "--format=json"]);
    let answer: Value = serde_json::from_str(&released.out).expect("JSON");
    assert_eq!(
        answer,
        json!({"login": "joe", "held": false, "sessions": [session]})
    );
    for (server, _) in &refusals {
        let reply = log_in(server, "joe");
        assert!(
            ["235", "a OK", "+OK"]
                .iter()
                .any(|ok| reply.starts_with(ok)),
            "{reply}"
        );
    }
    let again = pages.command(&["--hold", "joe", "--off"]);
    assert_eq!(
        (again.code, &*again.err),
        (1, "portcullis: the login is not held\n")
    );
    let long = "a".repeat(256);
    let refused = pages.command(&["--hold", &long]);
    assert_eq!(refused.code, 1);
    assert_eq!(
        refused.err,
        "portcullis: a login of more than 255 bytes cannot be held\n"
    );
}

#[test]
fn the_login_that_the_auth_server_names_is_held_too() {
    let (port, backend) = (free_port(), imap::backend(true));
    let answer = accepted_with("127.0.0.1", backend, "Auth-User: joe@example.org\r\n");
    let auth = ScriptedPeer::auth_server(answer);
    let pages = Pages::start(&format!(
        "server {{ listen 127.0.0.1:{port}; protocol imap; auth_http 127.0.0.1:{}/; }}",
        auth.port
    ));
    let held = pages.command(&["--hold=joe@example.org"]);
    assert_eq!(held.code, 0, "{held:?}");
    let mut client = LineClient::connect(port);
    client.expect("* OK");
    assert!(
        client
            .ask("a LOGIN joe secret")
            .starts_with("a NO [UNAVAILABLE] Account")
    );
    pages.command(&["--hold=joe@example.org", "--off"]);
    assert_eq!(client.ask("b LOGIN joe secret"), "b OK in\r\n");
}
