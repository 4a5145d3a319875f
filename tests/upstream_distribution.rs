//! The choice of peers, compared with nginx's stream module: the same sessions, one after the other, get the same peers.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use portcullis::base::Address;
use portcullis::config::{Balancing, Template, UpstreamGroup, UpstreamServer};
use portcullis::upstream::{Balancer, Lease, Selection};
use support::nginx::Nginx;
use support::{connect_from, free_port};

const SESSIONS: usize = 1200;
/// Enough for a session of a backend.
const STACK: usize = 64 * 1024;
const WEIGHTS: [u32; 5] = [5, 1, 1, 3, 2];

/// A backend that says its number and keeps the connection until the other side closes.
fn backend(number: u8) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let session = std::thread::Builder::new().stack_size(STACK);
            let serve = move || {
                let _ = stream.write_all(&[number]);
                let _ = stream.read(&mut [0]);
            };
            session.spawn(serve).expect("a thread");
        }
    });
    port
}

/// nginx with a server for each of the methods, all with the same backends.
struct Servers {
    ports: Vec<u16>,
    _nginx: Nginx,
}

impl Servers {
    fn start(methods: &[&str], backends: &[u16]) -> Self {
        let ports: Vec<u16> = methods.iter().map(|_| free_port()).collect();
        let servers = backends.iter().zip(WEIGHTS);
        let servers =
            servers.map(|(port, weight)| format!("server 127.0.0.1:{port} weight={weight};\n"));
        let servers: String = servers.collect();
        let groups = methods.iter().zip(&ports).map(|(method, port)| {
            format!(
                "upstream g{port} {{ {method} {servers} }}
                 server {{ listen 127.0.0.1:{port}; proxy_pass g{port}; }}\n"
            )
        });
        let groups: String = groups.collect();
        let nginx = Nginx::start(&format!("stream {{ {groups} }}"));
        Self {
            ports,
            _nginx: nginx,
        }
    }

    /// The number of the backend of a session from this address.
    fn session(&self, server: usize, client: Ipv4Addr) -> (TcpStream, u8) {
        let mut stream = connect_from(client, self.ports[server]);
        let mut number = [0];
        stream.read_exact(&mut number).expect("a backend");
        (stream, number[0])
    }
}

fn balancer(balancing: Balancing, backends: &[u16]) -> Arc<Balancer> {
    let servers = backends
        .iter()
        .zip(WEIGHTS)
        .map(|(port, weight)| UpstreamServer {
            name: format!("127.0.0.1:{port}").as_bytes().into(),
            host: b"127.0.0.1"[..].into(),
            addresses: vec![Address::Inet((Ipv4Addr::LOCALHOST, *port).into())],
            weight,
            ..UpstreamServer::default()
        });
    let group = UpstreamGroup {
        name: "group".into(),
        servers: servers.collect(),
        balancing,
        zone: None,
        health_check: None,
    };
    Arc::new(Balancer::new(&group, None))
}

/// The backends' number of a session's choice.
fn choose(balancer: &Arc<Balancer>, key: &str, backends: &[u16]) -> (Lease, u8) {
    let mut selection = Selection::new(balancer, key.as_bytes());
    let lease = selection.next(Instant::now()).expect("a peer");
    let port = lease.peer().address.port();
    let index = backends.iter().position(|backend| *backend == port);
    let number = index.and_then(|index| u8::try_from(index).ok());
    (lease, number.expect("a backend"))
}

/// A client's address; there are some hundred of them.
fn client(session: usize) -> Ipv4Addr {
    let number = session * 7 % 1019;
    Ipv4Addr::new(127, 0, (number / 200) as u8, (number % 200 + 1) as u8)
}

#[test]
fn the_same_sessions_get_the_same_peers_as_with_nginx() {
    let backends: Vec<u16> = (0..5).map(backend).collect();
    let key = || Template::parse(b"$remote_addr").expect("a key");
    let methods = [
        ("", Balancing::RoundRobin),
        ("least_conn;", Balancing::LeastConn),
        ("hash $remote_addr;", Balancing::Hash(key())),
        (
            "hash $remote_addr consistent;",
            Balancing::ConsistentHash(key()),
        ),
    ];
    let nginx = Servers::start(&methods.each_ref().map(|(line, _)| *line), &backends);
    for (server, (line, balancing)) in methods.into_iter().enumerate() {
        let is_keyed = line.starts_with("hash");
        let balancer = balancer(balancing, &backends);
        let (mut theirs, mut ours, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for session in 0..SESSIONS {
            let client = client(session);
            let (stream, number) = nginx.session(server, client);
            theirs.push(number);
            let key = match is_keyed {
                true => client.to_string(),
                false => String::new(),
            };
            let (lease, number) = choose(&balancer, &key, &backends);
            ours.push(number);
            // With the other methods, a session has ended before the next one.
            if !is_keyed && !line.is_empty() {
                held.push((stream, lease));
            }
        }
        let same = ours.iter().zip(&theirs).filter(|(our, their)| our == their);
        assert_eq!(same.count(), SESSIONS, "{line}: {:?}", &theirs[..40]);
        for number in 0..5 {
            assert!(theirs.contains(&number), "{line}: {number}");
        }
    }
}
