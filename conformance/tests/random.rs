//! Random configurations, of a fixed seed unless `CONFORMANCE_SEED` and `CONFORMANCE_COUNT` say otherwise.

use std::io::{Write, stderr};

use portcullis_conformance::gateway::Program;
use portcullis_conformance::random::Contest;

const SEED: u64 = 20_261_124;
const COUNT: u64 = 1500;

fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

#[test]
fn random_configurations_are_answered_as_by_nginx() {
    let Some(nginx) = Program::nginx() else {
        println!("nginx is not installed: no random configurations are compared");
        return;
    };
    let ours = Program::ours().expect("portcullis is built");
    let contest = Contest::new(nginx, ours).expect("a ledger and values");
    let (seed, count) = (
        number("CONFORMANCE_SEED", SEED),
        number("CONFORMANCE_COUNT", COUNT),
    );
    let outcome = contest.run(seed, count).expect("answers");
    // Not by print!, which is only seen when the test fails.
    let _ = write!(stderr(), "\n{}", outcome.text());
    assert!(
        outcome.differences.is_empty(),
        "\n{}\n{}",
        outcome.differences.join("\n"),
        outcome.text()
    );
}
