//! Draining backends.

use serde_json::{Value, json};
use support::{LineClient, free_port};

use super::{Pages, imap};

fn log_in(port: u16) -> (LineClient, String) {
    let mut client = LineClient::connect(port);
    client.expect("* OK");
    let reply = client.ask("a LOGIN joe secret-pw");
    (client, reply)
}

#[test]
fn a_drained_backend_gets_no_new_sessions_until_that_ends() {
    let (port, single) = (free_port(), free_port());
    let backends = [(); 2].map(|()| imap::backend(true));
    let [one, other] = backends.map(|port| format!("127.0.0.1:{port}"));
    let block = |weight: u32| {
        format!(
            "upstream b {{ server {one} weight={weight}; server {other}; }}
             server {{ listen 127.0.0.1:{port}; protocol imap; proxy_pass b; }}
             server {{ listen 127.0.0.1:{single}; protocol imap; proxy_pass {other}; }}"
        )
    };
    let pages = Pages::start(&block(1));
    let peer = |name: &str, group: &str| {
        let path = format!("/json/mail/upstreams/{group}/peers/{name}");
        serde_json::from_str::<Value>(&pages.socket.get(&path)).expect("JSON")
    };
    let totals = || [&one, &other].map(|name| peer(name, "b")["selected"]["total"].as_u64());
    // One session on each.
    let mut first: Vec<_> = (0..2).map(|_| log_in(port).0).collect();
    assert_eq!(totals(), [Some(1); 2]);

    let drained = pages.command(&["--drain", &one]);
    assert_eq!((drained.code, &*drained.err), (0, ""));
    assert_eq!(drained.out, format!("b/{one}: draining, 1 session\n"));
    for _ in 0..4 {
        assert_eq!(log_in(port).1, "a OK in\r\n");
    }
    assert_eq!(totals(), [Some(1), Some(5)]);
    assert_eq!(peer(&one, "b")["state"], "draining");
    let labels = format!("{{upstream=\"b\",peer=\"{one}\"");
    let metric = |name: &str, more: &str| pages.socket.metric(&format!("{name}{labels}{more}}}"));
    assert_eq!(metric("portcullis_upstream_peer_up", ""), Some(0.0));
    let state = metric("portcullis_upstream_peer_state", ",state=\"draining\"");
    assert_eq!(state, Some(1.0));
    assert!(
        pages
            .command(&["--status"])
            .out
            .contains(&format!("{one}: draining, 1 sessions"))
    );
    // Its session goes on.
    for client in &mut first {
        assert_eq!(client.ask("b NOOP"), "b OK done\r\n");
    }

    // A reload that leaves its line as it is changes nothing; in all groups of an address, or in one.
    let ended = pages.command(&["--drain", &format!("b/{one}"), "--off", "--format=json"]);
    let answer: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(
        answer,
        json!([{"upstream": "b", "peer": one, "state": "up", "sessions": 1}])
    );
    for _ in 0..4 {
        log_in(port);
    }
    assert!(totals()[0] > Some(1));

    let both = pages.command(&["--drain", &other]);
    assert_eq!(both.out.lines().count(), 2, "{both:?}");
    assert!(
        both.out.contains(&format!("{other}/{other}: draining")),
        "{both:?}"
    );
    let (_client, reply) = log_in(single);
    assert!(reply.starts_with("a NO [UNAVAILABLE]"), "{reply}");
    pages.gateway.reload();
    assert_eq!(peer(&other, "b")["state"], "draining");

    // Another weight of the other server: the line of this one is the same.
    let file = pages.gateway.folder().join("gateway.conf");
    let change = |from: &str, to: &str| {
        let text = std::fs::read_to_string(&file).expect("the configuration");
        std::fs::write(&file, text.replace(from, to)).expect("the configuration");
        pages.gateway.reload();
    };
    change("weight=1", "weight=2");
    assert_eq!(peer(&other, "b")["state"], "draining");
    change(
        &format!("server {other};"),
        &format!("server {other} weight=3;"),
    );
    assert_eq!(peer(&other, "b")["state"], "up");

    for unknown in ["127.0.0.1:1", "b", &format!("c/{one}"), "b/"] {
        let said = pages.command(&["--drain", unknown]);
        assert_eq!((said.code, &*said.out), (1, ""), "{unknown}");
        assert_eq!(
            said.err,
            "portcullis: no group of the configuration has this backend\n"
        );
    }
}
