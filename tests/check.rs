//! `--check`, `--dump-config` and `--format`: what they print, and that they leave no trace.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use support::{TempDir, free_port};

/// A directory with a configuration.
fn written(text: &str) -> TempDir {
    let folder = TempDir::new("check");
    fs::write(folder.path().join("gateway.conf"), text).expect("the configuration");
    folder
}

fn valid() -> String {
    format!(
        "pid gateway.pid;\nerror_log logs/error.log info;\nevents {{}}\nmail {{\n    auth_http 127.0.0.1:9;\n    timeout 60s;\n    \
         max_errors 3;\n    server {{\n        listen 127.0.0.1:{};\n        protocol smtp;\n    }}\n    server {{\n        \
         server_name two.test;\n        listen 127.0.0.2:143;\n        max_errors 7;\n    }}\n}}\n",
        free_port()
    )
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = support::command(folder.path());
    command.env_remove("NO_COLOR").env("TERM", "xterm");
    command.args(arguments).output().expect("the gateway")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn entries(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path())
        .expect("the directory")
        .flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The value of a member of a JSON object, up to the next comma or bracket. Enough for numbers and words.
fn member<'a>(json: &'a str, name: &str) -> &'a str {
    let (_, rest) = json
        .split_once(&format!("\"{name}\":"))
        .unwrap_or_else(|| panic!("{name}: {json}"));
    rest.split([',', '}', ']']).next().unwrap_or_default()
}

#[test]
fn a_check_leaves_no_trace() {
    // The directory of the log does not exist: -t fails there, --check does not look.
    for text_of in [valid(), "events {}\nmail {\n  nonsense;\n}\n".to_owned()] {
        let folder = written(&text_of);
        for arguments in [
            &["--check"][..],
            &["--check", "-T"],
            &["--dump-config"],
            &["--dump-config", "-t"],
            &["--check", "--format=json"],
        ] {
            run(&folder, arguments);
            assert_eq!(entries(&folder), ["gateway.conf"], "{arguments:?}");
        }
    }
}

#[test]
fn a_check_says_what_a_test_says() {
    let folder = written(&valid());
    let file = folder.path().join("gateway.conf").display().to_string();
    let output = run(&folder, &["--check"]);
    assert_eq!(
        (
            output.status.code(),
            text(&output.stderr),
            text(&output.stdout)
        ),
        (
            Some(0),
            format!(
                "portcullis: the configuration file {file} syntax is ok\nportcullis: configuration file {file} test is successful\n"
            ),
            String::new()
        )
    );
    let output = run(&folder, &["--check", "-q"]);
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new())
    );
    let folder =
        written("http {}\nevents {}\nmail {\n  nonsense;\n  timeout x;\n  server { }\n}\n");
    let (test, check) = (run(&folder, &["-t"]), run(&folder, &["--check"]));
    assert_eq!(check.status.code(), Some(1));
    assert_eq!(text(&check.stderr), text(&test.stderr));
    assert!(text(&check.stderr).contains("also: "));
}

/// A host without a local address is no fault of the configuration.
#[test]
fn a_check_binds_nothing() {
    let folder = written(
        "events {}\nmail { auth_http 127.0.0.1:9; server { listen 192.0.2.1:25; protocol smtp; } }\n",
    );
    assert_eq!(run(&folder, &["--check"]).status.code(), Some(0));
    let folder = written(
        "events { worker_connections 4000000000; }\nmail { auth_http 127.0.0.1:9; server { listen 25; } }\n",
    );
    let output = run(&folder, &["--check", "-q"]);
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new())
    );
}

