//! `mail_log`: sessions and messages that are not over when the process exits, and clients that it has no room for.

use nix::sys::signal::Signal;
use support::auth_server::accepted;
use support::mail_log::{Fields, fields, wait_for_lines};
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port};

/// A backend that takes a message up to its content.
fn backend() -> ScriptedPeer {
    ScriptedPeer::start(&[
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250 2.1.0 sender\r\n"),
        Step::ReadLine,
        Step::Send(b"250 2.1.5 recipient\r\n"),
        Step::ReadLine,
        Step::Send(b"354 go on\r\n"),
        Step::ReadLine,
        Step::Stall,
    ])
}

struct Setup {
    gateway: Gateway,
    port: u16,
    _auth: ScriptedPeer,
}

impl Setup {
    fn new(main: &str, backend: u16) -> Self {
        let auth = ScriptedPeer::auth_server(accepted(backend));
        let port = free_port();
        let mail = format!(
            "mail {{\nserver_name gate.test;\nserver {{\nlisten 127.0.0.1:{port};\nprotocol smtp;\nmail_log s.log;\n\
             auth_http 127.0.0.1:{}/;\nxclient off;\n}}\n}}",
            auth.port
        );
        let gateway = Gateway::start_with(main, &mail);
        Self {
            gateway,
            port,
            _auth: auth,
        }
    }

    fn lines(&self, count: usize) -> Vec<Fields> {
        let lines = wait_for_lines(&self.gateway.folder().join("s.log"), count);
        assert_eq!(lines.len(), count, "{lines:?}");
        lines.iter().map(|line| fields(line)).collect()
    }
}

/// A client in the middle of a message, of which the backend has got a line.
fn sending(port: u16, backend: &ScriptedPeer) -> LineClient {
    let mut client = LineClient::connect(port);
    client.read_reply();
    client.ask("EHLO c.test");
    let login = client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret-pw")));
    assert!(login.starts_with("235 "), "{login}");
    for command in ["MAIL FROM:<joe@a.test>", "RCPT TO:<ann@b.test>", "DATA"] {
        client.ask(command);
    }
    client.send_line("Subject: cut off");
    while backend.received() != "Subject: cut off" {}
    client
}

/// Checks the lines of one session that a process without patience has ended.
fn check(lines: &[Fields], reason: &str) {
    let [message, session] = lines else {
        panic!("{lines:?}");
    };
    assert_eq!(message["session"], session["session"]);
    assert_eq!(message["sender"], "joe@a.test", "{message:?}");
    assert_eq!(message["recipients"], "ann@b.test", "{message:?}");
    assert_eq!(message["size"], "18", "{message:?}");
    assert!(!message.contains_key("queue_id"), "{message:?}");
    assert_eq!(session["result"], "login", "{session:?}");
    assert_eq!(session["reason"], reason, "{session:?}");
    assert_eq!(session["ended_by"], "gateway", "{session:?}");
    let received: u64 = session["in"].parse().expect("a number");
    assert!(received > 100, "{session:?}");
}

#[test]
fn a_message_that_a_fast_shutdown_cuts_off() {
    let backend = backend();
    let mut setup = Setup::new("events {}", backend.port);
    let mut client = sending(setup.port, &backend);
    let mut greeted = LineClient::connect(setup.port);
    greeted.read_reply();
    setup.gateway.signal(Signal::SIGTERM);
    assert_eq!(setup.gateway.wait(), Some(0));
    client.read_to_end();
    greeted.read_to_end();
    let mut lines = setup.lines(3);
    let of_greeted = lines.iter().position(|line| {
        line.get("result")
            .is_some_and(|result| result == "shutdown")
    });
    lines.remove(of_greeted.expect("the line of the other client"));
    check(&lines, "worker process exits");
}

#[test]
fn a_message_that_worker_shutdown_timeout_cuts_off() {
    let backend = backend();
    let mut setup = Setup::new("events {}\nworker_shutdown_timeout 200ms;", backend.port);
    let mut client = sending(setup.port, &backend);
    setup.gateway.signal(Signal::SIGQUIT);
    assert_eq!(setup.gateway.wait(), Some(0));
    client.read_to_end();
    let lines = setup.lines(2);
    check(&lines, "shutdown timeout");
    assert!(lines[1]["by"].contains("gateway.conf:"), "{lines:?}");
}

#[test]
fn a_client_that_there_is_no_room_for() {
    let backend = backend();
    let setup = Setup::new("events { worker_connections 4; }", backend.port);
    let mut clients = Vec::new();
    let refused = loop {
        let mut client = LineClient::connect(setup.port);
        let reply = client.read_reply();
        match reply.starts_with("220 ") {
            true => clients.push(client),
            false => break reply,
        }
    };
    assert!(refused.starts_with("421 4.3.2"), "{refused}");
    let line = setup.lines(1).remove(0);
    assert_eq!(line["result"], "limited", "{line:?}");
    assert_eq!(
        line["reason"], "4 worker_connections are not enough",
        "{line:?}"
    );
    assert!(line["by"].contains("gateway.conf:"), "{line:?}");
}
