use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Balancer, Balancers, HealthChange, Lease, PeerState, Selection};
use crate::base::Address;
use crate::config::{
    Admission, Balancing, HealthCheck, ResolvedName, Template, UpstreamGroup, UpstreamServer,
};

fn server(port: u16, change: impl FnOnce(&mut UpstreamServer)) -> UpstreamServer {
    let name = format!("127.0.0.1:{port}");
    let mut server = UpstreamServer {
        name: name.as_bytes().into(),
        host: b"127.0.0.1"[..].into(),
        addresses: vec![Address::Inet(([127, 0, 0, 1], port).into())],
        resolve: None,
        weight: 1,
        max_conns: 0,
        max_fails: 1,
        fail_timeout: Duration::from_secs(10),
        slow_start: Duration::ZERO,
        backup: false,
        admission: Admission::Open,
    };
    change(&mut server);
    server
}

fn weighted(port: u16, weight: u32) -> UpstreamServer {
    server(port, |server| server.weight = weight)
}

fn config(balancing: Balancing, servers: Vec<UpstreamServer>) -> UpstreamGroup {
    UpstreamGroup {
        name: "group".into(),
        servers,
        balancing,
        zone: None,
        health_check: None,
    }
}

fn group(balancing: Balancing, servers: Vec<UpstreamServer>) -> Arc<Balancer> {
    Arc::new(Balancer::new(&config(balancing, servers), None))
}

fn port(lease: &Lease) -> u16 {
    lease.peer().address.port()
}

/// The peers of sessions one after the other, each ended before the next.
fn sequence(group: &Arc<Balancer>, sessions: usize, now: Instant) -> Vec<u16> {
    let next = || {
        Selection::new(group, b"")
            .next(now)
            .map(|lease| port(&lease))
    };
    (0..sessions).filter_map(|_| next()).collect()
}

#[test]
fn round_robin_is_smooth() {
    let servers = vec![weighted(1, 5), weighted(2, 1), weighted(3, 1)];
    let group = group(Balancing::RoundRobin, servers);
    let chosen = sequence(&group, 7, Instant::now());
    assert_eq!(chosen, [1, 1, 2, 1, 3, 1, 1]);
}

#[test]
fn a_session_tries_every_peer_once_and_then_the_backups() {
    let servers = vec![
        weighted(1, 1),
        weighted(2, 1),
        server(3, |server| server.backup = true),
        server(4, |server| server.admission = Admission::Down),
        server(5, |server| server.admission = Admission::Drain),
    ];
    for balancing in [
        Balancing::RoundRobin,
        Balancing::LeastConn,
        Balancing::Random,
        Balancing::RandomTwo,
        Balancing::Hash(Template::default()),
        Balancing::ConsistentHash(Template::default()),
    ] {
        let group = group(balancing.clone(), servers.clone());
        assert_eq!(group.tries(), 3);
        let (now, mut selection) = (Instant::now(), Selection::new(&group, b"alice"));
        let mut ports: Vec<u16> = Vec::new();
        while let Some(lease) = selection.next(now) {
            ports.push(port(&lease));
            assert!(lease.fail(now), "{balancing:?}");
        }
        assert_eq!(ports.pop(), Some(3), "{balancing:?}");
        ports.sort_unstable();
        assert_eq!(ports, [1, 2], "{balancing:?}");
        assert!(
            Selection::new(&group, b"alice").next(now).is_none(),
            "{balancing:?}"
        );
    }
}

#[test]
fn a_failed_peer_is_probed_by_one_session_after_fail_timeout() {
    let group = group(Balancing::RoundRobin, vec![weighted(1, 1), weighted(2, 1)]);
    let start = Instant::now();
    let lease = Selection::new(&group, b"").next(start).unwrap();
    assert_eq!(port(&lease), 1);
    assert!(lease.fail(start));
    let soon = start + Duration::from_secs(10);
    assert_eq!(sequence(&group, 4, soon), [2, 2, 2, 2]);
    let later = start + Duration::from_secs(11);
    let chosen = sequence(&group, 4, later);
    assert_eq!(chosen.iter().filter(|port| **port == 1).count(), 1);
    let probe = start + Duration::from_secs(22);
    let lease = loop {
        let lease = Selection::new(&group, b"").next(probe).unwrap();
        if port(&lease) == 1 {
            break lease;
        }
    };
    lease.succeed(probe);
    drop(lease);
    let chosen = sequence(&group, 10, probe);
    assert_eq!(chosen.iter().filter(|port| **port == 1).count(), 5);
}

#[test]
fn the_only_peer_is_always_tried() {
    let group = group(Balancing::LeastConn, vec![weighted(1, 1)]);
    let now = Instant::now();
    for _ in 0..3 {
        let lease = Selection::new(&group, b"").next(now).unwrap();
        assert!(!lease.fail(now));
    }
}

