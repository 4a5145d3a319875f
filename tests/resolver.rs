//! The resolver with a name server that gives odd answers.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use portcullis::config;
use portcullis::net::resolver::{ResolveError, Resolver, Resolvers, SystemNames};
use support::dns::{NameServer, Response, a, aaaa, cname, ptr, records};

/// Long enough for every answer. No test depends on less.
const PATIENCE: Duration = Duration::from_secs(30);
/// For queries without an answer: the test waits as long.
const SHORT: Duration = Duration::from_millis(300);

fn configuration(servers: &[&NameServer], valid: Option<u64>) -> config::Resolver {
    config::Resolver::Servers {
        addresses: servers
            .iter()
            .map(|server| portcullis::base::Address::Inet(server.address))
            .collect(),
        valid: valid.map(Duration::from_secs),
        ipv4: true,
        ipv6: true,
    }
}

fn resolver(servers: &[&NameServer]) -> Resolver {
    Resolvers::default().get(&configuration(servers, None), PATIENCE)
}

#[tokio::test]
async fn both_families_and_the_shortest_time() {
    let server = NameServer::start();
    let six = vec![("host.test".into(), 7, aaaa("2001:db8::1"))];
    server
        .set(
            "host.test",
            RecordType::A,
            records(&[("host.test", a("192.0.2.1"))]),
        )
        .set("host.test", RecordType::AAAA, Response::Records(six));
    let (found, valid) = resolver(&[&server])
        .addresses("host.test", 25)
        .await
        .unwrap();
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["192.0.2.1:25", "[2001:db8::1]:25"]);
    assert!(
        valid <= Duration::from_secs(7) && valid > Duration::ZERO,
        "{valid:?}"
    );
}

#[tokio::test]
async fn an_address_is_not_looked_up() {
    let server = NameServer::start();
    let (found, _) = resolver(&[&server]).addresses("::1", 143).await.unwrap();
    assert_eq!(found, ["[::1]:143".parse().unwrap()]);
    assert_eq!(server.queries("::1", RecordType::A), 0);
}

#[tokio::test]
async fn only_the_families_wanted() {
    let server = NameServer::start();
    server.set(
        "host.test",
        RecordType::A,
        records(&[("host.test", a("192.0.2.1"))]),
    );
    server.set(
        "host.test",
        RecordType::AAAA,
        records(&[("host.test", aaaa("::2"))]),
    );
    let mut configuration = configuration(&[&server], None);
    if let config::Resolver::Servers { ipv4, .. } = &mut configuration {
        *ipv4 = false;
    }
    let resolver = Resolvers::default().get(&configuration, PATIENCE);
    let (found, _) = resolver.addresses("host.test", 25).await.unwrap();
    assert_eq!(found, ["[::2]:25".parse().unwrap()]);
    assert_eq!(server.queries("host.test", RecordType::A), 0);
}

#[tokio::test]
async fn errors_have_the_numbers_of_nginx() {
    let server = NameServer::start();
    for (host, code, shown) in [
        ("one.test", ResponseCode::FormErr, "1: Format error"),
        ("two.test", ResponseCode::ServFail, "2: Server failure"),
        ("three.test", ResponseCode::NXDomain, "3: Host not found"),
        ("four.test", ResponseCode::NotImp, "4: Unimplemented"),
        ("five.test", ResponseCode::Refused, "5: Operation refused"),
    ] {
        server.set(host, RecordType::A, Response::Code(code));
        let fault = resolver(&[&server]).addresses(host, 25).await.unwrap_err();
        assert_eq!(fault.to_string(), shown);
    }
    // No records.
    server.set("empty.test", RecordType::A, records(&[]));
    let fault = resolver(&[&server]).addresses("empty.test", 25).await;
    assert_eq!(fault.unwrap_err(), ResolveError::NOT_FOUND);
}

