//! Real POP3 clients: poplib, curl and mpop. `kind` is `clear`, `starttls` or `tls`.

use std::path::Path;
use std::process::{Command, Output};

use crate::TempDir;
use crate::dovecot::USER;
use crate::imap_clients::python;

pub fn poplib(
    kind: &str,
    port: u16,
    password: &str,
    mechanism: &str,
    file: Option<&Path>,
) -> Output {
    python("pop3.py", kind, port, password, mechanism, file)
}

pub fn curl(kind: &str, port: u16, mechanism: &str, password: &str, path: &str) -> Output {
    let scheme = if kind == "tls" { "pop3s" } else { "pop3" };
    let url = format!("{scheme}://127.0.0.1:{port}/{path}");
    let mut command = Command::new("curl");
    command
        .args(["-sS", "-k", "--url", &url])
        .args(["--user", &format!("{USER}:{password}")])
        .args(["--login-options", &format!("AUTH={mechanism}")]);
    if kind == "starttls" {
        command.arg("--ssl-reqd");
    }
    command.output().expect("curl")
}

/// Fetches all messages into the mbox file `box` in `folder`.
pub fn mpop(kind: &str, port: u16, mechanism: &str, password: &str, folder: &TempDir) -> Output {
    let mbox = folder.path().join("box");
    let uidls = folder.path().join("uidls");
    let tls = if kind == "clear" { "off" } else { "on" };
    let starttls = if kind == "starttls" { "on" } else { "off" };
    Command::new("mpop")
        .args(["--host=127.0.0.1", &format!("--port={port}")])
        .arg(format!("--user={USER}"))
        .arg(format!("--passwordeval=echo '{password}'"))
        .arg(format!("--auth={mechanism}"))
        .args([
            &format!("--tls={tls}"),
            &format!("--tls-starttls={starttls}"),
        ])
        .args(["--tls-trust-file=", "--tls-certcheck=off", "--keep=on"])
        .arg(format!("--delivery=mbox,{}", mbox.display()))
        .arg(format!("--uidls-file={}", uidls.display()))
        .output()
        .expect("mpop")
}
