//! `-t`, `-T` and `-q`: messages, exit codes, and the files that a test leaves.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use support::{TempDir, free_port};

fn written(listen: &str) -> TempDir {
    let scratch = TempDir::new("test");
    let mail = format!(
        "mail {{ server_name gate.test; auth_http http://127.0.0.1:9/;
         server {{ listen {listen}; protocol smtp; }} }}"
    );
    support::write_configuration(scratch.path(), &mail);
    scratch
}

fn run(scratch: &TempDir, arguments: &[&str]) -> Output {
    support::command(scratch.path())
        .args(arguments)
        .output()
        .expect("the gateway")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn file(scratch: &TempDir) -> String {
    scratch.path().join("gateway.conf").display().to_string()
}

fn success(scratch: &TempDir) -> String {
    let file = file(scratch);
    format!(
        "portcullis: the configuration file {file} syntax is ok\n\
         portcullis: configuration file {file} test is successful\n"
    )
}

#[test]
fn a_valid_file_succeeds() {
    let scratch = written(&format!("127.0.0.1:{}", free_port()));
    let output = run(&scratch, &["-t"]);
    assert_eq!(
        (output.status.code(), said(&output)),
        (Some(0), success(&scratch))
    );
    assert!(output.stdout.is_empty());
    for name in ["gateway.pid", "error.log"] {
        let made = fs::read(scratch.path().join(name)).expect("a file that a start would make");
        assert!(made.is_empty(), "{name}");
    }
}

#[test]
fn quiet_reports_no_success() {
    let scratch = written(&format!("127.0.0.1:{}", free_port()));
    let output = run(&scratch, &["-t", "-q"]);
    assert_eq!(
        (output.status.code(), said(&output)),
        (Some(0), String::new())
    );
}

#[test]
fn an_address_in_use_is_accepted() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let scratch = written(&holder.local_addr().expect("its address").to_string());
    let output = run(&scratch, &["-t"]);
    assert_eq!(
        (output.status.code(), said(&output)),
        (Some(0), success(&scratch))
    );
}

#[test]
fn an_address_of_another_machine_fails() {
    let scratch = written("192.0.2.1:25");
    let output = run(&scratch, &["-t"]);
    let file = file(&scratch);
    let text = format!(
        "portcullis: the configuration file {file} syntax is ok\n\
         portcullis: [emerg] bind() to 192.0.2.1:25 failed (99: Cannot assign requested address)\n\
         portcullis: configuration file {file} test failed\n"
    );
    assert_eq!((output.status.code(), said(&output)), (Some(1), text));
}

