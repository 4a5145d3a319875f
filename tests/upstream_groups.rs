//! Groups of backends: which peer a session gets, and what happens when a peer does not work.

use std::net::TcpListener;

use support::scripted::{ScriptedPeer, Step};
use support::upstream_group::{named_session_of, names_of_sessions, peer_script};
use support::{Gateway, LineClient, auth_plain, free_port};

/// An SMTP backend that works, and tells its name.
fn smtp_backend(name: &str) -> ScriptedPeer {
    ScriptedPeer::start(&peer_script(name))
}

/// A backend that says these bytes and closes.
fn greeting(bytes: &str) -> ScriptedPeer {
    ScriptedPeer::start(&[Step::send(bytes)])
}

/// A gateway with the group `g` of these lines.
fn gateway(protocol: &str, group: &str, more: &str) -> (Gateway, u16) {
    let port = free_port();
    let mail = format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities DSN;
            imap_capabilities IMAP4rev1;
            pop3_capabilities UIDL;
            proxy_pass g;
            {more}
            server {{ listen 127.0.0.1:{port}; protocol {protocol}; }}
            upstream g {{ {group} }}
        }}"
    );
    (Gateway::start(&mail), port)
}

/// The code of the reply to a login.
fn login_code(port: u16) -> String {
    let mut client = LineClient::connect(port);
    client.expect("220");
    let reply = client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    reply.chars().take(3).collect()
}

/// A port that refuses connections.
fn closed_port() -> u16 {
    free_port()
}

#[test]
fn sessions_are_distributed_by_weight() {
    let (a, b) = (smtp_backend("a"), smtp_backend("b"));
    let group = format!(
        "server 127.0.0.1:{} weight=2; server 127.0.0.1:{};",
        a.port, b.port
    );
    let (_gateway, port) = gateway("smtp", &group, "");
    assert_eq!(names_of_sessions(port, 6), "abaaba");
}

#[test]
fn the_next_peer_is_tried_and_the_failed_one_left_alone() {
    let (dead, live) = (closed_port(), smtp_backend("b"));
    let group = format!("server 127.0.0.1:{dead}; server 127.0.0.1:{};", live.port);
    let (gateway, port) = gateway("smtp", &group, "");
    assert_eq!(names_of_sessions(port, 4), "bbbb");
    let log = gateway.log();
    let refused = log.matches("111: Connection refused").count();
    assert_eq!(refused, 1, "{log}");
    assert!(log.contains(&format!("127.0.0.1:{dead}")), "{log}");
    assert!(
        log.contains("upstream server temporarily disabled"),
        "{log}"
    );
}

#[test]
fn a_backup_waits_for_the_others_to_fail() {
    let (a, spare, dead) = (smtp_backend("a"), smtp_backend("s"), closed_port());
    let group = format!(
        "server 127.0.0.1:{} backup; server 127.0.0.1:{}; server 127.0.0.1:{dead} down;",
        spare.port, a.port
    );
    let (gateway, port) = gateway("smtp", &group, "");
    assert_eq!(names_of_sessions(port, 2), "aa");
    let group = format!(
        "server 127.0.0.1:{} backup; server 127.0.0.1:{dead};",
        spare.port
    );
    drop(gateway);
    let (_gateway, port) = self::gateway("smtp", &group, "");
    assert_eq!(names_of_sessions(port, 2), "ss");
}

#[test]
fn a_greeting_that_refuses_sessions_leads_to_the_next_peer() {
    for refusal in ["421 4.3.2 busy\r\n", "554 no\r\n", ""] {
        let (busy, live) = (greeting(refusal), smtp_backend("b"));
        let group = format!(
            "server 127.0.0.1:{}; server 127.0.0.1:{};",
            busy.port, live.port
        );
        let (gateway, port) = gateway("smtp", &group, "");
        assert_eq!(names_of_sessions(port, 2), "bb", "{refusal}");
        if !refusal.is_empty() {
            gateway.wait_for_log(refusal.trim_end());
        }
    }
    for (protocol, refusal, hello, login) in [
        ("imap", "* BYE busy\r\n", "* OK b\r\n", "a LOGIN joe secret"),
        ("pop3", "-ERR busy\r\n", "+OK b\r\n", "PASS secret"),
    ] {
        let busy = greeting(refusal);
        let live = ScriptedPeer::start(&[Step::send(hello), Step::ReadLine, Step::Stall]);
        let group = format!(
            "server 127.0.0.1:{}; server 127.0.0.1:{};",
            busy.port, live.port
        );
        let (gateway, port) = gateway(protocol, &group, "");
        let mut client = LineClient::connect(port);
        client.read_reply();
        if protocol == "pop3" {
            client.ask("USER joe");
        }
        client.send_line(login);
        assert!(!live.received().is_empty());
        gateway.wait_for_log(refusal.trim_end());
    }
}