#[test]
fn max_conns_counts_open_sessions() {
    let limited = server(1, |server| server.max_conns = 2);
    let group = group(Balancing::RoundRobin, vec![limited, weighted(2, 1)]);
    let now = Instant::now();
    let held: Vec<Lease> = (0..6)
        .filter_map(|_| Selection::new(&group, b"").next(now))
        .collect();
    let first = held.iter().filter(|lease| port(lease) == 1).count();
    assert_eq!(first, 2);
    drop(held);
    assert!(group.peers().iter().all(|peer| peer.sessions() == 0));
}

#[test]
fn least_conn_follows_the_sessions() {
    let group = group(Balancing::LeastConn, vec![weighted(1, 1), weighted(2, 2)]);
    let now = Instant::now();
    let held: Vec<Lease> = (0..30)
        .filter_map(|_| Selection::new(&group, b"").next(now))
        .collect();
    assert_eq!(held.iter().filter(|lease| port(lease) == 2).count(), 20);
}

#[test]
fn random_follows_the_weights() {
    for balancing in [Balancing::Random, Balancing::RandomTwo] {
        let group = group(balancing.clone(), vec![weighted(1, 1), weighted(2, 3)]);
        let now = Instant::now();
        let held: Vec<Lease> = (0..4000)
            .filter_map(|_| Selection::new(&group, b"").next(now))
            .collect();
        let second = held.iter().filter(|lease| port(lease) == 2).count();
        assert!((2800..3200).contains(&second), "{balancing:?}: {second}");
    }
}

#[test]
fn a_key_keeps_its_peer() {
    for balancing in [
        Balancing::Hash(Template::default()),
        Balancing::ConsistentHash(Template::default()),
    ] {
        let group = group(
            balancing.clone(),
            (1..=5).map(|port| weighted(port, 1)).collect(),
        );
        let now = Instant::now();
        let chosen = |key: &str| {
            let lease = Selection::new(&group, key.as_bytes()).next(now);
            lease.map(|lease| port(&lease))
        };
        let ports: Vec<_> = (0..100).map(|key| chosen(&key.to_string())).collect();
        let again: Vec<_> = (0..100).map(|key| chosen(&key.to_string())).collect();
        assert_eq!(ports, again);
        for port in 1..=5 {
            assert!(ports.contains(&Some(port)), "{balancing:?}: {port}");
        }
    }
}

#[test]
fn the_history_of_peers_survives_a_reload() {
    let balancers = Balancers::default();
    let servers = |ports: &[u16]| ports.iter().map(|port| weighted(*port, 1)).collect();
    let before = balancers.balancer(&config(Balancing::RoundRobin, servers(&[1, 2])));
    let now = Instant::now();
    let failed = Selection::new(&before, b"").next(now).unwrap();
    assert!(failed.fail(now));
    let held = Selection::new(&before, b"").next(now).unwrap();
    let after = balancers.balancer(&config(Balancing::RoundRobin, servers(&[1, 2, 3])));
    let mut chosen = sequence(&after, 10, now);
    assert!(!chosen.contains(&1), "{chosen:?}");
    chosen.dedup();
    assert!(chosen.contains(&3), "{chosen:?}");
    let second = |group: &Balancer| group.peers()[1].sessions();
    assert_eq!(second(&after), 1);
    drop((held, before));
    assert_eq!(second(&after), 0);
}

#[test]
fn a_drained_peer_gets_no_sessions_until_its_line_changes() {
    let balancers = Balancers::default();
    let now = Instant::now();
    let of = |servers| balancers.balancer(&config(Balancing::RoundRobin, servers));
    let before = of(vec![weighted(1, 1), weighted(2, 1)]);
    before.peers()[0].set_drained(true);
    assert_eq!(
        (before.tries(), sequence(&before, 3, now)),
        (1, vec![2, 2, 2])
    );
    // Sessions that began before a reload see what happens after it.
    let after = of(vec![weighted(1, 1), weighted(2, 1), weighted(3, 1)]);
    assert!(!sequence(&after, 6, now).contains(&1));
    after.peers()[0].set_drained(false);
    assert!(sequence(&before, 2, now).contains(&1));
    after.peers()[0].set_drained(true);
    let changed = of(vec![weighted(1, 2), weighted(2, 1)]);
    assert!(sequence(&changed, 3, now).contains(&1));
    let states: Vec<_> = [&after, &changed]
        .iter()
        .map(|group| group.figures(now)[0].state)
        .collect();
    assert_eq!(states, [PeerState::Draining, PeerState::Up]);
}

#[test]
fn the_only_peer_gets_no_sessions_while_it_is_drained() {
    let group = group(Balancing::RoundRobin, vec![weighted(1, 1)]);
    group.peers()[0].set_drained(true);
    assert_eq!(sequence(&group, 2, Instant::now()), [] as [u16; 0]);
    group.peers()[0].set_drained(false);
    assert_eq!(sequence(&group, 1, Instant::now()), [1]);
}