#[test]
fn json_is_one_object_on_standard_output() {
    let folder = written(
        "events {}\nmail {\n    auth_http 127.0.0.1:9;\n\tserver { listen 25; timeuot\n  5s; }\n}\n",
    );
    for arguments in [
        &["-t", "--format=json"][..],
        &["--check", "--format", "json"],
        &["--dump-config", "--format=json"],
    ] {
        let output = run(&folder, arguments);
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(1), String::new())
        );
        let json = text(&output.stdout);
        assert_eq!(json.lines().count(), 1, "{json}");
        assert!(json.starts_with('{') && json.ends_with("}\n"), "{json}");
        assert_eq!(
            (member(&json, "valid"), member(&json, "omitted")),
            ("false", "0")
        );
        let (_, first) = json.split_once("\"diagnostics\":[").expect("diagnostics");
        let file = folder.path().join("gateway.conf");
        assert_eq!(member(first, "severity"), "\"error\"");
        assert_eq!(member(first, "level"), "\"emerg\"");
        assert_eq!(member(first, "file"), format!("\"{}\"", file.display()));
        // The word, not the end of the directive, which nginx names.
        assert_eq!(
            (member(first, "line"), member(first, "column")),
            ("4", "22")
        );
        assert_eq!(member(first, "word"), "\"timeuot\"");
        assert!(
            first.contains("\"message\":\"unknown directive \\\"timeuot\\\"\""),
            "{json}"
        );
        assert!(
            first.contains("\"hints\":[\"did you mean \\\"timeout\\\"?\""),
            "{json}"
        );
    }
    let folder = written(&valid());
    let output = run(&folder, &["--check", "--format=json"]);
    let file = folder.path().join("gateway.conf");
    assert_eq!(
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr)
        ),
        (
            Some(0),
            format!(
                "{{\"file\":\"{}\",\"valid\":true,\"diagnostics\":[],\"omitted\":0}}\n",
                file.display()
            ),
            String::new()
        )
    );
    let json = text(
        &run(
            &folder,
            &[
                "--dump-config",
                "--changed",
                "--server=127.0.0.2",
                "--format=json",
            ],
        )
        .stdout,
    );
    let settings = json
        .split_once("\"servers\":[")
        .map(|(_, rest)| rest)
        .expect("servers");
    assert_eq!(member(settings, "server_name"), "\"two.test\"");
    assert!(
        settings.contains("\"listen\":[\"127.0.0.2:143\"]"),
        "{json}"
    );
    assert!(
        settings.contains(
            "{\"name\":\"max_errors\",\"arguments\":[\"7\"],\"origin\":\"server\",\"file\":"
        ),
        "{json}"
    );
    let json = text(&run(&folder, &["-T", "--check", "--format=json"]).stdout);
    assert!(
        json.contains("\"text\":\"pid gateway.pid;\\nerror_log"),
        "{json}"
    );
}

/// Faults that a start finds only later are in the object, too.
#[test]
fn json_has_the_errors_of_a_start() {
    let folder = written(&valid());
    let output = run(&folder, &["-t", "--format=json"]);
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(1), String::new())
    );
    let json = text(&output.stdout);
    assert!(json.contains("\"message\":\"open() \\\""), "{json}");
    assert!(
        json.contains("logs/error.log\\\" failed (2: No such file or directory)\""),
        "{json}"
    );
    assert_eq!(member(&json, "line"), "null");
}

#[test]
fn formats_and_colours() {
    let folder = written("events {}\nmail {\n  timeuot 5s;\n}\n");
    let file = folder.path().join("gateway.conf").display().to_string();
    let short = format!(
        "portcullis: [emerg] unknown directive \"timeuot\" in {file}:3\nportcullis: configuration file {file} test failed\n"
    );
    let said = |arguments: &[&str]| text(&run(&folder, arguments).stderr);
    assert_eq!(said(&["-t", "--format=short"]), short);
    let (line, result) = short.split_at(short.find('\n').expect("two lines") + 1);
    let hint = "portcullis: hint: did you mean \"timeout\"?\n";
    assert_eq!(said(&["-t"]), format!("{line}{hint}{result}"));
    let full = said(&["-t", "--format=full"]);
    assert!(
        full.contains(":3\n  |\n3 |   timeuot 5s;\n  |   ^^^^^^^\n  = did you mean \"timeout\"?\n"),
        "{full}"
    );
    // Not only a test: a start, too.
    assert!(said(&["--format=full"]).contains("  |   ^^^^^^^\n"));
    let colored = said(&["-t", "--format=full", "--color=always"]);
    assert!(
        colored.starts_with("portcullis: \x1b[1;31m[emerg]\x1b[0m unknown directive"),
        "{colored}"
    );
    assert!(colored.contains("\x1b[1;31m^^^^^^^\x1b[0m\n"), "{colored}");
    assert!(!said(&["-t", "--format=full", "--color=never"]).contains('\x1b'));
}

