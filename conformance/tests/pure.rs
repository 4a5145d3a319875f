//! All dialogues on the shipped session: in memory, in virtual time, without a socket or a process.

use portcullis_conformance::gateway::Program;
use portcullis_conformance::suite::Suite;

#[test]
fn dialogues_in_memory() {
    let mut suite = Suite::ours().expect("the cases can be read");
    suite.keep(&["dialogue".to_owned()]);
    let report = suite.run(&Program::InMemory);
    print!("{}", report.text());
    assert!(report.good(), "\n{}", report.text());
}
