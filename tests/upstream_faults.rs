//! Peers of a group that fail in the course of a session, and peers that leave the group.

use std::time::Duration;

use support::mail_log::{fields, wait_for_lines};
use support::scripted::{ScriptedPeer, Step};
use support::upstream_group::{group_mail, names_of_sessions, peer_script};
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
fn a_peer_that_dies_with_the_credentials_is_a_temporary_error() {
    let (dying, live) = (smtp(4, "a", &[]), working("b"));
    let (gateway, port) = gateway("smtp", &[dying.port, live.port], "");
    let mut client = connect(port);
    let reply = log_in(&mut client);
    assert!(reply.starts_with("451 4.4.1"), "{reply}");
    // No other peer gets the credentials of an attempt that may have reached this one.
    assert!(live.received_so_far().is_empty());
    gateway.wait_for_log("upstream prematurely closed connection");
    gateway.wait_for_log("upstream server temporarily disabled");
    dying.received_so_far();
    // The client may try again. The peer that died gets neither this attempt nor the next ones.
    assert!(log_in(&mut client).starts_with("235"));
    assert!(client.ask("NOOP").starts_with("250 b"));
    for _ in 0..2 {
        let mut next = connect(port);
        assert!(log_in(&mut next).starts_with("235"));
    }
    assert!(dying.received_so_far().is_empty());
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

#[test]
fn a_silent_peer_is_a_temporary_error_within_timeout() {
    // The only one, and the last one after a peer that refuses connections. It says nothing at all, or nothing after the credentials.
    for (steps, is_only) in [(0, true), (0, false), (4, true), (4, false)] {
        let silent = smtp(steps, "a", &[Step::Stall]);
        let all = [free_port(), silent.port];
        let peers = &all[usize::from(is_only)..];
        let (gateway, port) = gateway("smtp", peers, "timeout 700ms; proxy_connect_timeout 10s;");
        let mut client = connect(port);
        let begun = std::time::Instant::now();
        let reply = log_in(&mut client);
        assert!(reply.starts_with("451 4.4.1"), "{steps} {is_only}: {reply}");
        assert!(begun.elapsed() >= Duration::from_millis(700));
        gateway.wait_for_log("upstream timed out (110: Connection timed out)");
        assert!(client.ask("NOOP").starts_with("250"), "{steps} {is_only}");
    }
}

#[test]
fn a_peer_that_is_silent_after_the_credentials_counts_as_failed() {
    let (silent, live) = (smtp(4, "a", &[Step::Stall]), working("b"));
    let (gateway, port) = gateway("smtp", &[silent.port, live.port], "timeout 500ms;");
    let mut client = connect(port);
    assert!(log_in(&mut client).starts_with("451 4.4.1"));
    gateway.wait_for_log("upstream server temporarily disabled");
    silent.received_so_far();
    for _ in 0..3 {
        let mut next = connect(port);
        assert!(log_in(&mut next).starts_with("235"));
    }
    assert!(silent.received_so_far().is_empty());
}

/// A login that the peer refuses, for now or for good, is no failure of the peer.
#[test]
fn refused_logins_leave_a_peer_in_use() {
    for refusal in [
        "535 5.7.8 no\r\n",
        "454 4.7.0 later\r\n",
        "421 4.3.2 bye\r\n",
    ] {
        let [one, two] = ["a", "b"].map(|name| smtp(4, name, &[Step::send(refusal)]));
        let (gateway, port) = gateway("smtp", &[one.port, two.port], "");
        for _ in 0..4 {
            log_in(&mut connect(port));
        }
        let attempts = |peer: &ScriptedPeer| {
            let lines = peer.received_so_far();
            let logins = lines.iter().filter(|line| line.starts_with("AUTH"));
            logins.count()
        };
        assert_eq!([attempts(&one), attempts(&two)], [2, 2], "{refusal}");
        assert!(!gateway.log().contains("temporarily disabled"), "{refusal}");
    }
}

/// XCLIENT is about the client: its refusal leads to the next peer, and takes no peer out of use.
#[test]
fn refused_clients_leave_a_peer_in_use() {
    let refusing = || {
        ScriptedPeer::start(&[
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(b"250-b\r\n250-AUTH PLAIN\r\n250 XCLIENT ADDR\r\n"),
            Step::ReadLine,
            Step::Send(b"554 5.7.1 client refused\r\n"),
        ])
    };
    let peers = [refusing(), refusing()];
    let (gateway, port) = gateway("smtp", &peers.each_ref().map(|peer| peer.port), "");
    for _ in 0..2 {
        let reply = log_in(&mut connect(port));
        assert!(reply.starts_with("451 4.4.1"), "{reply}");
    }
    for peer in &peers {
        let lines = peer.received_so_far();
        let told = lines.iter().filter(|line| line.starts_with("XCLIENT"));
        assert_eq!(told.count(), 2, "{lines:?}");
    }
    assert!(!gateway.log().contains("temporarily disabled"));
}

/// The directive that decided about a peer is in `mail_log`, although a peer without a decision was the last.
#[test]
fn the_directive_that_decided_last_is_recorded() {
    let (silent, gone) = (ScriptedPeer::start(&[Step::Stall]), free_port());
    let more = "\nproxy_connect_timeout 200ms;\nmail_log session.log;\n";
    let (gateway, port) = gateway("smtp", &[silent.port, gone], more);
    let mut client = connect(port);
    assert!(log_in(&mut client).starts_with("451 4.4.1"));
    drop(client);
    let line = fields(&wait_for_lines(&gateway.folder().join("session.log"), 1)[0]);
    assert_eq!(line["result"], "backend-unavailable", "{line:?}");
    let (_, number) = line["by"].rsplit_once(':').expect("file:line");
    let text = std::fs::read_to_string(gateway.folder().join("gateway.conf")).expect("the file");
    let number: usize = number.parse().expect("a number");
    let directive = text.lines().nth(number - 1).expect("the line");
    assert!(directive.contains("proxy_connect_timeout"), "{line:?}");
}

#[test]
fn a_peer_back_from_the_dead_gets_its_share_slowly() {
    let (back, live) = (free_port(), working("b"));
    let port = free_port();
    let group = format!(
        "server 127.0.0.1:{back} fail_timeout=1s slow_start=4s; server 127.0.0.1:{};",
        live.port
    );
    let _gateway = Gateway::start(&group_mail(port, "smtp", &group, ""));
    assert_eq!(names_of_sessions(port, 4), "bbbb");
    let _back = ScriptedPeer::start_on(back, &peer_script("a"));
    wait_until("the recovery", || names_of_sessions(port, 1) == "a");
    let begun = std::time::Instant::now();
    let first = names_of_sessions(port, 8);
    // Half of the sessions are the whole share. Each session has the part of it that the time since the recovery is.
    let part = begun.elapsed().as_secs_f64() / 4.0;
    let most = (4.0 * part).ceil() as usize;
    assert!(first.matches('a').count() <= most, "{first} {part}");
    wait_until("the whole share", || {
        names_of_sessions(port, 8).matches('a').count() == 4
    });
    assert!(begun.elapsed() >= Duration::from_secs(2));
}
