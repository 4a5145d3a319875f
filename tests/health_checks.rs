//! Active checks of the peers of a group: what a check says to a peer, what its result changes, and when checks end.

use std::io::ErrorKind;
use std::net::TcpListener;

use support::authority::{Authority, CertificateOptions};
use support::scripted::{ScriptedPeer, Step};
use support::tls_backend::{Backend, proxy_ssl, setup, verify};
use support::upstream_group::{group_mail, names_of_sessions, peer_script};
use support::{Gateway, LineClient, auth_plain, free_port, wait_until};

#[test]
fn a_peer_that_fails_gets_no_sessions_until_it_is_back() {
    let (dead, live, port) = (
        free_port(),
        ScriptedPeer::start(&peer_script("b")),
        free_port(),
    );
    let group = format!(
        "server 127.0.0.1:{dead}; server 127.0.0.1:{}; health_check interval=50ms jitter=10ms;",
        live.port
    );
    let gateway = Gateway::start(&group_mail(port, "smtp", &group, ""));
    gateway.wait_for_log(&format!(
        ": upstream 127.0.0.1:{dead} is unhealthy: connect() failed \
         (111: Connection refused) while connecting to upstream\n"
    ));
    assert_eq!(names_of_sessions(port, 4), "bbbb");
    let log = gateway.log();
    let is_error = |line: &str| line.contains("unhealthy") && line.contains("[error]");
    assert!(log.lines().any(is_error), "{log}");
    assert!(!log.contains("recv() failed"), "no session tries it: {log}");
    let back = ScriptedPeer::start_on(dead, &peer_script("a"));
    gateway.wait_for_log(&format!(
        "upstream 127.0.0.1:{dead} is healthy again after "
    ));
    let chosen = names_of_sessions(port, 4);
    assert_eq!(chosen.matches('a').count(), 2, "{chosen}");
    let log = gateway.log();
    assert_eq!(log.matches("healthy").count(), 2, "{log}");
    drop(back);
}

#[test]
fn all_peers_unhealthy_is_a_temporary_error() {
    let (dead, port) = (free_port(), free_port());
    let group = format!("server 127.0.0.1:{dead}; health_check interval=50ms;");
    let gateway = Gateway::start(&group_mail(port, "smtp", &group, ""));
    gateway.wait_for_log("is unhealthy");
    let mut client = LineClient::connect(port);
    client.expect("220");
    let reply = client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    assert!(reply.starts_with("451 4.4.1"), "{reply}");
    gateway.wait_for_log("no live upstreams");
    let _back = ScriptedPeer::start_on(dead, &peer_script("a"));
    gateway.wait_for_log("is healthy again");
    let reply = client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    assert!(reply.starts_with("235"), "{reply}");
}

#[test]
fn a_check_speaks_the_protocol() {
    for (protocol, greeting, asks, answer, leaves) in [
        ("smtp", "220 b\r\n", "EHLO gate.test", "250 b\r\n", "QUIT"),
        // Without ESMTP, and without CAPA, a backend works too.
        (
            "smtp",
            "220 b\r\n",
            "EHLO gate.test",
            "502 what\r\n",
            "QUIT",
        ),
        ("pop3", "+OK b\r\n", "CAPA", "+OK\r\nUIDL\r\n.\r\n", "QUIT"),
        ("pop3", "+OK b\r\n", "CAPA", "-ERR what\r\n", "QUIT"),
        (
            "imap",
            "* OK [CAPABILITY IMAP4rev1] b\r\n",
            "CAPABILITY",
            "* CAPABILITY IMAP4rev1\r\n",
            "LOGOUT",
        ),
    ] {
        let (port, tagged) = (free_port(), protocol == "imap");
        let answer = match tagged {
            true => format!("{answer}gw OK done\r\n"),
            false => answer.to_owned(),
        };
        let peer = ScriptedPeer::start(&[
            Step::ReadLine,
            Step::send(greeting),
            Step::ReadLine,
            Step::send(answer),
            Step::ReadLine,
        ]);
        let group = format!("server 127.0.0.1:{}; health_check interval=1h;", peer.port);
        let more = "proxy_protocol on;";
        let gateway = Gateway::start(&group_mail(port, protocol, &group, more));
        let header = peer.received();
        assert!(
            header.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "),
            "{header}"
        );
        let command = |line: String| match tagged {
            true => line.split(' ').skip(1).collect::<Vec<_>>().join(" "),
            false => line,
        };
        assert_eq!(command(peer.received()), asks);
        assert_eq!(command(peer.received()), leaves, "{protocol}");
        assert!(!gateway.log().contains("healthy"), "{protocol}");
    }
}

#[test]
fn a_check_uses_tls_as_sessions_do() {
    let (ca, other) = (Authority::new("Good CA"), Authority::new("Other CA"));
    let options = CertificateOptions {
        names: &["localhost", "127.0.0.1"],
        ..CertificateOptions::default()
    };
    let certificate = ca.sign("local", options);
    for implicit in [true, false] {
        let (backend, port) = (Backend::start(setup(&certificate, implicit)), free_port());
        let group = format!(
            "server 127.0.0.1:{}; health_check interval=1h;",
            backend.port
        );
        let more = |ca: &Authority| {
            let verify = verify(&ca.certificate());
            format!("proxy_ssl {}; {verify}", proxy_ssl(implicit))
        };
        let gateway = Gateway::start(&group_mail(port, "smtp", &group, &more(&ca)));
        let mut last = String::new();
        while last != "tls QUIT" {
            last = backend.received();
            assert_ne!(last, "clear QUIT");
        }
        assert!(!gateway.log().contains("healthy"), "{implicit}");
        gateway.rewrite(&group_mail(port, "smtp", &group, &more(&other)));
        gateway.reload();
        gateway.wait_for_log("is unhealthy: upstream SSL certificate verify error: ");
    }
}

