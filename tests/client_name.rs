//! Host names of SMTP clients: resolved before the greeting.

use std::io::Write;
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use support::auth_server::REFUSED;
use support::dns::{NameServer, Response, a, ptr, records};
use support::scripted::ScriptedPeer;
use support::{Gateway, LineClient, TempDir, auth_plain, free_port, wait_until};

/// The PTR name of 127.0.0.1.
const REVERSE: &str = "1.0.0.127.in-addr.arpa";

struct Setup {
    names: NameServer,
    auth: ScriptedPeer,
    gateway: Gateway,
    port: u16,
}

fn mail(names: &NameServer, auth: &ScriptedPeer, port: u16, more: &str) -> String {
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
    let (names, auth, port) = (
        NameServer::start(),
        ScriptedPeer::auth_server(REFUSED),
        free_port(),
    );
    let gateway = Gateway::start(&mail(&names, &auth, port, more));
    Setup {
        names,
        auth,
        gateway,
        port,
    }
}

impl Setup {
    /// Connects without an address in the PROXY header.
    fn connect(&self) -> LineClient {
        let mut client = LineClient::connect(self.port);
        client.send_line("PROXY UNKNOWN");
        client
    }

    /// Logs in and returns the Client-Host that the auth server received.
    fn client_host(&self, client: &mut LineClient) -> String {
        client.send_line(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
        client.expect("535");
        let request = self.auth.received();
        let line = request
            .lines()
            .find_map(|line| line.strip_prefix("Client-Host: "));
        line.expect("a name").to_string()
    }
}

#[test]
fn forward_confirmed_names_are_used() {
    let setup = setup("");
    setup.names.set_host(REVERSE, "client.test", "127.0.0.1");
    setup
        .names
        .set_host("1.2.0.192.in-addr.arpa", "far.test", "192.0.2.1");
    let mut near = setup.connect();
    near.expect("220");
    assert_eq!(setup.client_host(&mut near), "client.test");
    // The name belongs to the address in the PROXY header.
    let mut far = LineClient::connect(setup.port);
    far.send_line("PROXY TCP4 192.0.2.1 192.0.2.2 1234 25");
    far.expect("220");
    assert_eq!(setup.client_host(&mut far), "far.test");
}

#[test]
fn errors_are_logged_as_in_nginx() {
    let setup = setup("");
    let while_address = "while in resolving client address, client: 127.0.0.1, server: 127.0.0.1:";
    let while_host = "while in resolving client hostname, client: 127.0.0.1, server: 127.0.0.1:";
    let cases = [
        (
            Response::Code(ResponseCode::NXDomain),
            "[UNAVAILABLE]",
            format!("127.0.0.1 could not be resolved (3: Host not found) {while_address}"),
        ),
        (
            Response::Code(ResponseCode::Refused),
            "[TEMPUNAVAIL]",
            format!("127.0.0.1 could not be resolved (5: Operation refused) {while_address}"),
        ),
        (
            records(&[(REVERSE, ptr("bad_name.test"))]),
            "[TEMPUNAVAIL]",
            format!("127.0.0.1 resolved to invalid host name \"bad_name.test\" {while_address}"),
        ),
        (
            records(&[(REVERSE, a("192.0.2.1"))]),
            "[TEMPUNAVAIL]",
            format!("127.0.0.1 could not be resolved (110: Operation timed out) {while_address}"),
        ),
        (
            records(&[(REVERSE, ptr("None.TEST"))]),
            "[UNAVAILABLE]",
            format!("\"none.test\" could not be resolved (3: Host not found) {while_host}"),
        ),
    ];
    setup.names.set(
        "other.test",
        RecordType::A,
        records(&[("other.test", a("192.0.2.1"))]),
    );
    for (response, host, line) in cases {
        // A TTL of 0 keeps the response out of the cache.
        let response = match response {
            Response::Records(list) => Response::Records(
                list.into_iter()
                    .map(|(owner, _, data)| (owner, 0, data))
                    .collect(),
            ),
            other => other,
        };
        setup.names.set(REVERSE, RecordType::PTR, response);
        let mut client = setup.connect();
        client.expect("220");
        assert_eq!(setup.client_host(&mut client), host);
        setup.gateway.wait_for_log(&line);
    }
    setup.names.set(
        REVERSE,
        RecordType::PTR,
        records(&[(REVERSE, ptr("other.test"))]),
    );
    let mut client = setup.connect();
    client.expect("220");
    assert_eq!(
        setup.client_host(&mut client),
        "[UNAVAILABLE]",
        "the name has another address"
    );
}

#[test]
fn input_during_resolution_is_kept() {
    let setup = setup("");
    setup.names.set(REVERSE, RecordType::PTR, Response::Silence);
    let mut client = setup.connect();
    client.send_line("EHLO client.test");
    client.send_line("NOOP");
    wait_until("the query", || {
        setup.names.queries(REVERSE, RecordType::PTR) > 0
    });
    setup.names.set_host(REVERSE, "client.test", "127.0.0.1");
    for start in ["220", "250-gate.test", "250 2.0.0"] {
        client.expect(start);
    }
    assert_eq!(setup.client_host(&mut client), "client.test");
}

#[test]
fn input_during_resolution_is_too_early_with_smtp_greeting_delay() {
    let setup = setup("smtp_greeting_delay 30s;");
    setup.names.set(REVERSE, RecordType::PTR, Response::Silence);
    let mut client = setup.connect();
    client.send_line("EHLO client.test");
    wait_until("the query", || {
        setup.names.queries(REVERSE, RecordType::PTR) > 0
    });
    setup.names.set_host(REVERSE, "client.test", "127.0.0.1");
    client.expect("503 5.5.0");
    let line = "client was rejected before greeting: 18 bytes, beginning with EHLO while in delay pipelining state";
    setup.gateway.wait_for_log(line);
}

#[test]
fn client_that_leaves_ends_the_session() {
    let setup = setup("");
    setup.names.set(REVERSE, RecordType::PTR, Response::Silence);
    let open = || {
        let descriptors = format!("/proc/{}/fd", setup.gateway.worker());
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
    wait_until("the query", || {
        setup.names.queries(REVERSE, RecordType::PTR) > 0
    });
    assert!(open() > before);
    drop(client);
    wait_until("the end of the session", || open() <= before);
}

#[test]
fn cache_survives_a_reload() {
    let setup = setup("");
    setup.names.set_host(REVERSE, "client.test", "127.0.0.1");
    for _ in 0..2 {
        let mut client = setup.connect();
        client.expect("220");
        assert_eq!(setup.client_host(&mut client), "client.test");
        setup.gateway.rewrite(&mail(
            &setup.names,
            &setup.auth,
            setup.port,
            "max_errors 7;",
        ));
        setup.gateway.reload();
    }
    assert_eq!(setup.names.queries(REVERSE, RecordType::PTR), 1);
}

#[test]
fn resolver_timeout_limits_a_silent_name_server() {
    let (names, auth, port) = (
        NameServer::start(),
        ScriptedPeer::auth_server(REFUSED),
        free_port(),
    );
    names.set(REVERSE, RecordType::PTR, Response::Silence);
    let text = mail(&names, &auth, port, "").replace("30s", "300ms");
    let setup = Setup {
        gateway: Gateway::start(&text),
        names,
        auth,
        port,
    };
    let mut client = setup.connect();
    client.expect("220");
    assert_eq!(setup.client_host(&mut client), "[TEMPUNAVAIL]");
    setup.gateway.wait_for_log("127.0.0.1 could not be resolved (110: Operation timed out) while in resolving client address");
}

#[test]
fn answers_without_a_name_are_logged() {
    let setup = setup("");
    let address = records(&[(REVERSE, a("192.0.2.1"))]);
    setup.names.set(REVERSE, RecordType::PTR, address);
    let mut client = setup.connect();
    client.expect("220");
    assert_eq!(setup.client_host(&mut client), "[TEMPUNAVAIL]");
    for line in [
        "unexpected RR type 1 in DNS response\n",
        "no PTR type in DNS response\n",
    ] {
        setup.gateway.wait_for_log(line);
    }
}

#[test]
fn a_name_server_that_refuses_is_logged() {
    let refusing = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = refusing.local_addr().expect("its number");
    drop(refusing);
    let (auth, port) = (ScriptedPeer::auth_server(REFUSED), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            resolver {address};
            resolver_timeout 300ms;
            auth_http 127.0.0.1:{};
            server {{ listen 127.0.0.1:{port}; protocol smtp; }}
        }}",
        auth.port,
    ));
    LineClient::connect(port).expect("220");
    let line =
        format!("recv() failed (111: Connection refused) while resolving, resolver: {address}\n");
    gateway.wait_for_log(&line);
    let error = gateway.log();
    let error = error.lines().find(|line| line.contains("while resolving"));
    assert!(error.is_some_and(|line| line.contains("[error]")));
}

