//! The recorded cases of every directive, on portcullis and on nginx.

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use portcullis_conformance::gateway::Program;
use portcullis_conformance::ledger::Ledger;
use portcullis_conformance::rows;

/// Every how many of the cases nginx is asked; `CONFORMANCE_ROWS=all` asks it for each.
const STEP: usize = 10;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rows")
}

fn ledger() -> Ledger {
    Ledger::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("departures.toml")).expect("a ledger")
}

#[test]
fn every_row_is_read_as_recorded() {
    let recorded = rows::recorded(&folder()).expect("recorded rows");
    let program = Program::ours().expect("portcullis is built");
    let faults = rows::play_ours(&recorded, &program, &ledger()).expect("answers");
    let _ = writeln!(stderr(), "\n{} cases of directives", recorded.len());
    assert!(recorded.len() > 3000, "{}", recorded.len());
    assert!(
        faults.is_empty(),
        "{} wrong:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn nginx_says_what_is_recorded() {
    let Some(nginx) = Program::nginx() else {
        println!("nginx is not installed: that the rows are nginx's is not checked");
        return;
    };
    let recorded = rows::recorded(&folder()).expect("recorded rows");
    let step = match std::env::var("CONFORMANCE_ROWS").as_deref() {
        Ok("all") => 1,
        _ => STEP,
    };
    let faults = rows::play_nginx(&recorded, &nginx, &ledger(), step).expect("answers");
    println!(
        "{} cases of directives asked of nginx",
        recorded.len().div_ceil(step)
    );
    assert!(
        faults.is_empty(),
        "{} wrong:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
