//! The recorded rows of every directive, on portcullis and on nginx.

use std::io::{Write, stderr};
use std::path::Path;

use portcullis_conformance::gateway::Program;
use portcullis_conformance::ledger::Ledger;
use portcullis_conformance::rows::{self, Recorded};
use support::all_cases;

/// nginx runs one row of this many, and every row with `script/test --all`.
const STEP: usize = 10;

fn read() -> (Vec<Recorded>, Ledger) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = rows::recorded(&root.join("rows")).expect("recorded rows");
    let ledger = Ledger::read(&root.join("departures.toml")).expect("a ledger");
    (recorded, ledger)
}

fn check(failures: &[String]) {
    let count = failures.len();
    assert!(count == 0, "{count} failed:\n{}", failures.join("\n"));
}

#[test]
fn portcullis_answers_as_recorded() {
    let (recorded, ledger) = read();
    let program = Program::portcullis().expect("portcullis is built");
    let failures = rows::check_portcullis(&recorded, &program, &ledger).expect("answers");
    let _ = writeln!(stderr(), "\n{} rows", recorded.len());
    assert!(recorded.len() > 3000, "{}", recorded.len());
    check(&failures);
}

#[test]
fn nginx_answers_as_recorded() {
    let Some(nginx) = Program::nginx() else {
        println!("skipped: nginx is not installed");
        return;
    };
    let (recorded, ledger) = read();
    let step = if all_cases() { 1 } else { STEP };
    let failures = rows::check_nginx(&recorded, &nginx, &ledger, step).expect("answers");
    println!("{} rows run by nginx", recorded.len().div_ceil(step));
    check(&failures);
}
