//! All cases, on portcullis and on nginx.

use std::sync::{Mutex, PoisonError};

use portcullis_conformance::gateway::Program;
use portcullis_conformance::suite::Suite;

/// One after the other: both use the loopback addresses of this process.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn portcullis_does_what_is_expected() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let suite = Suite::ours().expect("the cases can be read");
    let program = Program::ours().expect("portcullis is built");
    let report = suite.run(&program);
    print!("{}", report.text());
    assert!(report.good(), "\n{}", report.text());
}

#[test]
fn nginx_does_what_was_recorded() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let suite = Suite::ours().expect("the cases can be read");
    let Some(nginx) = Program::nginx() else {
        println!("nginx is not installed: that the cases are nginx's is not checked");
        return;
    };
    let report = suite.run(&nginx);
    print!("{}", report.text());
    assert!(report.good(), "\n{}", report.text());
}
