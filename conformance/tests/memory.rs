//! All dialogues on the sessions of portcullis in this process: in memory and in virtual time, without sockets.

use portcullis_conformance::gateway::Program;
use portcullis_conformance::suite::Suite;

#[test]
fn dialogues_in_memory() {
    let mut suite = Suite::own().expect("the cases can be read");
    suite.retain(&["dialogue".to_owned()]);
    let report = suite.run(&Program::InMemory);
    print!("{}", report.text());
    assert!(report.success(), "\n{}", report.text());
}