/// On a terminal messages are full and coloured, unless the environment says otherwise.
#[test]
fn a_terminal_shows_source_lines_in_colour() {
    let folder = written("events {}\nmail {\n  timeuot 5s;\n}\n");
    let gateway = support::command(folder.path());
    let words = gateway
        .get_args()
        .map(|word| format!("'{}'", word.to_string_lossy()));
    let words: Vec<String> = words.collect();
    let program = gateway.get_program().to_string_lossy().into_owned();
    let shown = |environment: &[(&str, &str)], option: &str| {
        let mut command = Command::new("script");
        command
            .env_remove("NO_COLOR")
            .env("TERM", "xterm")
            .envs(environment.iter().copied());
        let line = format!("'{program}' {} -t {option}", words.join(" "));
        let output = command
            .args(["-qec", &line, "/dev/null"])
            .output()
            .expect("script(1)");
        assert_eq!(output.status.code(), Some(1));
        text(&output.stdout).replace("\r\n", "\n")
    };
    let block = "3 |   timeuot 5s;\n  |   ^^^^^^^\n  = did you mean \"timeout\"?\n";
    let by_default = shown(&[], "");
    assert!(
        by_default.contains("\x1b[1;31m^^^^^^^\x1b[0m\n"),
        "{by_default}"
    );
    for plain in [
        shown(&[("NO_COLOR", "1")], ""),
        shown(&[("TERM", "dumb")], ""),
        shown(&[], "--color=never"),
    ] {
        assert!(plain.contains(block) && !plain.contains('\x1b'), "{plain}");
    }
    assert!(shown(&[("NO_COLOR", "")], "").contains('\x1b'));
    assert!(shown(&[("NO_COLOR", "1")], "--color=always").contains('\x1b'));
    assert!(!shown(&[], "--format=short").contains("^^"));
}

#[test]
fn parts_of_the_settings() {
    let folder = written(&valid());
    let dumped = |arguments: &[&str]| {
        let output = run(&folder, &[&["--dump-config", "-q"], arguments].concat());
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(0), String::new())
        );
        let text = text(&output.stdout);
        let lines = text.lines().map(|line| {
            let line = line.split(" # ").next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("{}\n", words.join(" "))
        });
        lines.collect::<String>()
    };
    let two = "server {\nserver_name two.test;\nlisten 127.0.0.2:143;\nmax_errors 7;\n";
    let changed = dumped(&["--changed"]);
    assert!(changed.starts_with("pid "), "{changed}");
    assert!(
        changed.contains("events {\n}\nmail {\nserver {\nlisten 127.0.0.1:"),
        "{changed}"
    );
    // What is written and equals the default is not a change.
    for absent in ["timeout", "smtp_auth", "worker_processes"] {
        assert!(!changed.contains(absent), "{absent}: {changed}");
    }
    for wanted in ["127.0.0.2:143", "143", "127.0.0.2", "two.test"] {
        let one = dumped(&["--changed", "--server", wanted]);
        assert!(
            one.starts_with("mail {\nserver {\n") && one.matches("server {").count() == 1,
            "{one}"
        );
        let mut lines: Vec<&str> = one.lines().collect();
        for line in two.lines() {
            let found = lines.iter().position(|found| *found == line);
            lines.remove(found.unwrap_or_else(|| panic!("{line}: {one}")));
        }
    }
    let whole = dumped(&["--server=143"]);
    assert!(
        whole.contains("timeout 60s;") && whole.contains("imap_auth plain;"),
        "{whole}"
    );
    let output = run(
        &folder,
        &["--dump-config", "-q", "--server", "127.0.0.9:25"],
    );
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(1), String::new())
    );
    let said = text(&output.stderr);
    assert!(
        said.contains("no server listens on \"127.0.0.9:25\"; the addresses are: 127.0.0.1:"),
        "{said}"
    );
}

