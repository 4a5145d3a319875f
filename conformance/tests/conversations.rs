//! Random conversations with nginx and with portcullis: every difference must be a known departure.

use portcullis::base::Protocol;
use portcullis_conformance::conversation::compare::Programs;
use portcullis_conformance::conversation::run::run;
use portcullis_conformance::conversation::script::PROTOCOLS;
use portcullis_conformance::gateway::Program;
use support::all_cases;

fn compare(protocol: Protocol, seed: u64, count: u64) {
    let Some(nginx) = Program::nginx() else {
        println!("skipped: nginx is not installed");
        return;
    };
    let programs = Programs {
        nginx,
        portcullis: Program::portcullis().expect("portcullis is built"),
    };
    let totals = run(&programs, protocol, seed, 0, count).expect("both gateways serve");
    print!("{}", totals.text());
    assert!(totals.unexplained.is_empty(), "\n{}", totals.text());
}

/// One after the other, because they share the loopback addresses of this process.
#[test]
fn differences_are_known_departures() {
    if all_cases() {
        for seed in 1..=6 {
            for protocol in PROTOCOLS {
                compare(protocol, seed, 500);
            }
        }
        return;
    }
    for seed in 1..=3 {
        compare(Protocol::Smtp, seed, 500);
    }
    compare(Protocol::Imap, 1, 300);
    compare(Protocol::Pop3, 1, 300);
}
