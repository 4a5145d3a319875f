//! The relay that is the lower limit serves the sessions of the benchmark.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::TcpStream;

use portcullis_bench::client::Target;
use portcullis_bench::load::Load;
use portcullis_bench::program::floor as relay;
use portcullis_bench::program::{Kind, Plan};
use portcullis_bench::scenario::Work;
use portcullis_bench::server::{Addresses, Server};
use portcullis_bench::{floor, sinks};
use support::wait_until;

#[tokio::test]
async fn sessions_of_all_its_servers() {
    let plan = Plan {
        addresses: Addresses::free().unwrap(),
        sinks: sinks::start().unwrap(),
        threads: 1,
        sessions: 4,
        single: true,
    };
    std::thread::spawn(move || floor::run(&relay::arguments(&plan)[1..]).unwrap());
    let served = Server::ALL
        .into_iter()
        .filter(|&server| Kind::Floor.serves(server));
    for server in served {
        let address = plan.addresses.of(server);
        wait_until("the relay", || TcpStream::connect(address).is_ok());
        let target = Target {
            address,
            server,
            tls: None,
        };
        let work = match server {
            Server::Imap => Work::Fetch(4096),
            Server::Pop3 => Work::Login,
            _ => Work::Message(1024),
        };
        let load = Load {
            targets: vec![target; 4],
            work,
            sessions: 40,
        };
        let result = load.run().await;
        assert_eq!(
            (result.latencies.len(), result.first_error),
            (40, None),
            "{server:?}"
        );
    }
}
