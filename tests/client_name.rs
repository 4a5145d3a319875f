//! The names of SMTP clients: looked up before the greeting, and what happens meanwhile.

mod support;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use support::dns::{NameServer, Say, a, ptr, records};
use support::mock::{Act, Mock};
use support::{Gateway, Smtp, free_port, plain, wait_until};

/// The question about 127.0.0.1.
const REVERSE: &str = "1.0.0.127.in-addr.arpa";
/// An auth server that says no.
const NO: &[Act] = &[
    Act::Header,
    Act::Send(b"HTTP/1.0 200 OK\r\nAuth-Status: no\r\n\r\n"),
];

struct Setup {
    names: NameServer,
    auth: Mock,
    gateway: Gateway,
    port: u16,
}

fn mail(names: &NameServer, auth: &Mock, port: u16, more: &str) -> String {
    format!(
        "mail {{
            server_name gate.test;
            resolver {};
            resolver_timeout 30s;
            auth_http 127.0.0.1:{};
            {more}
            server {{ listen 127.0.0.1:{port} proxy_protocol; protocol smtp; set_real_ip_from 127.0.0.1; }}
        }}",
        names.address, auth.port,
    )
}

fn setup(more: &str) -> Setup {
    let (names, auth, port) = (NameServer::start(), Mock::new(NO), free_port());
    let gateway = Gateway::start(&mail(&names, &auth, port, more));
    Setup {
        names,
        auth,
        gateway,
        port,
    }
}

impl Setup {
    /// A client with its own address.
    fn connect(&self) -> Smtp {
        let mut client = Smtp::connect(self.port);
        client.say("PROXY UNKNOWN");
        client
    }

    /// What the auth server is told of the client's name.
    fn told(&self, client: &mut Smtp) -> String {
        client.say(&format!("AUTH PLAIN {}", plain("joe", "secret")));
        client.expect("535");
        let asked = self.auth.heard();
        let line = asked
            .lines()
            .find_map(|line| line.strip_prefix("Client-Host: "));
        line.expect("a name").to_string()
    }
}

#[test]
fn a_name_that_leads_back_is_told() {
    let setup = setup("");
    setup.names.knows(REVERSE, "client.test", "127.0.0.1");
    setup
        .names
        .knows("1.2.0.192.in-addr.arpa", "far.test", "192.0.2.1");
    let mut near = setup.connect();
    near.expect("220");
    assert_eq!(setup.told(&mut near), "client.test");
    // The name is that of the client behind the header.
    let mut far = Smtp::connect(setup.port);
    far.say("PROXY TCP4 192.0.2.1 192.0.2.2 1234 25");
    far.expect("220");
    assert_eq!(setup.told(&mut far), "far.test");
}

#[test]
fn what_goes_wrong_is_logged_as_in_nginx() {
    let setup = setup("");
    let while_address = "while in resolving client address, client: 127.0.0.1, server: 127.0.0.1:";
    let while_host = "while in resolving client hostname, client: 127.0.0.1, server: 127.0.0.1:";
    let cases = [
        (
            Say::Code(ResponseCode::NXDomain),
            "[UNAVAILABLE]",
            format!("127.0.0.1 could not be resolved (3: Host not found) {while_address}"),
        ),
        (
            Say::Code(ResponseCode::Refused),
            "[TEMPUNAVAIL]",
            format!("127.0.0.1 could not be resolved (5: Operation refused) {while_address}"),
        ),
        (
            records(&[(REVERSE, ptr("bad_name.test"))]),
            "[TEMPUNAVAIL]",
            format!("127.0.0.1 resolved to invalid host name \"bad_name.test\" {while_address}"),
        ),
        (
            records(&[(REVERSE, ptr("none.test"))]),
            "[UNAVAILABLE]",
            format!("\"none.test\" could not be resolved (3: Host not found) {while_host}"),
        ),
    ];
    setup.names.says(
        "other.test",
        RecordType::A,
        records(&[("other.test", a("192.0.2.1"))]),
    );
    for (say, host, line) in cases {
        // No time to live: nothing is remembered for the next case.
        let say = match say {
            Say::Records(list) => Say::Records(
                list.into_iter()
                    .map(|(owner, _, data)| (owner, 0, data))
                    .collect(),
            ),
            say => say,
        };
        setup.names.says(REVERSE, RecordType::PTR, say);
        let mut client = setup.connect();
        client.expect("220");
        assert_eq!(setup.told(&mut client), host);
        setup.gateway.wait_for_log(&line);
    }
    setup.names.says(
        REVERSE,
        RecordType::PTR,
        records(&[(REVERSE, ptr("other.test"))]),
    );
    let mut client = setup.connect();
    client.expect("220");
    assert_eq!(
        setup.told(&mut client),
        "[UNAVAILABLE]",
        "a name of somebody else"
    );
}

