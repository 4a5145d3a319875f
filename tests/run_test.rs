//! `-t`, `-T` and `-q`: messages, exit codes, and what a test leaves behind.

mod support;

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use support::Scratch;

fn written(listen: &str) -> Scratch {
    let scratch = Scratch::new("test");
    let mail = format!(
        "mail {{ server_name gate.test; auth_http http://127.0.0.1:9/;
         server {{ listen {listen}; protocol smtp; }} }}"
    );
    support::write_configuration(scratch.path(), &mail);
    scratch
}

fn run(scratch: &Scratch, arguments: &[&str]) -> Output {
    support::command(scratch.path())
        .args(arguments)
        .output()
        .expect("the gateway")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn file(scratch: &Scratch) -> String {
    scratch.path().join("gateway.conf").display().to_string()
}

fn success(scratch: &Scratch) -> String {
    let file = file(scratch);
    format!(
        "portcullis: the configuration file {file} syntax is ok\n\
         portcullis: configuration file {file} test is successful\n"
    )
}

#[test]
fn all_is_well() {
    let scratch = written("127.0.0.1:0");
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
fn quiet_says_nothing_when_all_is_well() {
    let scratch = written("127.0.0.1:0");
    let output = run(&scratch, &["-t", "-q"]);
    assert_eq!(
        (output.status.code(), said(&output)),
        (Some(0), String::new())
    );
}

#[test]
fn an_address_in_use_is_fine() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let scratch = written(&holder.local_addr().expect("its address").to_string());
    let output = run(&scratch, &["-t"]);
    assert_eq!(
        (output.status.code(), said(&output)),
        (Some(0), success(&scratch))
    );
}

#[test]
fn an_address_of_another_machine_is_not() {
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
fn a_unix_socket_is_gone_afterwards() {
    let folder = Scratch::new("unix");
    let path = folder.path().join("socket");
    let scratch = written(&format!("unix:{}", path.display()));
    assert_eq!(run(&scratch, &["-t"]).status.code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_dump_shows_every_file() {
    let scratch = written("127.0.0.1:0");
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
fn a_broken_file_fails() {
    let scratch = written("127.0.0.1:0");
    support::write_configuration(scratch.path(), "mail {\n  nonsense;\n}");
    let output = run(&scratch, &["-t", "-q"]);
    let file = file(&scratch);
    let text = format!(
        "portcullis: [emerg] unknown directive \"nonsense\" in {file}:7\n\
         portcullis: configuration file {file} test failed\n"
    );
    assert_eq!((output.status.code(), said(&output)), (Some(1), text));
}
