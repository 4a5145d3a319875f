//! Trouble with backends and auth servers in the error log: once per change of state at the default level, each session at level info.

use std::io::{Read, Write};
use std::net::TcpListener;

use support::auth_server::{REFUSED, accepted};
use support::mail_log::wait_for_lines;
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port, wait_until};

const SESSIONS: usize = 5;
const BACKEND: [Step; 3] = [
    Step::Send(b"220 b\r\n"),
    Step::ReadLine,
    Step::Send(b"250 b\r\n"),
];

/// A gateway with one log for the default level and one for all sessions.
fn gateway(server: &str) -> (Gateway, u16) {
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{\nserver_name gate.test;\nerror_log errors.log error;\nerror_log all.log info;\n\
         server {{\nlisten 127.0.0.1:{port};\nprotocol smtp;\nxclient off;\n{server}\n}}\n}}"
    ));
    (gateway, port)
}

fn log_in(port: u16) -> String {
    let mut client = LineClient::connect(port);
    client.read_reply();
    client.ask("EHLO c.test");
    client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret-pw")))
}

/// The lines of the log of level error without their dates and process numbers, once there are as many.
fn errors(gateway: &Gateway, count: usize) -> Vec<String> {
    let lines = wait_for_lines(&gateway.folder().join("errors.log"), count);
    assert_eq!(lines.len(), count, "{lines:?}");
    let text = |line: &String| {
        let text = line.split_once(": ").expect("a prefix").1;
        assert!(line.contains(" [error] "), "{line}");
        match text.starts_with('*') {
            true => text.split_once(' ').expect("a number").1.to_owned(),
            false => text.to_owned(),
        }
    };
    lines.iter().map(text).collect()
}

/// How many sessions have a line with this text in the log of level info.
fn all(gateway: &Gateway, text: &str) -> usize {
    let log = std::fs::read_to_string(gateway.folder().join("all.log")).unwrap_or_default();
    log.lines().filter(|line| line.contains(text)).count()
}

#[test]
fn a_backend_that_is_down_and_comes_back() {
    let down = free_port();
    let auth = ScriptedPeer::auth_server(accepted(down));
    let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{}/;", auth.port));
    for _ in 0..SESSIONS {
        assert_eq!(log_in(port), "451 4.3.2 Internal server error\r\n");
    }
    let refused = "recv() failed (111: Connection refused) while reading response from upstream";
    let lines = errors(&gateway, 2);
    assert!(
        lines[0].starts_with(&format!("{refused}, client: 127.0.0.1")),
        "{lines:?}"
    );
    let summary = format!("upstream 127.0.0.1:{down} failed 3 times, last: {refused}");
    assert_eq!(lines[1], summary);
    wait_until("all sessions", || {
        all(&gateway, &format!("{refused}, client: ")) == SESSIONS
    });
    assert_eq!(
        all(&gateway, &format!("{refused}, client: 127.0.0.1")),
        SESSIONS
    );
    gateway.reload();
    log_in(port);
    wait_until("all sessions", || {
        all(&gateway, &format!("{refused}, client: ")) == SESSIONS + 1
    });
    let _backend = ScriptedPeer::start_on(down, &BACKEND);
    for _ in 0..2 {
        assert_eq!(log_in(port), "235 2.0.0 OK\r\n");
    }
    let lines = errors(&gateway, 3);
    assert!(
        lines[2].starts_with(&format!("upstream 127.0.0.1:{down} is back after ")),
        "{lines:?}"
    );
}

