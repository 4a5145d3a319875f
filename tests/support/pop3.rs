//! Real POP3 clients: poplib, curl and mpop. `kind` is clear, stls or tls.

use std::path::Path;
use std::process::{Command, Output};

use super::Scratch;
use super::dovecot::USER;

pub fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}\n{out}\n{err}", output.status)
}

pub fn poplib(
    kind: &str,
    port: u16,
    password: &str,
    mechanism: &str,
    file: Option<&Path>,
) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/pop3.py");
    Command::new("python3")
        .args([script, kind, &port.to_string(), USER, password, mechanism])
        .args(file)
        .output()
        .expect("python3")
}

pub fn curl(kind: &str, port: u16, mechanism: &str, password: &str, path: &str) -> Output {
    let scheme = if kind == "tls" { "pop3s" } else { "pop3" };
    let mut command = Command::new("curl");
    command
        .args([
            "-sS",
            "-k",
            "--url",
            &format!("{scheme}://127.0.0.1:{port}/{path}"),
        ])
        .args(["--user", &format!("{USER}:{password}")])
        .args(["--login-options", &format!("AUTH={mechanism}")]);
    if kind == "stls" {
        command.arg("--ssl-reqd");
    }
    command.output().expect("curl")
}

pub fn mpop(kind: &str, port: u16, mechanism: &str, password: &str, folder: &Scratch) -> Output {
    let box_ = folder.path().join("box");
    let tls = if kind == "clear" { "off" } else { "on" };
    let starttls = if kind == "stls" { "on" } else { "off" };
    Command::new("mpop")
        .args([
            "--host=127.0.0.1",
            &format!("--port={port}"),
            &format!("--user={USER}"),
        ])
        .args([
            &format!("--passwordeval=echo '{password}'"),
            &format!("--auth={mechanism}"),
        ])
        .args([
            &format!("--tls={tls}"),
            &format!("--tls-starttls={starttls}"),
        ])
        .args(["--tls-trust-file=", "--tls-certcheck=off", "--keep=on"])
        .arg(format!("--delivery=mbox,{}", box_.display()))
        .arg(format!(
            "--uidls-file={}",
            folder.path().join("uidls").display()
        ))
        .output()
        .expect("mpop")
}
