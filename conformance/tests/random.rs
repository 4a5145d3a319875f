//! Random configurations of a fixed seed; `CONFORMANCE_SEED` and `CONFORMANCE_COUNT` select others.

use std::io::{Write, stderr};

use portcullis_conformance::gateway::Program;
use portcullis_conformance::random::Comparator;
use support::all_cases;

const SEED: u64 = 20_261_124;
const COUNT: u64 = 1500;
const COUNT_OF_ALL: u64 = 20_000;

fn number(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}"))
    })
}

#[test]
fn portcullis_and_nginx_report_the_same() {
    let Some(nginx) = Program::nginx() else {
        println!("skipped: nginx is not installed");
        return;
    };
    let portcullis = Program::portcullis().expect("portcullis is built");
    let comparator = Comparator::new(nginx, portcullis).expect("a ledger and arguments");
    let seed = number("CONFORMANCE_SEED", SEED);
    let count = if all_cases() { COUNT_OF_ALL } else { COUNT };
    let count = number("CONFORMANCE_COUNT", count);
    let summary = comparator.run(seed, count).expect("reports");
    // The output of print! is hidden when the test passes.
    let _ = write!(stderr(), "\n{}", summary.text());
    assert!(
        summary.differences.is_empty(),
        "\n{}\n{}",
        summary.differences.join("\n"),
        summary.text()
    );
}
