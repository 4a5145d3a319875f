//! Peers of a group that fail in the course of a session, and peers that leave the group.

use std::time::Duration;

use support::scripted::{ScriptedPeer, Step};
use support::upstream_group::{group_mail, peer_script};
use support::{Gateway, LineClient, auth_plain, free_port, wait_until};

fn working(name: &str) -> ScriptedPeer {
    ScriptedPeer::start(&peer_script(name))
}

/// A backend that follows the first steps of a session, goes on with others and closes.
fn smtp(steps: usize, name: &str, last: &[Step]) -> ScriptedPeer {
    ScriptedPeer::start(&[&peer_script(name)[..steps], last].concat())
}

/// A gateway with a group of these peers, which are used in this order.
fn gateway(protocol: &str, peers: &[u16], more: &str) -> (Gateway, u16) {
    let port = free_port();
    let servers = peers
        .iter()
        .map(|peer| format!("server 127.0.0.1:{peer} fail_timeout=1s;"));
    let group: String = servers.collect();
    (
        Gateway::start(&group_mail(port, protocol, &group, more)),
        port,
    )
}

fn connect(port: u16) -> LineClient {
    let mut client = LineClient::connect(port);
    client.expect("220");
    client
}

fn log_in(client: &mut LineClient) -> String {
    client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")))
}

#[test]
fn a_peer_that_dies_in_the_greeting_leads_to_the_next() {
    for (protocol, part, hello, login) in [
        ("smtp", "220-b", "220 b\r\n", auth_plain("joe", "secret")),
        ("imap", "* OK b", "* OK b\r\n", "a LOGIN joe secret".into()),
        ("pop3", "+OK", "+OK b\r\n", "PASS secret".into()),
    ] {
        let dying = ScriptedPeer::start(&[Step::send(part)]);
        let live = ScriptedPeer::start(&[Step::send(hello), Step::ReadLine, Step::Stall]);
        let (gateway, port) = gateway(protocol, &[dying.port, live.port], "");
        let mut client = LineClient::connect(port);
        client.read_reply();
        match protocol {
            "smtp" => client.send_line(&format!("AUTH PLAIN {login}")),
            "pop3" => {
                client.ask("USER joe");
                client.send_line(&login);
            }
            _ => client.send_line(&login),
        }
        assert!(!live.received().is_empty(), "{protocol}");
        let (log, address) = (gateway.log(), format!("127.0.0.1:{}", dying.port));
        let line = log.lines().find(|line| line.contains("prematurely closed"));
        assert!(line.is_some_and(|line| line.contains(&address)), "{log}");
    }
}

#[test]
fn a_peer_that_dies_during_the_login_is_a_temporary_error() {
    // After EHLO, and after AUTH: no other peer gets the credentials of an attempt that may have reached this one.
    for steps in [2, 4] {
        let (dying, live) = (smtp(steps, "a", &[]), working("b"));
        let (gateway, port) = gateway("smtp", &[dying.port, live.port], "");
        let mut client = connect(port);
        let reply = log_in(&mut client);
        assert!(reply.starts_with("451 4.4.1"), "{steps}: {reply}");
        assert!(live.received_so_far().is_empty(), "{steps}");
        gateway.wait_for_log("upstream prematurely closed connection");
        // The client may try again, and the next attempt goes to the next peer.
        assert!(log_in(&mut client).starts_with("235"), "{steps}");
        assert!(client.ask("NOOP").starts_with("250 b"), "{steps}");
    }
}

#[test]
fn a_peer_that_dies_in_mid_message_ends_the_session() {
    let last = [
        Step::ReadLine,
        Step::send("354 go on\r\n"),
        Step::ReadLine,
        Step::ReadLine,
    ];
    let dying = smtp(7, "a", &last);
    let live = working("b");
    let (gateway, port) = gateway("smtp", &[dying.port, live.port], "");
    let mut client = connect(port);
    assert!(log_in(&mut client).starts_with("235"));
    assert!(client.ask("NOOP").starts_with("250 a"));
    assert!(client.ask("DATA").starts_with("354"));
    client.send(b"Subject: half\r\n\r\n");
    // No reply that could pass for success.
    assert_eq!(client.read_to_end(), "");
    assert!(live.received_so_far().is_empty());
    gateway.wait_for_log(&format!("upstream: 127.0.0.1:{}", dying.port));
    let mut next = connect(port);
    assert!(log_in(&mut next).starts_with("235"));
    assert!(next.ask("NOOP").starts_with("250 b"));
}

#[test]
fn a_peer_that_says_nothing_costs_proxy_connect_timeout() {
    let (silent, live) = (ScriptedPeer::start(&[Step::Stall]), working("b"));
    let more = "proxy_connect_timeout 300ms;";
    let (gateway, port) = gateway("smtp", &[silent.port, live.port], more);
    let begun = std::time::Instant::now();
    let mut client = connect(port);
    assert!(log_in(&mut client).starts_with("235"));
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert!(client.ask("NOOP").starts_with("250 b"));
    gateway.wait_for_log("upstream timed out (110: Connection timed out)");
    gateway.wait_for_log("upstream server temporarily disabled");
    // The next session does not wait for it.
    let mut next = connect(port);
    assert!(log_in(&mut next).starts_with("235"));
    let log = gateway.log();
    assert_eq!(log.matches("upstream timed out").count(), 1, "{log}");
}

#[test]
fn a_group_that_is_down_recovers_within_fail_timeout() {
    let [first, second] = [(); 2].map(|()| free_port());
    let (gateway, port) = gateway("smtp", &[first, second], "");
    let mut client = connect(port);
    for _ in 0..2 {
        let reply = log_in(&mut client);
        assert!(reply.starts_with("451 4.4.1"), "{reply}");
    }
    gateway.wait_for_log("no live upstreams");
    let _back = ScriptedPeer::start_on(second, &peer_script("b"));
    wait_until("the recovery", || {
        log_in(&mut connect(port)).starts_with("235")
    });
    // The same session, too.
    wait_until("a login", || log_in(&mut client).starts_with("235"));
}

#[test]
fn a_reload_that_removes_a_peer_leaves_its_sessions_alone() {
    let (leaving, staying) = (working("a"), working("b"));
    let (gateway, port) = gateway("smtp", &[leaving.port, staying.port], "");
    let mut held = connect(port);
    assert!(log_in(&mut held).starts_with("235"));
    assert!(held.ask("NOOP").starts_with("250 a"));
    let group = format!("server 127.0.0.1:{};", staying.port);
    gateway.rewrite(&group_mail(port, "smtp", &group, ""));
    gateway.reload();
    for _ in 0..2 {
        let mut next = connect(port);
        assert!(log_in(&mut next).starts_with("235"));
        assert!(next.ask("NOOP").starts_with("250 b"));
    }
    assert!(held.ask("NOOP").starts_with("250 still a"));
}