#[tokio::test]
async fn one_family_suffices_for_a_connection_but_not_for_a_verified_name() {
    let server = NameServer::start();
    let reverse = "1.2.0.192.in-addr.arpa";
    server.set_host(reverse, "host.test", "192.0.2.1").set(
        "host.test",
        RecordType::AAAA,
        Response::Code(ResponseCode::ServFail),
    );
    let resolver = resolver(&[&server]);
    let (found, _) = resolver.addresses("host.test", 25).await.unwrap();
    assert_eq!(found, ["192.0.2.1:25".parse().unwrap()]);
    let name = resolver.name_of("192.0.2.1".parse().unwrap()).await;
    let fault = resolver.addresses_of(&name.unwrap()).await.unwrap_err();
    assert_eq!(fault.to_string(), "2: Server failure");
}

#[tokio::test]
async fn no_answer_and_malformed_answers_time_out() {
    let server = NameServer::start();
    server.set("silent.test", RecordType::A, Response::Silence);
    server.set("odd.test", RecordType::A, Response::Malformed);
    let code = Response::Code(ResponseCode::YXDomain);
    server.set("foreign.test", RecordType::A, code);
    let resolver = resolver(&[&server]).with_timeout(SHORT);
    for host in ["silent.test", "odd.test", "foreign.test"] {
        let fault = resolver.addresses(host, 25).await.unwrap_err();
        assert_eq!(fault.to_string(), "110: Operation timed out", "{host}");
    }
}

#[tokio::test]
async fn answers_to_other_queries_are_ignored() {
    let server = NameServer::start();
    let right = vec![("1.2.0.192.in-addr.arpa".into(), 60, ptr("right.test"))];
    server.set(
        "1.2.0.192.in-addr.arpa",
        RecordType::PTR,
        Response::Forged(right),
    );
    let found = resolver(&[&server])
        .name_of("192.0.2.1".parse().unwrap())
        .await;
    assert_eq!(found.unwrap().text().unwrap(), "right.test");
}

#[tokio::test]
async fn cnames_are_followed_with_and_without_their_target_in_the_answer() {
    let server = NameServer::start();
    let (whole, half) = ("1.2.0.192.in-addr.arpa", "2.2.0.192.in-addr.arpa");
    let alias = |from, to| (from, cname(to));
    let chain = [
        alias(whole, "1.0-25.test"),
        ("1.0-25.test", ptr("whole.test")),
    ];
    server.set(whole, RecordType::PTR, records(&chain));
    server.set(
        half,
        RecordType::PTR,
        records(&[alias(half, "2.0-25.test")]),
    );
    server.set(
        "2.0-25.test",
        RecordType::PTR,
        records(&[("2.0-25.test", ptr("half.test"))]),
    );
    let resolver = resolver(&[&server]);
    for (address, host) in [
        ("192.0.2.1", "whole.test"),
        ("::ffff:192.0.2.2", "half.test"),
    ] {
        let found = resolver.name_of(address.parse().unwrap()).await.unwrap();
        assert_eq!(found.text().unwrap(), host);
    }
    // A CNAME to itself.
    server.set(
        "round.test",
        RecordType::A,
        records(&[alias("round.test", "round.test")]),
    );
    let fault = resolver.addresses("round.test", 25).await.unwrap_err();
    assert_eq!(fault, ResolveError::NOT_FOUND);
}

#[tokio::test]
async fn names_with_other_characters_are_no_text() {
    let server = NameServer::start();
    let reverse = "1.2.0.192.in-addr.arpa";
    for bad in [
        "a b.test",
        "under_score.test",
        "line\r\nend.test",
        "caf\u{e9}.test",
    ] {
        server.set(reverse, RecordType::PTR, records(&[(reverse, ptr(bad))]));
        let found = resolver(&[&server])
            .name_of("192.0.2.1".parse().unwrap())
            .await
            .unwrap();
        assert_eq!(found.bytes(), bad.as_bytes());
        assert_eq!(found.text(), None, "{bad:?}");
    }
}