#[test]
fn a_peer_that_is_back_gets_its_share_slowly() {
    let slow = server(1, |server| server.slow_start = Duration::from_secs(100));
    let config = config(Balancing::RoundRobin, vec![slow, weighted(2, 1)]);
    let group = Arc::new(Balancer::new(&checked(config), None));
    let start = Instant::now();
    let peer = Arc::clone(&group.peers()[0]);
    let change = group.checked(&peer, false, start);
    assert_eq!(change, Some(HealthChange::Unhealthy));
    assert_eq!(sequence(&group, 3, start), [2, 2, 2]);
    let after = Duration::ZERO;
    let change = group.checked(&peer, true, start);
    assert_eq!(change, Some(HealthChange::Healthy { after }));
    let share = |seconds: u64| {
        let chosen = sequence(&group, 200, start + Duration::from_secs(seconds));
        chosen.iter().filter(|port| **port == 1).count()
    };
    let (early, middle, whole) = (share(10), share(50), share(101));
    assert!((5..25).contains(&early), "{early}");
    assert!((30..80).contains(&middle), "{middle}");
    assert_eq!(whole, 100);
}

/// The group with active checks.
fn checked(mut group: UpstreamGroup) -> UpstreamGroup {
    group.health_check = Some(HealthCheck::default());
    group
}

#[test]
fn the_results_of_checks_survive_a_reload_until_there_are_no_checks() {
    let (balancers, now) = (Balancers::default(), Instant::now());
    let servers = |ports: &[u16]| ports.iter().map(|port| weighted(*port, 1)).collect();
    let config = |ports: &[u16]| config(Balancing::RoundRobin, servers(ports));
    let before = balancers.balancer(&checked(config(&[1, 2])));
    // The same group with the port of another protocol has no part in it.
    let other = balancers.balancer(&checked(config(&[7])));
    let peer = Arc::clone(&before.peers()[0]);
    assert!(before.checked(&peer, false, now).is_some());
    let after = balancers.balancer(&checked(config(&[1, 2, 3])));
    assert_eq!(sequence(&after, 2, now), [2, 3]);
    let without = balancers.balancer(&config(&[1, 2, 3]));
    assert_eq!(sequence(&without, 3, now), [1, 2, 3]);
    assert_eq!(sequence(&after, 2, now), [2, 3]);
    drop(other);
}

#[test]
fn the_only_peer_gets_no_sessions_while_it_is_unhealthy() {
    let config = config(Balancing::RoundRobin, vec![weighted(1, 1)]);
    let (group, now) = (
        Arc::new(Balancer::new(&checked(config), None)),
        Instant::now(),
    );
    let peer = Arc::clone(&group.peers()[0]);
    assert!(group.checked(&peer, false, now).is_some());
    assert!(Selection::new(&group, b"").next(now).is_none());
    assert!(group.checked(&peer, true, now).is_some());
    assert_eq!(sequence(&group, 1, now), [1]);
}

#[test]
fn a_name_that_is_not_found_at_a_reload_keeps_its_addresses() {
    let named = |weight: u32| {
        server(25, |server| {
            server.name = b"mail.test:25"[..].into();
            server.addresses.clear();
            server.weight = weight;
            server.resolve = Some(ResolvedName {
                host: "mail.test".into(),
                port: 25,
            });
        })
    };
    let (balancers, now) = (Balancers::default(), Instant::now());
    let before = balancers.balancer(&config(Balancing::RoundRobin, vec![named(1)]));
    assert!(sequence(&before, 1, now).is_empty());
    let address = [Address::Inet(([127, 0, 0, 9], 25).into())];
    assert!(before.set_addresses(b"mail.test:25", &address));
    assert!(!before.set_addresses(b"mail.test:25", &address));
    let after = balancers.balancer(&config(Balancing::RoundRobin, vec![named(2)]));
    assert_eq!(sequence(&after, 1, now), [25]);
}

#[test]
fn a_peer_that_stays_when_addresses_change_is_the_same() {
    let group = group(Balancing::RoundRobin, vec![weighted(1, 1), weighted(2, 1)]);
    let now = Instant::now();
    let held = Selection::new(&group, b"").next(now).unwrap();
    let (old, new) = (held.peer().address.clone(), [127, 0, 0, 2]);
    let both = [Address::Inet((new, 9).into()), old];
    assert!(group.set_addresses(b"127.0.0.1:1", &both));
    assert!(held.fail(now));
    let chosen = sequence(&group, 4, now);
    assert!(!chosen.contains(&1) && chosen.contains(&9), "{chosen:?}");
}

#[test]
fn addresses_can_change_while_sessions_run() {
    let group = group(Balancing::RoundRobin, vec![weighted(1, 1), weighted(2, 1)]);
    let now = Instant::now();
    let held = Selection::new(&group, b"").next(now).unwrap();
    let new = [Address::Inet(([127, 0, 0, 2], 9).into())];
    group.set_addresses(b"127.0.0.1:1", &new);
    let mut chosen = sequence(&group, 2, now);
    chosen.sort_unstable();
    assert_eq!(chosen, [2, 9]);
    // The peer has left; its session ends without a trace in the group.
    assert!(!held.fail(now));
    group.set_addresses(b"127.0.0.1:1", &[]);
    assert_eq!(sequence(&group, 2, now), [2, 2]);
    group.set_addresses(b"127.0.0.1:1", &new);
    assert!(sequence(&group, 2, now).contains(&9));
}