#[test]
fn an_auth_server_that_is_broken_and_works_again() {
    let down = free_port();
    let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{down}/;"));
    for _ in 0..SESSIONS {
        assert_eq!(log_in(port), "451 4.3.2 Internal server error\r\n");
    }
    let refused = "recv() failed (111: Connection refused)";
    let lines = errors(&gateway, 2);
    assert!(
        lines[0].starts_with(&format!("{refused} while in http auth state, client: ")),
        "{lines:?}"
    );
    let name = format!("auth http server 127.0.0.1:{down}");
    assert_eq!(lines[1], format!("{name} failed 3 times, last: {refused}"));
    wait_until("all sessions", || {
        all(&gateway, &format!("{refused} while")) == SESSIONS
    });
    let _auth = ScriptedPeer::start_on(down, &[Step::ReadHeader, Step::Send(REFUSED.as_bytes())]);
    assert!(log_in(port).starts_with("535 "));
    let lines = errors(&gateway, 3);
    assert!(
        lines[2].starts_with(&format!("{name} is back after ")),
        "{lines:?}"
    );
}

#[test]
fn an_auth_server_without_a_usable_answer() {
    let auth = ScriptedPeer::auth_server("HTTP/1.0 502 Bad Gateway\r\n\r\n");
    let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{}/;", auth.port));
    for _ in 0..SESSIONS {
        log_in(port);
    }
    let lines = errors(&gateway, 2);
    let name = format!("auth http server 127.0.0.1:{}", auth.port);
    assert!(lines[0].starts_with(&format!("{name} ")), "{lines:?}");
    let summary = format!("{name} failed 3 times, last: ");
    let last = lines[1].strip_prefix(&summary);
    assert!(
        last.is_some_and(|last| !last.contains("auth http server")),
        "{lines:?}"
    );
}

#[test]
fn a_refused_login_is_no_failure_of_the_backend() {
    let backend = ScriptedPeer::start(&[
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
        Step::ReadLine,
        Step::Send(b"535 5.7.8 wrong password\r\n"),
    ]);
    let auth = ScriptedPeer::auth_server(accepted(backend.port));
    let (gateway, port) = gateway(&format!(
        "auth_http 127.0.0.1:{}/;\nproxy_smtp_auth on;",
        auth.port
    ));
    for _ in 0..SESSIONS {
        log_in(port);
    }
    for line in errors(&gateway, SESSIONS) {
        assert!(line.contains("535 5.7.8 wrong password"), "{line}");
        assert!(!line.contains("failed 3 times"), "{line}");
    }
}

#[test]
fn a_backend_that_refuses_temporarily_and_then_not() {
    let refusing = [
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
        Step::ReadLine,
        Step::Send(b"454 4.7.0 no database for secret-pw\r\n"),
    ];
    let backend = ScriptedPeer::start(&refusing);
    let (gateway, port) = gateway(&format!("proxy_pass 127.0.0.1:{};", backend.port));
    for _ in 0..SESSIONS {
        assert!(log_in(port).starts_with("454 "));
    }
    let lines = errors(&gateway, 1);
    let summary = format!(
        "upstream 127.0.0.1:{} failed 3 times, last: upstream refused temporarily: \"454 4.7.0 no database for ***\" while ",
        backend.port
    );
    assert!(lines[0].starts_with(&summary), "{lines:?}");
}

/// A backend that resets each connection once the client has logged in and sent something.
fn resetting_backend() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 512];
            let _ = stream.write_all(b"220 b\r\n");
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(b"250 b\r\n");
            // Closing with unread data resets the connection.
            let _ = stream.peek(&mut buffer);
        }
    });
    port
}

#[test]
fn a_backend_that_cuts_sessions_off() {
    let backend = resetting_backend();
    let auth = ScriptedPeer::auth_server(accepted(backend));
    let (gateway, port) = gateway(&format!("auth_http 127.0.0.1:{}/;", auth.port));
    for _ in 0..2 {
        let mut client = LineClient::connect(port);
        client.read_reply();
        client.ask("EHLO c.test");
        client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret-pw")));
        client.send_line("NOOP");
        client.read_to_end();
    }
    let reset =
        "recv() failed (104: Connection reset by peer) while proxying and reading from upstream";
    wait_until("both sessions", || all(&gateway, reset) == 2);
    // One session that is cut off is no outage: the login after it does not say that the backend is back.
    let lines = errors(&gateway, 1);
    assert!(lines[0].starts_with(reset), "{lines:?}");
}