#[tokio::test]
async fn cached_answers_are_not_queried_again() {
    let server = NameServer::start();
    let brief = vec![("host.test".into(), 0, a("192.0.2.1"))];
    server.set("host.test", RecordType::A, Response::Records(brief));
    server.set(
        "kept.test",
        RecordType::A,
        records(&[("kept.test", a("192.0.2.2"))]),
    );
    let resolvers = Resolvers::default();
    let fresh = resolvers.get(&configuration(&[&server], None), PATIENCE);
    for _ in 0..3 {
        fresh.addresses("host.test", 25).await.unwrap();
        // The same servers again, as after a reload.
        let again = resolvers.get(&configuration(&[&server], None), SHORT);
        again
            .with_timeout(PATIENCE)
            .addresses("kept.test", 25)
            .await
            .unwrap();
    }
    assert_eq!(server.queries("kept.test", RecordType::A), 1);
    // The absence of other addresses is kept as long as the address.
    assert_eq!(server.queries("kept.test", RecordType::AAAA), 1);
    assert!(
        server.queries("host.test", RecordType::A) > 1,
        "kept beyond its time to live"
    );
    // `valid=` overrides the time to live.
    let valid = resolvers.get(&configuration(&[&server], Some(600)), PATIENCE);
    let before = server.queries("host.test", RecordType::A);
    for _ in 0..3 {
        let (_, time) = valid.addresses("host.test", 25).await.unwrap();
        assert!(time > Duration::from_secs(300), "{time:?}");
    }
    assert_eq!(server.queries("host.test", RecordType::A), before + 1);
}

#[tokio::test]
async fn names_that_do_not_exist_are_queried_each_time() {
    let server = NameServer::start();
    server.set("empty.test", RecordType::A, records(&[]));
    server.set("empty.test", RecordType::AAAA, records(&[]));
    let resolver = resolver(&[&server]);
    for turn in 1..=3 {
        for name in ["empty.test", "none.test"] {
            let found = resolver.addresses(name, 25).await;
            assert_eq!(found, Err(ResolveError::NOT_FOUND));
            assert_eq!(server.queries(name, RecordType::A), turn);
            assert_eq!(server.queries(name, RecordType::AAAA), turn);
        }
    }
}

#[tokio::test]
async fn answers_without_the_type_that_was_asked_for_are_no_answers() {
    let server = NameServer::start();
    let reverse = "1.2.0.192.in-addr.arpa";
    server.set(
        reverse,
        RecordType::PTR,
        records(&[(reverse, a("192.0.2.9"))]),
    );
    server.set(
        "a.test",
        RecordType::A,
        records(&[("a.test", ptr("b.test"))]),
    );
    let resolver = resolver(&[&server]);
    let named = resolver.name_of("192.0.2.1".parse().unwrap()).await;
    assert_eq!(named, Err(ResolveError::TIMED_OUT));
    let found = resolver.addresses("a.test", 25).await;
    assert_eq!(found, Err(ResolveError::TIMED_OUT));
}