#[test]
fn a_client_on_a_unix_socket_has_no_name() {
    let names = NameServer::start();
    let auth = ScriptedPeer::auth_server(REFUSED);
    let folder = TempDir::new("client-name");
    let sockets = [folder.path().join("with"), folder.path().join("without")];
    let _gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            auth_http 127.0.0.1:{};
            server {{ listen unix:{}; protocol smtp; resolver {}; }}
            server {{ listen unix:{}; protocol smtp; }}
        }}",
        auth.port,
        sockets[0].display(),
        names.address,
        sockets[1].display(),
    ));
    for socket in sockets {
        let mut client = UnixStream::connect(&socket).expect("to connect");
        let line = format!("AUTH PLAIN {}\r\n", auth_plain("joe", "secret"));
        client.write_all(line.as_bytes()).expect("to send");
        let request = auth.received();
        assert!(
            request.contains("Client-Host: [UNAVAILABLE]\r\n"),
            "{request}"
        );
    }
}

#[test]
fn invalid_names_are_not_passed_on() {
    let setup = setup("");
    for (bad, logged) in [
        (
            "a\r\nAuth-User: root.test",
            "a\\x0D\\x0Aauth-user: root.test",
        ),
        ("a b.test", "a b.test"),
        ("a\0.test", "a\\x00.test"),
        ("a\u{7f}.test", "a\\x7F.test"),
    ] {
        let response = Response::Records(vec![(REVERSE.to_string(), 0, ptr(bad))]);
        setup.names.set(REVERSE, RecordType::PTR, response);
        let mut client = setup.connect();
        client.expect("220");
        assert_eq!(setup.client_host(&mut client), "[TEMPUNAVAIL]", "{bad:?}");
        let line = format!("127.0.0.1 resolved to invalid host name \"{logged}\" while");
        setup.gateway.wait_for_log(&line);
    }
}

#[test]
fn resolver_parameters() {
    let (names, auth, port) = (
        NameServer::start(),
        ScriptedPeer::auth_server(REFUSED),
        free_port(),
    );
    // `valid` overrides the TTL of 0, and with `ipv6=off` there is no AAAA query.
    let record = |data| Response::Records(vec![(REVERSE.to_string(), 0, data)]);
    names.set(REVERSE, RecordType::PTR, record(ptr("client.test")));
    names.set(
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
        assert_eq!(setup.client_host(&mut client), "client.test");
    }
    assert_eq!(setup.names.queries(REVERSE, RecordType::PTR), 1);
    assert_eq!(setup.names.queries("client.test", RecordType::A), 1);
    assert_eq!(setup.names.queries("client.test", RecordType::AAAA), 0);
}