/// nginx resolves a relative -c against the prefix, which surprises everybody once.
#[test]
fn a_relative_file_that_does_not_exist_is_explained() {
    let folder = TempDir::new("check");
    fs::write(folder.path().join("it.conf"), "events {}\n").expect("a file");
    let elsewhere = TempDir::new("prefix");
    let prefix = elsewhere.path().display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        let output = command
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .expect("the gateway");
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    let here = folder.path().display();
    let failed = format!(
        "portcullis: [emerg] open() \"{prefix}/it.conf\" failed (2: No such file or directory)\n"
    );
    for action in ["-t", "--check", "-q"] {
        let said = run(&[
            action,
            "-p",
            &prefix,
            "-c",
            "it.conf",
            "-e",
            "stderr",
            "--format=full",
        ]);
        let hints = format!(
            "it.conf\" was looked for under the prefix, {prefix}/, and not in the working directory\n  = type: -c {here}/it.conf\n"
        );
        assert!(said.contains(&hints), "{said}");
    }
    let said = run(&["--check", "-p", &prefix, "-c", "./no.conf", "--format=full"]);
    assert!(
        said.contains(&format!("  = there is no {here}/no.conf either")),
        "{said}"
    );
    // Elsewhere than on a terminal the advice follows line by line, or not at all.
    let said = run(&["--check", "-p", &prefix, "-c", "it.conf"]);
    let hint = format!("portcullis: hint: type: -c {here}/it.conf\n");
    assert!(said.starts_with(&failed) && said.contains(&hint), "{said}");
    let said = run(&["--check", "-p", &prefix, "-c", "it.conf", "--format=short"]);
    assert_eq!(
        said,
        format!("{failed}portcullis: configuration file {prefix}/it.conf test failed\n")
    );
    // Another file that is missing has nothing to do with it.
    let said = run(&[
        "--check",
        "-p",
        &prefix,
        "-c",
        &format!("{here}/it.conf"),
        "-g",
        "include nothing;",
        "--format=full",
    ]);
    assert!(
        said.contains("nothing\" failed") && !said.contains("prefix"),
        "{said}"
    );
}

/// A key that only root may read is no fault for somebody who checks the configuration, and neither is `user`.
#[test]
fn a_check_needs_no_rights() {
    let certificate = support::Certificate::new();
    let folder = TempDir::new("check");
    let place = |name: &str, from: &Path| {
        let path = folder.path().join(name);
        fs::copy(from, &path).expect("a copy");
        path.display().to_string()
    };
    let (chain, key) = (
        place("mail.crt", &certificate.chain()),
        place("mail.key", &certificate.key()),
    );
    let passwords = place("passwords", &certificate.key());
    for denied in [&key, &passwords] {
        fs::set_permissions(denied, fs::Permissions::from_mode(0o000)).expect("its mode");
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
    let text_of = format!(
        "user root;\nevents {{}}\nmail {{\n    auth_http 127.0.0.1:9;\n    ssl_password_file {passwords};\n    ssl_certificate {chain};\n    \
         ssl_certificate_key {key};\n    server {{ listen 465 ssl; }}\n    server {{ listen 587; starttls on; }}\n    \
         server {{ listen 25; proxy_pass 127.0.0.1:26; proxy_ssl on; proxy_ssl_certificate {chain}; proxy_ssl_certificate_key {key}; }}\n}}\n"
    );
    fs::write(folder.path().join("gateway.conf"), text_of).expect("the configuration");
    let run = |arguments: &[&str]| {
        let mut command = support::command(folder.path());
        if nix::unistd::geteuid().is_root() {
            // Root may read every file; nobody may not.
            command.uid(65534).gid(65534);
        }
        let output = command.args(arguments).output().expect("the gateway");
        (
            output.status.code(),
            text(&output.stderr),
            text(&output.stdout),
        )
    };
    let (code, said, _) = run(&["--check"]);
    assert_eq!(code, Some(0), "{said}");
    for denied in [&key, &passwords] {
        let line =
            format!("portcullis: [warn] \"{denied}\" is not checked: this user may not read it");
        assert_eq!(said.matches(&line).count(), 1, "{said}");
    }
    assert!(!said.contains("super-user"), "{said}");
    let (code, said, out) = run(&["--dump-config", "--changed", "--server=587"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(out.contains("starttls"), "{out}");
    let (code, said, _) = run(&["-t"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Permission denied"), "{said}");
}
