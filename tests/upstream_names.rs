//! `resolve`: the peers of a group follow DNS while sessions run.

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use support::dns::{NameServer, Response, a};
use support::scripted::ScriptedPeer;
use support::upstream_group::{group_mail, named_session, peer_script};
use support::{Gateway, LineClient, auth_plain, free_port, wait_until};

/// An SMTP backend that accepts one login, and tells its name.
fn backend(address: &str, port: u16, name: &str) -> ScriptedPeer {
    ScriptedPeer::start_at((address, port), &peer_script(name))
}

/// Sets the addresses of `mail.test`, valid for a second.
fn set(names: &NameServer, addresses: &[&str]) {
    let records = addresses.iter().map(|one| ("mail.test".into(), 1, a(one)));
    names.set(
        "mail.test",
        RecordType::A,
        Response::Records(records.collect()),
    );
}

#[test]
fn peers_follow_the_addresses_of_a_name() {
    let (names, port, backend_port) = (NameServer::start(), free_port(), free_port());
    let _a = backend("127.0.0.1", backend_port, "a");
    let _b = backend("127.0.0.2", backend_port, "b");
    set(&names, &["127.0.0.1"]);
    let mail = |parameter: &str| {
        format!(
            "mail {{
                server_name gate.test;
                smtp_capabilities DSN;
                resolver {};
                proxy_pass g;
                upstream g {{ server mail.test:{backend_port} resolve {parameter}; }}
                server {{ listen 127.0.0.1:{port}; protocol smtp; }}
            }}",
            names.address
        )
    };
    let gateway = Gateway::start(&mail("weight=1"));
    let shown = |addresses: &[&str]| {
        let all = addresses.iter().map(|one| format!("{one}:{backend_port}"));
        let all: Vec<_> = all.collect();
        format!("upstream mail.test has the addresses {}\n", all.join(", "))
    };
    gateway.wait_for_log(&shown(&["127.0.0.1"]));
    let (mut held, name) = named_session(port);
    assert_eq!(name, "a");
    set(&names, &["127.0.0.2"]);
    gateway.wait_for_log(&shown(&["127.0.0.2"]));
    assert_eq!([(); 2].map(|()| named_session(port).1), ["b", "b"]);
    // The session of a peer that has left goes on.
    assert!(held.ask("NOOP").starts_with("250 still a"));
    set(&names, &["127.0.0.2", "127.0.0.1"]);
    gateway.wait_for_log(&shown(&["127.0.0.1", "127.0.0.2"]));
    let both = || {
        let mut both = [(); 2].map(|()| named_session(port).1);
        both.sort();
        both
    };
    assert_eq!(both(), ["a", "b"]);
    // A name server that fails changes nothing, and neither does a reload meanwhile.
    names.set(
        "mail.test",
        RecordType::A,
        Response::Code(ResponseCode::ServFail),
    );
    gateway.wait_for_log(
        "upstream mail.test could not be resolved (2: Server failure), its addresses stay in use\n",
    );
    assert_eq!(both(), ["a", "b"]);
    gateway.rewrite(&mail("weight=2"));
    gateway.reload();
    assert_eq!(both(), ["a", "b"]);
    set(&names, &["127.0.0.1"]);
    gateway.wait_for_log("upstream mail.test is resolved again after ");
    gateway.wait_for_log(&shown(&["127.0.0.1"]));
    let log = gateway.log();
    assert_eq!(log.matches("has the addresses").count(), 4, "{log}");
    assert_eq!(
        log.matches("mail.test could not be resolved").count(),
        1,
        "{log}"
    );
}

#[test]
fn a_name_that_is_never_found_is_a_temporary_error_and_one_line() {
    let (names, port) = (NameServer::start(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities DSN;
            resolver {};
            proxy_pass g;
            upstream g {{ server mail.test resolve; health_check; }}
            server {{ listen 127.0.0.1:{port}; protocol smtp; }}
        }}",
        names.address
    ));
    gateway.wait_for_log("upstream mail.test could not be resolved (3: Host not found)");
    let mut client = LineClient::connect(port);
    client.expect("220");
    let reply = client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    assert!(reply.starts_with("451 4.4.1"), "{reply}");
    gateway.wait_for_log("no live upstreams");
}

/// DNS that fails and lies: only an answer to the question changes the peers.
#[test]
fn peers_survive_a_name_server_that_fails_and_lies() {
    let (names, port, backend_port) = (NameServer::start(), free_port(), free_port());
    let _a = backend("127.0.0.1", backend_port, "a");
    let _b = backend("127.0.0.2", backend_port, "b");
    set(&names, &["127.0.0.1"]);
    let group = format!("server mail.test:{backend_port} resolve;");
    let resolver = format!("resolver {};", names.address);
    let gateway = Gateway::start(&group_mail(port, "smtp", &group, &resolver));
    let answer = |response| {
        names.set("mail.test", RecordType::A, response);
    };
    let record = |owner: &str, address| (owner.to_owned(), 1, a(address));
    let name = || named_session(port).1;
    gateway.wait_for_log("has the addresses 127.0.0.1:");
    assert_eq!(name(), "a");
    answer(Response::Code(ResponseCode::NXDomain));
    gateway.wait_for_log(
        "upstream mail.test could not be resolved (3: Host not found), its addresses stay in use\n",
    );
    assert_eq!(name(), "a");
    // Addresses of another name.
    answer(Response::Records(vec![record("other.test", "127.0.0.2")]));
    let asked = names.queries("mail.test", RecordType::A);
    wait_until("the next look-up", || {
        names.queries("mail.test", RecordType::A) > asked
    });
    assert_eq!(name(), "a");
    // The name is back, in an answer that does not fit into a datagram.
    answer(Response::Truncated(vec![record("mail.test", "127.0.0.2")]));
    gateway.wait_for_log("upstream mail.test is resolved again after ");
    gateway.wait_for_log("has the addresses 127.0.0.2:");
    assert_eq!(name(), "b");
    // Messages that belong to no query come first, and nobody listens on one of the addresses.
    let all = ["127.0.0.2", "127.0.0.3"].map(|address| record("mail.test", address));
    answer(Response::Forged(all.into()));
    let shown = format!("has the addresses 127.0.0.2:{backend_port}, 127.0.0.3:{backend_port}\n");
    gateway.wait_for_log(&shown);
    assert_eq!([(); 3].map(|()| name()), ["b", "b", "b"]);
    let log = gateway.log();
    assert_eq!(
        log.matches("mail.test could not be resolved").count(),
        1,
        "{log}"
    );
    assert_eq!(log.matches("has the addresses").count(), 3, "{log}");
}