#[test]
fn a_peer_that_is_no_good_is_unhealthy() {
    for (steps, more, why) in [
        (
            vec![Step::Send(b"421 4.3.2 busy\r\n")],
            "",
            "upstream sent invalid response: \"421 4.3.2 busy\" while reading response from upstream",
        ),
        (vec![], "", "upstream prematurely closed connection while "),
        (
            vec![Step::Stall],
            "proxy_connect_timeout 200ms;",
            "upstream timed out (110: Connection timed out) while ",
        ),
        (
            peer_script("a").to_vec(),
            "proxy_ssl on; proxy_ssl_verify off;",
            "while SSL handshaking to upstream",
        ),
        (
            peer_script("a").to_vec(),
            "proxy_ssl starttls; proxy_ssl_verify off;",
            "upstream does not offer STARTTLS",
        ),
    ] {
        let (peer, port) = (ScriptedPeer::start(&steps), free_port());
        let group = format!(
            "server 127.0.0.1:{}; health_check interval=50ms;",
            peer.port
        );
        let gateway = Gateway::start(&group_mail(port, "smtp", &group, more));
        let begin = format!("upstream 127.0.0.1:{} is unhealthy: ", peer.port);
        gateway.wait_for_log(&begin);
        let log = gateway.log();
        let line = log.lines().find(|line| line.contains(&begin));
        assert!(line.is_some_and(|line| line.contains(why)), "{why}: {log}");
    }
}

#[test]
fn checks_may_have_a_port_of_their_own_and_several_results_count() {
    let (peer, port) = (ScriptedPeer::start(&peer_script("a")), free_port());
    let checked = ScriptedPeer::start(&[Step::Send(b"220 b\r\n"), Step::ReadLine]);
    let group = format!(
        "server 127.0.0.1:{}; health_check interval=20ms fails=3 port={};",
        peer.port, checked.port
    );
    let gateway = Gateway::start(&group_mail(port, "smtp", &group, ""));
    gateway.wait_for_log(&format!("upstream 127.0.0.1:{} is unhealthy", peer.port));
    assert!(checked.received_so_far().len() >= 3);
    assert!(peer.received_so_far().is_empty());
}

#[test]
fn a_peer_has_one_check_at_a_time_however_many_servers_use_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let peer = listener.local_addr().expect("its number").port();
    let ports = [(); 2].map(|()| free_port());
    let servers = ports.map(|port| format!("server {{ listen 127.0.0.1:{port}; protocol smtp; }}"));
    let _gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities DSN;
            proxy_pass g;
            proxy_connect_timeout 200ms;
            upstream g {{ server 127.0.0.1:{peer}; health_check interval=10ms; }}
            {}
        }}",
        servers.join("\n")
    ));
    for _ in 0..3 {
        let (mut check, _) = listener.accept().expect("a check");
        // It ends by the time limit, many intervals later.
        std::io::copy(&mut check, &mut std::io::sink()).expect("its end");
        listener.set_nonblocking(true).expect("a mode");
        let mut open = Vec::new();
        loop {
            match listener.accept() {
                Ok((next, _)) => open.push(next),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(open.len() <= 1, "{}", open.len());
        listener.set_nonblocking(false).expect("a mode");
    }
}

#[test]
fn a_reload_keeps_the_state_and_ends_the_checks_of_removed_groups() {
    let (dead, port) = (free_port(), free_port());
    let [first, second] = ["a", "b"].map(|name| ScriptedPeer::start(&peer_script(name)));
    let group = |peer: &ScriptedPeer, weight: usize| {
        format!(
            "server 127.0.0.1:{dead} weight={weight}; server 127.0.0.1:{}; health_check interval=20ms;",
            peer.port
        )
    };
    let gateway = Gateway::start(&group_mail(port, "smtp", &group(&first, 1), ""));
    gateway.wait_for_log("is unhealthy");
    // A session of the generation before keeps nothing alive.
    let mut held = LineClient::connect(port);
    held.expect("220");
    gateway.rewrite(&group_mail(port, "smtp", &group(&second, 2), ""));
    gateway.reload();
    assert_eq!(names_of_sessions(port, 3), "bbb");
    let log = gateway.log();
    assert_eq!(log.matches("is unhealthy").count(), 1, "{log}");
    assert!(!log.contains("recv() failed"), "{log}");
    first.received_so_far();
    let checks = |peer: &ScriptedPeer| {
        let lines = peer.received_so_far();
        lines.iter().filter(|line| line.starts_with("EHLO")).count()
    };
    let mut seen = 0;
    wait_until("further checks", || {
        seen += checks(&second);
        seen >= 10
    });
    assert_eq!(checks(&first), 0);
    held.ask("NOOP");
    // Without checks, nothing is unhealthy.
    let group = format!("server 127.0.0.1:{dead};");
    gateway.rewrite(&group_mail(port, "smtp", &group, ""));
    gateway.reload();
    let _back = ScriptedPeer::start_on(dead, &peer_script("c"));
    assert_eq!(names_of_sessions(port, 1), "c");
}
