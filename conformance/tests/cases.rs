//! All cases, on portcullis and on nginx.

use std::sync::{Mutex, PoisonError};

use portcullis_conformance::gateway::Program;
use portcullis_conformance::suite::Suite;

/// The tests run one after the other, because they share the loopback addresses of this process.
static ADDRESSES: Mutex<()> = Mutex::new(());

fn run(program: &Program) {
    let _guard = ADDRESSES.lock().unwrap_or_else(PoisonError::into_inner);
    let suite = Suite::own().expect("the cases can be read");
    let report = suite.run(program);
    print!("{}", report.text());
    assert!(report.success(), "\n{}", report.text());
}

#[test]
fn portcullis_meets_the_expectations() {
    run(&Program::portcullis().expect("portcullis is built"));
}

#[test]
fn nginx_behaves_as_recorded() {
    match Program::nginx() {
        Some(nginx) => run(&nginx),
        None => println!("skipped: nginx is not installed"),
    }
}