#[test]
fn a_unix_socket_is_removed_afterwards() {
    let folder = TempDir::new("unix");
    let path = folder.path().join("socket");
    let scratch = written(&format!("unix:{}", path.display()));
    assert_eq!(run(&scratch, &["-t"]).status.code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_dump_shows_every_file() {
    let scratch = written(&format!("127.0.0.1:{}", free_port()));
    let output = run(&scratch, &["-T"]);
    let file = file(&scratch);
    let content = fs::read_to_string(&file).expect("the configuration");
    assert_eq!(
        (output.status.code(), said(&output)),
        (Some(0), success(&scratch))
    );
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(shown, format!("# configuration file {file}:\n{content}\n"));
}

#[test]
fn an_invalid_file_fails() {
    let scratch = written(&format!("127.0.0.1:{}", free_port()));
    support::write_configuration(scratch.path(), "mail {\n  nonsense;\n}");
    let output = run(&scratch, &["-t", "-q"]);
    let file = file(&scratch);
    let text = format!(
        "portcullis: [emerg] unknown directive \"nonsense\" in {file}:7\n\
         portcullis: configuration file {file} test failed\n"
    );
    assert_eq!((output.status.code(), said(&output)), (Some(1), text));
}

#[test]
fn other_errors_follow_nginx_s_first() {
    let scratch = written(&format!("127.0.0.1:{}", free_port()));
    support::write_configuration(
        scratch.path(),
        "mail {\n  nonsense;\n  timeout x;\n  server {\n  }\n}",
    );
    let output = run(&scratch, &["-t"]);
    let file = file(&scratch);
    let text = format!(
        "portcullis: [emerg] unknown directive \"nonsense\" in {file}:7\n\
         portcullis: also: [emerg] \"timeout\" directive invalid value in {file}:8\n\
         portcullis: also: [emerg] no \"listen\" is defined for server in {file}:9\n\
         portcullis: also: [emerg] no \"auth_http\" is defined for server in {file}:9\n\
         portcullis: also: hint: a server needs `auth_http URL;`, or `proxy_pass host:port;` if the backend itself checks logins\n\
         portcullis: configuration file {file} test failed\n"
    );
    assert_eq!((output.status.code(), said(&output)), (Some(1), text));
    // A start stops where nginx does.
    let output = run(&scratch, &[]);
    let text = format!("portcullis: [emerg] unknown directive \"nonsense\" in {file}:7\n");
    assert_eq!((output.status.code(), said(&output)), (Some(1), text));
}

#[test]
fn further_errors_are_counted() {
    let scratch = written(&format!("127.0.0.1:{}", free_port()));
    let text = format!("mail {{\n{} }}", "nonsense;\n".repeat(40));
    support::write_configuration(scratch.path(), &text);
    let said = said(&run(&scratch, &["-t"]));
    assert_eq!(said.matches(": also: [emerg] ").count(), 20, "{said}");
    assert!(
        said.contains("portcullis: also: 19 more errors\n"),
        "{said}"
    );
}

/// Diagnostics go to the log of `-e` too, as log lines, and nowhere else if that log is standard error.
#[test]
fn the_log_of_option_e_has_the_diagnostics_too() {
    let scratch = written(&format!("127.0.0.1:{}", free_port()));
    support::write_configuration(scratch.path(), "http {}\nmail {\n  nonsense;\n  junk;\n}");
    let early = scratch.path().join("early.log");
    let output = run(&scratch, &["-t", "-e", &early.display().to_string()]);
    let file = file(&scratch);
    let lines = [
        format!(
            "[warn] [not-served] http block is not served by portcullis, nginx must go on serving it in {file}:6"
        ),
        format!("[emerg] unknown directive \"nonsense\" in {file}:8"),
    ];
    let without_clock = |text: &str| -> Vec<String> {
        let (date, rest) = text.split_at(20);
        assert!(date.ends_with(' '), "{text}");
        let (level, rest) = rest.split_once(' ').expect("a level");
        let (ids, text) = rest.split_once(": ").expect("numbers");
        assert!(ids.contains('#'), "{text}");
        vec![format!("{level} {text}")]
    };
    let log = fs::read_to_string(&early).expect("the early log");
    let logged: Vec<String> = log.lines().flat_map(without_clock).collect();
    assert_eq!(logged, lines);
    let also = format!("portcullis: also: [emerg] unknown directive \"junk\" in {file}:9\n");
    let failed = format!("portcullis: configuration file {file} test failed\n");
    let aloud = lines.iter().map(|line| format!("portcullis: {line}\n"));
    let wanted = aloud.collect::<String>() + &also + &failed;
    assert_eq!(said(&output), wanted);
    let output = said(&run(&scratch, &["-t", "-e", "stderr"]));
    let rest = also + &failed;
    let begin = output.strip_suffix(&rest).expect("the same end");
    let logged: Vec<String> = begin.lines().flat_map(without_clock).collect();
    assert_eq!(logged, lines);
}

#[test]
fn every_named_log_is_opened() {
    let scratch = written(&format!("127.0.0.1:{}", free_port()));
    let (used, unused) = (scratch.path().join("used"), scratch.path().join("unused"));
    let mail = |log: &str| {
        format!(
            "error_log {};\nmail {{ error_log {log}; auth_http 127.0.0.1:9; error_log {}; server {{ listen 127.0.0.1:{}; \
             protocol smtp; error_log stderr; }} }}",
            used.display(),
            unused.display(),
            free_port()
        )
    };
    support::write_configuration(scratch.path(), &mail("stderr"));
    assert_eq!(run(&scratch, &["-t"]).status.code(), Some(0));
    assert!(used.exists() && unused.exists());
    support::write_configuration(scratch.path(), &mail("/nowhere/x"));
    let output = run(&scratch, &["-t"]);
    let text = "portcullis: [emerg] open() \"/nowhere/x\" failed (2: No such file or directory)\n";
    assert!(said(&output).contains(text), "{}", said(&output));
}

#[test]
fn every_address_that_cannot_be_bound_is_reported() {
    let scratch = written("203.0.113.1:25; listen 203.0.113.2:25");
    let output = run(&scratch, &["-t", "-q"]);
    let failed = "failed (99: Cannot assign requested address)";
    let text = format!(
        "portcullis: [emerg] bind() to 203.0.113.1:25 {failed}\n\
         portcullis: also: [emerg] bind() to 203.0.113.2:25 {failed}\n\
         portcullis: configuration file {} test failed\n",
        file(&scratch)
    );
    assert_eq!((output.status.code(), said(&output)), (Some(1), text));
}

/// The warnings of the gateway have names; `-q`, `--allow` and `-s` leave them out. nginx's own ones stay.
#[test]
fn named_warnings_are_left_out() {
    let scratch = written(&format!("127.0.0.1:{}", free_port()));
    let mail = format!(
        "http {{}}\nmail {{ auth_http 127.0.0.1:9; server {{ listen 127.0.0.1:{}; protocol smtp; smtp_auth plain plain; }} }}",
        free_port()
    );
    support::write_configuration(scratch.path(), &mail);
    let warnings = |arguments: &[&str]| {
        let said = said(&run(&scratch, arguments));
        let lines = said.lines().filter_map(|line| line.split_once("[warn] "));
        let texts = lines.map(|(_, text)| text.split(" in ").next().unwrap_or_default().to_owned());
        texts.collect::<Vec<_>>()
    };
    let own = "[not-served] http block is not served by portcullis, nginx must go on serving it";
    let nginx = "duplicate value \"plain\"";
    assert_eq!(warnings(&["-t"]), [own, nginx]);
    assert_eq!(warnings(&["-t", "-q"]), [nginx]);
    assert_eq!(warnings(&["-t", "--allow", "not-served"]), [nginx]);
    assert_eq!(warnings(&["-s", "reload"]), [nginx]);
}
