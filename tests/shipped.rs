//! The shipped configurations pass `-t` once what they name exists.

mod support;

use std::fs;

use support::{Certificate, Scratch};

#[test]
fn every_shipped_configuration_is_accepted() {
    let certificate = Certificate::new();
    let mut tested = 0;
    for path in support::shipped::files() {
        let text = support::shipped::text(&path, &certificate);
        let scratch = Scratch::new("shipped");
        fs::create_dir(scratch.path().join("logs")).expect("a folder for logs");
        fs::write(scratch.path().join("gateway.conf"), text).expect("its copy");
        let output = support::command(scratch.path())
            .arg("-t")
            .output()
            .expect("the binary");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{said}", path.display());
        assert!(said.contains("test is successful"), "{said}");
        tested += 1;
    }
    assert!(tested >= 5, "only {tested} found");
}
