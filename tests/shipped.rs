//! The configurations of `conf.d/` pass `-t`, and the commands in their headers work when they are typed as they stand.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

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
        support::shipped::copy_included(folder.path());
        let output = support::command(folder.path())
            .arg("-t")
            .output()
            .expect("the binary");
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{messages}", path.display());
        assert!(messages.contains("test is successful"), "{messages}");
        tested += 1;
    }
    assert!(tested >= 8, "only {tested} found");
}

/// The commands in the comments at the begin of a file, one a line.
fn commands(text: &str) -> String {
    let header = text.lines().take_while(|line| line.starts_with('#'));
    let lines = header.filter_map(|line| line.strip_prefix("#   "));
    let commands = lines.filter(|line| !line.starts_with("127."));
    commands.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_commands_in_the_headers_work() {
    for path in support::shipped::files() {
        let folder = TempDir::new("typed");
        let place = |name: &str| folder.path().join(name);
        fs::create_dir_all(place("target/release")).expect("a directory");
        fs::create_dir(place("conf.d")).expect("a directory");
        symlink(
            Path::new(env!("CARGO_BIN_EXE_portcullis")),
            place("target/release/portcullis"),
        )
        .expect("a link");
        let name = path.file_name().expect("a name");
        fs::copy(&path, place("conf.d").join(name)).expect("a copy");
        support::shipped::copy_included(&place("conf.d"));
        let typed = commands(&fs::read_to_string(&path).expect("the text"));
        assert!(typed.contains("target/release/portcullis "), "{typed}");
        // A start would not end.
        let typed = match typed.contains("--check") {
            true => typed,
            false => typed.trim_end().to_owned() + " -t\n",
        };
        let output = Command::new("sh")
            .args(["-euc", &typed])
            .current_dir(folder.path())
            .output()
            .expect("a shell");
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{typed}{messages}");
        assert!(messages.contains("test is successful"), "{typed}{messages}");
    }
}