#[tokio::test]
async fn names_are_lower_case() {
    let server = NameServer::start();
    let reverse = "1.2.0.192.in-addr.arpa";
    server.set(
        reverse,
        RecordType::PTR,
        records(&[(reverse, ptr("Host.TEST"))]),
    );
    let resolver = resolver(&[&server]);
    let named = resolver
        .name_of("192.0.2.1".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(named.text().as_deref(), Some("host.test"));
}

#[tokio::test]
async fn concurrent_equal_queries_share_one_request() {
    let server = NameServer::start();
    server.set("host.test", RecordType::A, Response::Silence);
    let resolver = resolver(&[&server]);
    let asked = (0..20).map(|_| {
        let resolver = resolver.clone();
        tokio::spawn(async move { resolver.addresses("host.test", 25).await })
    });
    let asked: Vec<_> = asked.collect();
    while server.queries("host.test", RecordType::A) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.set(
        "host.test",
        RecordType::A,
        records(&[("host.test", a("192.0.2.1"))]),
    );
    for one in asked {
        one.await.unwrap().unwrap();
    }
    assert_eq!(server.queries("host.test", RecordType::A), 1);
}

#[tokio::test]
async fn many_queries_at_once() {
    let server = NameServer::start();
    let resolver = resolver(&[&server]);
    let asked: Vec<_> = (0..500)
        .map(|i| {
            let host = format!("host{i}.test");
            server.set(&host, RecordType::A, records(&[(&host, a("192.0.2.1"))]));
            let resolver = resolver.clone();
            tokio::spawn(async move { resolver.addresses(&host, 25).await })
        })
        .collect();
    for one in asked {
        one.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn unanswered_queries_delay_no_others() {
    let server = NameServer::start();
    let resolver = resolver(&[&server]);
    let mut waiting = Vec::new();
    for i in 0..300 {
        let host = format!("silent{i}.test");
        server.set(&host, RecordType::A, Response::Silence);
        server.set(&host, RecordType::AAAA, Response::Silence);
        let resolver = resolver.clone();
        waiting.push(tokio::spawn(
            async move { resolver.addresses(&host, 25).await },
        ));
    }
    server.set(
        "host.test",
        RecordType::A,
        records(&[("host.test", a("192.0.2.1"))]),
    );
    while server.queries("silent299.test", RecordType::AAAA) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    resolver.addresses("host.test", 25).await.unwrap();
    assert!(waiting.iter().all(|one| !one.is_finished()));
}

#[tokio::test]
async fn the_next_server_is_queried_when_one_fails() {
    let (broken, silent, good) = (
        NameServer::start(),
        NameServer::start(),
        NameServer::start(),
    );
    broken.set(
        "host.test",
        RecordType::A,
        Response::Code(ResponseCode::ServFail),
    );
    silent.set("host.test", RecordType::A, Response::Silence);
    good.set(
        "host.test",
        RecordType::A,
        records(&[("host.test", a("192.0.2.1"))]),
    );
    for servers in [
        [&broken, &good],
        [&good, &broken],
        [&silent, &good],
        [&good, &silent],
    ] {
        let (found, _) = resolver(&servers).addresses("host.test", 25).await.unwrap();
        assert_eq!(found, ["192.0.2.1:25".parse().unwrap()]);
    }
}

#[tokio::test]
async fn a_truncated_answer_is_fetched_over_tcp() {
    let server = NameServer::start();
    let many = |i| ("host.test".into(), 60, a(&format!("192.0.2.{i}")));
    let many = Response::Truncated((0..200).map(many).collect());
    server.set("host.test", RecordType::A, many);
    let (found, _) = resolver(&[&server])
        .addresses("host.test", 25)
        .await
        .unwrap();
    assert_eq!(found.len(), 200);
}

/// A machine whose two files about names are these.
struct Machine(&'static str, &'static str);

impl config::Files for Machine {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("/etc/resolv.conf") => Ok(self.0.into()),
            Some("/etc/hosts") => Ok(self.1.into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
    fn list(&self, _: &Path) -> Vec<OsString> {
        Vec::new()
    }
    fn exists(&self, _: &Path) -> bool {
        false
    }
}

#[tokio::test]
async fn the_system_resolver_knows_localhost_and_the_hosts_file() {
    let hosts = "127.0.0.1 localhost\n192.0.2.7 backend.test\n";
    for resolv_conf in ["", "nameserver 192.0.2.1\n", "no such word\n"] {
        let names = SystemNames::read(&Machine(resolv_conf, hosts));
        let resolver = Resolver::system(names).with_timeout(PATIENCE);
        let (found, _) = resolver.addresses("localhost", 25).await.unwrap();
        assert!(
            found.iter().all(|address| address.ip().is_loopback()),
            "{found:?}"
        );
        let (found, _) = resolver.addresses("backend.test", 25).await.unwrap();
        assert_eq!(found, ["192.0.2.7:25".parse().unwrap()]);
    }
}
