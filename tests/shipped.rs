//! The configurations of `conf.d/` pass `-t` when the files and hosts they name exist.

use std::fs;

use support::{Certificate, TempDir};

#[test]
fn shipped_configurations_pass_t() {
    let certificate = Certificate::new();
    let mut tested = 0;
    for path in support::shipped::files() {
        let text = support::shipped::text(&path, &certificate);
        let folder = TempDir::new("shipped");
        fs::create_dir(folder.path().join("logs")).expect("a directory for logs");
        fs::write(folder.path().join("gateway.conf"), text).expect("its copy");
        let output = support::command(folder.path())
            .arg("-t")
            .output()
            .expect("the binary");
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{messages}", path.display());
        assert!(messages.contains("test is successful"), "{messages}");
        tested += 1;
    }
    assert!(tested >= 5, "only {tested} found");
}
