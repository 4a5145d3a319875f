//! SIGHUP and SIGUSR1: what changes, what stays, and what a broken file does not do.

mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;
use support::{Gateway, Scratch, Smtp, free_port, wait_until};

fn mail(name: &str, listens: &[String]) -> String {
    let servers: String = listens
        .iter()
        .map(|listen| format!("server {{ listen {listen}; protocol smtp; }}\n"))
        .collect();
    format!("mail {{ server_name {name}; auth_http http://127.0.0.1:9/; {servers} }}")
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

#[test]
fn listens_come_and_go_and_sessions_stay() {
    let [kept, removed, added] = [free_port(), free_port(), free_port()];
    let gateway = Gateway::start(&mail("old.test", &[local(kept), local(removed)]));
    let mut on_kept = Smtp::connect(kept);
    let mut on_removed = Smtp::connect(removed);
    on_kept.expect("220 old.test");
    on_removed.expect("220 old.test");
    gateway.rewrite(&mail("new.test", &[local(kept), local(added)]));
    gateway.reload();
    Smtp::connect(kept).expect("220 new.test");
    Smtp::connect(added).expect("220 new.test");
    assert!(
        TcpStream::connect(local(removed)).is_err(),
        "the removed port is open"
    );
    for session in [&mut on_kept, &mut on_removed] {
        session.say("HELO client.test");
        session.expect("250 old.test");
    }
    let sender = std::process::id();
    assert!(gateway.log().contains(&format!(
        "signal 1 (SIGHUP) received from {sender}, reconfiguring\n"
    )));
}

#[test]
fn nobody_is_refused_while_a_listen_stays() {
    let port = free_port();
    let gateway = Gateway::start(&mail("gate.test", &[local(port)]));
    std::thread::scope(|scope| {
        let clients =
            scope.spawn(|| (0..200).for_each(|_| drop(Smtp::connect(port).expect("220"))));
        while !clients.is_finished() {
            gateway.reload();
        }
    });
}

#[test]
fn a_broken_file_changes_nothing() {
    let port = free_port();
    let gateway = Gateway::start(&mail("gate.test", &[local(port)]));
    gateway.rewrite("mail {\n  nonsense;\n}");
    gateway.signal(Signal::SIGHUP);
    let file = gateway.folder().join("gateway.conf");
    gateway.wait_for_log(&format!(
        "unknown directive \"nonsense\" in {}:7\n",
        file.display()
    ));
    gateway.wait_for_log("[emerg]");
    Smtp::connect(port).expect("220 gate.test");
    gateway.rewrite(&mail("fixed.test", &[local(port)]));
    gateway.reload();
    Smtp::connect(port).expect("220 fixed.test");
}

#[test]
fn an_address_in_use_changes_nothing() {
    let [kept, removed] = [free_port(), free_port()];
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let busy = holder.local_addr().expect("its number").port();
    let gateway = Gateway::start(&mail("old.test", &[local(kept), local(removed)]));
    gateway.rewrite(&mail("new.test", &[local(kept), local(busy)]));
    gateway.signal(Signal::SIGHUP);
    gateway.wait_for_log("still could not bind()");
    Smtp::connect(kept).expect("220 old.test");
    Smtp::connect(removed).expect("220 old.test");
}

#[test]
fn signals_in_a_row_end_with_the_last_file() {
    let port = free_port();
    let gateway = Gateway::start(&mail("name0.test", &[local(port)]));
    for round in 1..=20 {
        gateway.rewrite(&mail(&format!("name{round}.test"), &[local(port)]));
        gateway.signal(Signal::SIGHUP);
    }
    wait_until("the last name", || {
        Smtp::connect(port).hear().starts_with("220 name20.test")
    });
}

#[test]
fn unix_sockets_come_and_go() {
    let folder = Scratch::new("unix");
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let listen = |path: &std::path::Path| format!("unix:{}", path.display());
    let gateway = Gateway::start(&mail("gate.test", &[listen(&one)]));
    UnixStream::connect(&one).expect("the first");
    gateway.rewrite(&mail("gate.test", &[listen(&two)]));
    gateway.reload();
    UnixStream::connect(&two).expect("the second");
    assert!(!one.exists(), "the first stayed");
    gateway.wait_for_log(&format!(
        "client unix: connected to unix:{}\n",
        two.display()
    ));
}

#[test]
fn logs_are_opened_anew() {
    let port = free_port();
    let gateway = Gateway::start(&mail("gate.test", &[local(port)]));
    let mut session = Smtp::connect(port);
    session.expect("220");
    let (log, rotated) = (
        gateway.folder().join("error.log"),
        gateway.folder().join("error.log.1"),
    );
    fs::rename(&log, &rotated).expect("to rotate");
    gateway.signal(Signal::SIGUSR1);
    wait_until("the new log", || log.exists());
    // The old session writes to the new file.
    session.say("AUTH PLAIN !");
    session.expect("5");
    gateway.wait_for_log("client sent invalid base64 encoding in AUTH PLAIN command");
    let old = fs::read_to_string(&rotated).expect("the rotated log");
    assert!(old.contains("(SIGUSR1) received from "), "{old}");
    assert!(old.contains(", reopening logs\n"), "{old}");
}

#[test]
fn the_pid_file_moves_with_the_configuration() {
    let port = free_port();
    let gateway = Gateway::start(&mail("gate.test", &[local(port)]));
    let file = gateway.folder().join("gateway.conf");
    let text = fs::read_to_string(&file).expect("the configuration");
    fs::write(&file, text.replace("pid gateway.pid;", "pid moved.pid;"))
        .expect("the configuration");
    gateway.reload();
    let pid = fs::read_to_string(gateway.folder().join("moved.pid")).expect("the new pid file");
    assert_eq!(pid, format!("{}\n", gateway.pid()));
    assert!(!gateway.folder().join("gateway.pid").exists());
}

#[test]
fn unserved_signals_are_named() {
    let gateway = Gateway::start(&mail("gate.test", &[local(free_port())]));
    gateway.signal(Signal::SIGUSR2);
    gateway.signal(Signal::SIGWINCH);
    gateway.wait_for_log("signal 12 (SIGUSR2) received from ");
    gateway.wait_for_log("signal 28 (SIGWINCH) received from ");
}
