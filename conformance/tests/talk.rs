//! Random conversations with nginx and with portcullis: whatever differs has its reason.

use portcullis_conformance::gateway::Program;
use portcullis_conformance::talk::conversation::Protocol;
use portcullis_conformance::talk::tournament::{Pair, run};

fn compare(protocol: Protocol, seed: u64, count: u64) {
    let Some(nginx) = Program::nginx() else {
        println!(
            "nginx is not installed: {} is not compared",
            protocol.name()
        );
        return;
    };
    let ours = Program::ours().expect("portcullis is built");
    let score = run(&Pair { nginx, ours }, protocol, seed, 0, count).expect("both gateways serve");
    print!("{}", score.text());
    assert!(score.wrong.is_empty(), "\n{}", score.text());
}

/// One after the other: they share the loopback addresses of this process.
#[test]
fn what_differs_has_a_reason() {
    for seed in 1..=3 {
        compare(Protocol::Smtp, seed, 500);
    }
    compare(Protocol::Imap, 1, 300);
    compare(Protocol::Pop3, 1, 300);
}
