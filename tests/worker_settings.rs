//! The directives of the main context that concern the worker process, as the kernel shows them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;

use nix::sys::signal::Signal;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, crypto};
use support::{Certificate, Gateway, LineClient, TempDir, free_port};

fn mail(port: u16) -> String {
    format!(
        "mail {{ server_name gate.test; auth_http 127.0.0.1:9/; timeout 10m;
                 server {{ listen 127.0.0.1:{port}; protocol smtp; }} }}"
    )
}

/// A line of a table in /proc.
fn line(path: &str, start: &str) -> String {
    let text = fs::read_to_string(path).expect("the table");
    let line = text.lines().find_map(|line| line.strip_prefix(start));
    line.unwrap_or_else(|| panic!("no {start} in {text}"))
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn limits_folder_and_processors() {
    let (port, folder) = (free_port(), TempDir::new("folder"));
    let mode = PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), mode).expect("its mode");
    let gateway = Gateway::start_with(
        &format!(
            "worker_processes 2; worker_cpu_affinity 01 01; worker_rlimit_core 8k; worker_rlimit_nofile 100;
             working_directory {}; timer_resolution 100ms; events {{}}",
            folder.path().display()
        ),
        &mail(port),
    );
    LineClient::connect(port).expect("220");
    let worker = gateway.worker();
    let proc = |name: &str| format!("/proc/{worker}/{name}");
    assert_eq!(
        line(&proc("limits"), "Max core file size"),
        "8192 8192 bytes"
    );
    assert_eq!(line(&proc("limits"), "Max open files"), "200 200 files");
    let entered = fs::read_link(proc("cwd"));
    // Without root the link cannot be read: such a worker has core files, but its user is that of the test.
    assert_eq!(entered.expect("its folder"), folder.path());
    let mut bound = 0;
    for task in fs::read_dir(proc("task")).expect("its threads").flatten() {
        let status = task.path().join("status");
        let status = status.to_str().expect("a path");
        if line(status, "Name:").starts_with("sessions-") {
            bound += usize::from(line(status, "Cpus_allowed_list:") == "0");
        }
    }
    assert_eq!(bound, 2, "threads on the first processor");
    assert!(!gateway.log().contains("[alert]"), "{}", gateway.log());
}

/// Half a ClientHello before the reloads, the rest of the handshake after them.
#[test]
fn a_tls_handshake_outlives_reloads() {
    let (port, certificate) = (free_port(), Certificate::new());
    let tls = format!(
        "listen 127.0.0.1:{port} ssl; ssl_certificate {}; ssl_certificate_key {};",
        certificate.chain().display(),
        certificate.key().display()
    );
    let block = mail(port).replace(&format!("listen 127.0.0.1:{port};"), &tls);
    let gateway = Gateway::start(&block);
    let provider = crypto::aws_lc_rs::default_provider();
    let config = support::unverified::client(provider, rustls::DEFAULT_VERSIONS);
    let config = config.expect("a configuration").with_no_client_auth();
    let name = ServerName::try_from("gate.test").expect("a name");
    let mut tls = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut hello = Vec::new();
    tls.write_tls(&mut hello).expect("a ClientHello");
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
    socket
        .set_read_timeout(Some(support::TIMEOUT))
        .expect("a time-out");
    let (first, rest) = hello.split_at(hello.len() / 2);
    socket.write_all(first).expect("to send");
    gateway.wait_for_log(" connected to ");
    for _ in 0..5 {
        gateway.reload();
    }
    socket.write_all(rest).expect("to send");
    let mut stream = rustls::Stream::new(&mut tls, &mut socket);
    let mut greeting = [0; 3];
    stream.read_exact(&mut greeting).expect("a greeting");
    assert_eq!(&greeting, b"220");
}

/// Reloads that come faster than they can be made: the last file is in force in the end, and nobody is lost.
#[test]
fn reloads_during_reloads() {
    let port = free_port();
    let gateway = Gateway::start(&mail(port));
    let mut session = LineClient::connect(port);
    session.expect("220 gate.test");
    for round in 0..30 {
        gateway.rewrite(&mail(port).replace("gate.test", &format!("n{round}.test")));
        gateway.signal(Signal::SIGHUP);
        LineClient::connect(port).expect("220");
    }
    support::wait_until("the last file", || {
        LineClient::connect(port)
            .read_reply()
            .starts_with("220 n29.test")
    });
    session.send_line("NOOP");
    session.expect("250");
}

/// A worker that can open nothing more keeps its logs, its configuration and its sessions.
#[test]
fn a_hand_over_without_room_changes_nothing() {
    let port = free_port();
    let gateway = Gateway::start(&mail(port));
    let mut session = LineClient::connect(port);
    session.expect("220 gate.test");
    let worker = gateway.worker();
    let limit = |files: usize| {
        // As the worker's user: another one needs CAP_SYS_RESOURCE.
        let as_user: &[&str] = match nix::unistd::geteuid().is_root() {
            true => &[
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ],
            false => &["env"],
        };
        let set = Command::new(as_user[0])
            .args(&as_user[1..])
            .args([
                "prlimit",
                &format!("--pid={worker}"),
                &format!("--nofile={files}:"),
            ])
            .status();
        assert!(set.expect("prlimit").success());
    };
    let before = line(&format!("/proc/{worker}/limits"), "Max open files");
    let before = before
        .split(' ')
        .next()
        .and_then(|files| files.parse().ok());
    let open = fs::read_dir(format!("/proc/{worker}/fd"))
        .expect("its descriptors")
        .count();
    limit(open);
    gateway.rewrite(&mail(port).replace("gate.test", "new.test"));
    gateway.signal(Signal::SIGHUP);
    gateway.wait_for_log("recvmsg() of descriptors failed (24: Too many open files)");
    gateway.wait_for_log("the old configuration goes on\n");
    gateway.signal(Signal::SIGUSR1);
    gateway.wait_for_log("failed (24: Too many open files): the old logs stay in use");
    session.send_line("NOOP");
    session.expect("250");
    limit(before.expect("a number"));
    gateway.reload();
    LineClient::connect(port).expect("220 new.test");
    assert_eq!(gateway.worker(), worker);
}