#[test]
fn what_is_said_meanwhile_is_kept() {
    let setup = setup("");
    setup.names.says(REVERSE, RecordType::PTR, Say::Silence);
    let mut client = setup.connect();
    client.say("EHLO client.test");
    client.say("NOOP");
    wait_until("the question", || {
        setup.names.asked(REVERSE, RecordType::PTR) > 0
    });
    setup.names.knows(REVERSE, "client.test", "127.0.0.1");
    for start in ["220", "250-gate.test", "250 2.0.0"] {
        client.expect(start);
    }
    assert_eq!(setup.told(&mut client), "client.test");
}

#[test]
fn what_is_said_meanwhile_is_too_early_with_a_delay() {
    let setup = setup("smtp_greeting_delay 30s;");
    setup.names.says(REVERSE, RecordType::PTR, Say::Silence);
    let mut client = setup.connect();
    client.say("EHLO client.test");
    wait_until("the question", || {
        setup.names.asked(REVERSE, RecordType::PTR) > 0
    });
    setup.names.knows(REVERSE, "client.test", "127.0.0.1");
    client.expect("503 5.5.0");
    let line = "client was rejected before greeting: \"EHLO client.test__\" while in delay pipelining state";
    setup.gateway.wait_for_log(line);
}

#[test]
fn a_client_that_leaves_is_not_waited_for() {
    let setup = setup("");
    setup.names.says(REVERSE, RecordType::PTR, Say::Silence);
    let open = || {
        let descriptors = format!("/proc/{}/fd", setup.gateway.pid());
        std::fs::read_dir(descriptors)
            .expect("its descriptors")
            .flatten()
            .filter(|entry| {
                std::fs::read_link(entry.path())
                    .is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
            })
            .count()
    };
    let before = open();
    let client = setup.connect();
    wait_until("the question", || {
        setup.names.asked(REVERSE, RecordType::PTR) > 0
    });
    assert!(open() > before);
    drop(client);
    wait_until("the end of the session", || open() <= before);
}

#[test]
fn a_name_is_asked_for_once_across_a_reload() {
    let setup = setup("");
    setup.names.knows(REVERSE, "client.test", "127.0.0.1");
    for _ in 0..2 {
        let mut client = setup.connect();
        client.expect("220");
        assert_eq!(setup.told(&mut client), "client.test");
        setup.gateway.rewrite(&mail(
            &setup.names,
            &setup.auth,
            setup.port,
            "max_errors 7;",
        ));
        setup.gateway.reload();
    }
    assert_eq!(setup.names.asked(REVERSE, RecordType::PTR), 1);
}

#[test]
fn a_silent_name_server_costs_resolver_timeout() {
    let (names, auth, port) = (NameServer::start(), Mock::new(NO), free_port());
    names.says(REVERSE, RecordType::PTR, Say::Silence);
    let text = mail(&names, &auth, port, "").replace("30s", "300ms");
    let setup = Setup {
        gateway: Gateway::start(&text),
        names,
        auth,
        port,
    };
    let mut client = setup.connect();
    client.expect("220");
    assert_eq!(setup.told(&mut client), "[TEMPUNAVAIL]");
    setup.gateway.wait_for_log("127.0.0.1 could not be resolved (110: Operation timed out) while in resolving client address");
}

#[test]
fn odd_bytes_of_a_name_reach_nobody() {
    let setup = setup("");
    for (bad, logged) in [
        (
            "a\r\nAuth-User: root.test",
            "a\\x0D\\x0AAuth-User: root.test",
        ),
        ("a b.test", "a b.test"),
        ("a\0.test", "a\\x00.test"),
        ("a\u{7f}.test", "a\\x7F.test"),
    ] {
        let name = ptr(bad);
        let answer = Say::Records(vec![(REVERSE.to_string(), 0, name)]);
        setup.names.says(REVERSE, RecordType::PTR, answer);
        let mut client = setup.connect();
        client.expect("220");
        assert_eq!(setup.told(&mut client), "[TEMPUNAVAIL]", "{bad:?}");
        let line = format!("127.0.0.1 resolved to invalid host name \"{logged}\" while");
        setup.gateway.wait_for_log(&line);
    }
}

#[test]
fn the_resolver_s_parameters_hold() {
    let (names, auth, port) = (NameServer::start(), Mock::new(NO), free_port());
    // Records of no time to live, kept for an hour all the same; and no question about IPv6.
    let record = |data| Say::Records(vec![(REVERSE.to_string(), 0, data)]);
    names.says(REVERSE, RecordType::PTR, record(ptr("client.test")));
    names.says(
        "client.test",
        RecordType::A,
        records(&[("client.test", a("127.0.0.1"))]),
    );
    let address = format!("{} ipv6=off valid=1h", names.address);
    let text = mail(&names, &auth, port, "").replace(&names.address.to_string(), &address);
    let gateway = Gateway::start(&text);
    let setup = Setup {
        names,
        auth,
        gateway,
        port,
    };
    for _ in 0..3 {
        let mut client = setup.connect();
        client.expect("220");
        assert_eq!(setup.told(&mut client), "client.test");
    }
    assert_eq!(setup.names.asked(REVERSE, RecordType::PTR), 1);
    assert_eq!(setup.names.asked("client.test", RecordType::A), 1);
    assert_eq!(setup.names.asked("client.test", RecordType::AAAA), 0);
}