#[test]
fn tries_are_limited() {
    let (first, second, live) = (closed_port(), closed_port(), smtp_backend("c"));
    let group = format!(
        "server 127.0.0.1:{first} weight=9; server 127.0.0.1:{second} weight=5; server 127.0.0.1:{};",
        live.port
    );
    for (more, replies) in [
        ("proxy_next_upstream off;", ["451", "451", "235"]),
        ("proxy_next_upstream_tries 2;", ["451", "235", "235"]),
    ] {
        let (_gateway, port) = gateway("smtp", &group, more);
        assert_eq!(replies.map(|_| login_code(port)), replies, "{more}");
    }
}

#[test]
fn a_group_that_is_down_is_a_temporary_error_and_recovers() {
    let reserved = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port_of_peer = reserved.local_addr().expect("its number").port();
    let dead = closed_port();
    drop(reserved);
    let group =
        format!("server 127.0.0.1:{port_of_peer} fail_timeout=1s; server 127.0.0.1:{dead};");
    let (gateway, port) = gateway("smtp", &group, "");
    assert_eq!([(); 2].map(|()| login_code(port)), ["451", "451"]);
    gateway.wait_for_log("no live upstreams");
    let peer = TcpListener::bind(("127.0.0.1", port_of_peer)).expect("the port again");
    let probed = std::thread::spawn(move || peer.accept().is_ok());
    // After `fail_timeout` a session probes the peer, which closes.
    while !probed.is_finished() {
        assert_eq!(login_code(port), "451");
    }
}

#[test]
fn a_reload_keeps_the_history() {
    let (dead, live) = (closed_port(), smtp_backend("b"));
    let group = format!("server 127.0.0.1:{dead}; server 127.0.0.1:{};", live.port);
    let (gateway, port) = gateway("smtp", &group, "");
    assert_eq!(names_of_sessions(port, 1), "b");
    gateway.reload();
    assert_eq!(names_of_sessions(port, 2), "bb");
    let log = gateway.log();
    assert_eq!(log.matches("Connection refused").count(), 1, "{log}");
}

/// The peers of some logins, in their order.
fn peers_of_logins(port: u16) -> Vec<String> {
    let logins = (0..24).map(|number| format!("user{number}"));
    logins
        .map(|login| named_session_of(port, &login).1)
        .collect()
}

#[test]
fn a_hash_keeps_logins_on_their_peers() {
    let [a, b, c] = ["a", "b", "c"].map(smtp_backend);
    let two = format!("server 127.0.0.1:{}; server 127.0.0.1:{};", a.port, b.port);
    let map = "map $remote_user $shard { ~^user(.*)$ shard$1; }";
    for (method, more) in [
        ("hash $remote_user;", ""),
        ("hash $remote_user consistent;", ""),
        ("hash $shard consistent;", map),
    ] {
        let (gateway, port) = gateway("smtp", &format!("{method} {two}"), more);
        let before = peers_of_logins(port);
        let is_used = |name: &str| before.iter().any(|peer| *peer == *name);
        assert!(is_used("a") && is_used("b"), "{method} {before:?}");
        assert_eq!(peers_of_logins(port), before, "{method}");
        gateway.reload();
        assert_eq!(peers_of_logins(port), before, "{method}");
    }
    // With `consistent`, another peer takes logins over, and the others stay where they are.
    let (_gateway, port) = gateway("smtp", &format!("hash $remote_user consistent; {two}"), "");
    let before = peers_of_logins(port);
    let three = format!("{two} server 127.0.0.1:{};", c.port);
    let (_gateway, port) = gateway(
        "smtp",
        &format!("hash $remote_user consistent; {three}"),
        "",
    );
    let after = peers_of_logins(port);
    assert!(after.iter().any(|peer| peer == "c"), "{after:?}");
    for (before, after) in before.iter().zip(&after) {
        assert!(after == before || after == "c", "{before} {after}");
    }
}

/// The key of a login that follows a refused one in the same session is its own.
#[test]
fn a_hash_has_the_key_of_each_attempt() {
    let refusing = |name: &str| {
        ScriptedPeer::start(&[
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
            Step::ReadLine,
            Step::send(format!("535 {name}\r\n")),
            Step::Stall,
        ])
    };
    let (a, b) = (refusing("a"), refusing("b"));
    let group = format!(
        "hash $remote_user; server 127.0.0.1:{}; server 127.0.0.1:{};",
        a.port, b.port
    );
    let (_gateway, port) = gateway("smtp", &group, "proxy_pass_error_message on;");
    let refusals = |client: &mut LineClient, number: u32| {
        let login = auth_plain(&format!("user{number}"), "secret");
        client.ask(&format!("AUTH PLAIN {login}"))
    };
    let connect = || {
        let mut client = LineClient::connect(port);
        client.expect("220");
        client
    };
    let alone: Vec<String> = (0..8).map(|one| refusals(&mut connect(), one)).collect();
    assert!(alone.iter().any(|reply| *reply != alone[0]), "{alone:?}");
    for pair in [0, 2, 4, 6] {
        let mut client = connect();
        let both = [pair, pair + 1].map(|one| refusals(&mut client, one));
        assert_eq!(both, alone[pair as usize..][..2], "{pair}");
    }
}
