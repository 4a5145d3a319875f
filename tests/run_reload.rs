//! SIGHUP and SIGUSR1: what a reload changes, what it keeps, and that an invalid file changes nothing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use nix::sys::signal::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::{Certificate, Gateway, LineClient, TempDir, free_port, wait_until};

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
fn listens_are_added_and_removed_and_sessions_continue() {
    let [kept, removed, added] = [free_port(), free_port(), free_port()];
    let gateway = Gateway::start(&mail("old.test", &[local(kept), local(removed)]));
    let mut on_kept = LineClient::connect(kept);
    let mut on_removed = LineClient::connect(removed);
    on_kept.expect("220 old.test");
    on_removed.expect("220 old.test");
    gateway.rewrite(&mail("new.test", &[local(kept), local(added)]));
    gateway.reload();
    LineClient::connect(kept).expect("220 new.test");
    LineClient::connect(added).expect("220 new.test");
    assert!(
        TcpStream::connect(local(removed)).is_err(),
        "the removed port is open"
    );
    for session in [&mut on_kept, &mut on_removed] {
        session.send_line("HELO client.test");
        session.expect("250 old.test");
    }
    let sender = std::process::id();
    assert!(gateway.log().contains(&format!(
        "signal 1 (SIGHUP) received from {sender}, reconfiguring\n"
    )));
}

#[test]
fn no_client_is_refused_while_a_listen_stays() {
    let port = free_port();
    let gateway = Gateway::start(&mail("gate.test", &[local(port)]));
    std::thread::scope(|scope| {
        let clients =
            scope.spawn(|| (0..200).for_each(|_| drop(LineClient::connect(port).expect("220"))));
        while !clients.is_finished() {
            gateway.reload();
        }
    });
}

#[test]
fn an_invalid_file_changes_nothing() {
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
    LineClient::connect(port).expect("220 gate.test");
    let missing = format!(
        "{} ssl; ssl_certificate no.pem; ssl_certificate_key no.pem",
        local(port)
    );
    let other = Gateway::start(&mail("other.test", &[local(free_port())]));
    let theirs = other.folder().join("gateway.pid");
    let their_pid = format!("pid {};", theirs.display());
    for (file, line) in [
        (mail("new.test", &[missing]), "cannot load certificate \""),
        (
            "mail {}".to_owned(),
            "nothing to serve: no \"server\" in a \"mail\" block in ",
        ),
    ] {
        gateway.rewrite(&file);
        gateway.signal(Signal::SIGHUP);
        gateway.wait_for_log(line);
        LineClient::connect(port).expect("220 gate.test");
    }
    // The pid file of another master.
    gateway.rewrite(&mail("new.test", &[local(port)]));
    let path = gateway.folder().join("gateway.conf");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, text.replace("pid gateway.pid;", &their_pid)).expect("the configuration");
    gateway.signal(Signal::SIGHUP);
    gateway.wait_for_log(&format!(
        "is the pid file of portcullis (process {})",
        other.pid()
    ));
    LineClient::connect(port).expect("220 gate.test");
    gateway.rewrite(&mail("fixed.test", &[local(port)]));
    gateway.reload();
    LineClient::connect(port).expect("220 fixed.test");
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
    LineClient::connect(kept).expect("220 old.test");
    LineClient::connect(removed).expect("220 old.test");
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
        LineClient::connect(port)
            .read_reply()
            .starts_with("220 name20.test")
    });
}

#[test]
fn unix_sockets_are_added_and_removed() {
    let folder = TempDir::new("unix");
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let listen = |path: &std::path::Path| format!("unix:{}", path.display());
    let gateway = Gateway::start(&mail("gate.test", &[listen(&one)]));
    UnixStream::connect(&one).expect("the first");
    gateway.rewrite(&mail("gate.test", &[listen(&two)]));
    gateway.reload();
    UnixStream::connect(&two).expect("the second");
    assert!(!one.exists(), "the first socket is still there");
    gateway.wait_for_log(&format!(
        "client unix: connected to unix:{}\n",
        two.display()
    ));
}

#[test]
fn logs_are_reopened() {
    let port = free_port();
    let gateway = Gateway::start(&mail("gate.test", &[local(port)]));
    let mut session = LineClient::connect(port);
    session.expect("220");
    let (log, rotated) = (
        gateway.folder().join("error.log"),
        gateway.folder().join("error.log.1"),
    );
    fs::rename(&log, &rotated).expect("to rotate");
    gateway.signal(Signal::SIGUSR1);
    wait_until("the new log", || log.exists());
    // The line of an old session is in one of the files: the worker has the new one a moment after it exists.
    session.send_line("AUTH PLAIN !");
    session.expect("5");
    let line = "client sent invalid base64 encoding in AUTH PLAIN command";
    wait_until("the line", || {
        let files = [&log, &rotated].map(|file| fs::read_to_string(file).unwrap_or_default());
        files.concat().contains(line)
    });
    wait_until("a line in the new file", || {
        LineClient::connect(port).expect("220");
        gateway.log().contains("connected to")
    });
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

/// The configuration includes a pipe, so the test decides how long reading takes.
#[test]
fn a_slow_file_delays_nothing() {
    let port = free_port();
    let mut gateway = Gateway::start(&mail("old.test", &[local(port)]));
    let pipe = gateway.folder().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let include = format!("include {};", pipe.display());
    gateway.rewrite(&mail("", &[local(port)]).replace("server_name ;", &include));
    gateway.signal(Signal::SIGHUP);
    gateway.wait_for_log("reconfiguring\n");
    // The second signal comes during the first reading: the file is read again afterwards.
    gateway.signal(Signal::SIGHUP);
    LineClient::connect(port).expect("220 old.test");
    for name in ["first.test", "second.test"] {
        fs::write(&pipe, format!("server_name {name};")).expect("to feed a reading");
        let greeting = format!("220 {name}");
        wait_until(name, || {
            LineClient::connect(port)
                .read_reply()
                .starts_with(&greeting)
        });
    }
    // A reading that never ends does not keep the process alive.
    gateway.signal(Signal::SIGHUP);
    gateway.signal(Signal::SIGTERM);
    assert_eq!(gateway.wait(), Some(0));
}

#[test]
fn certificates_are_read_again() {
    let port = free_port();
    let (old, new) = (Certificate::new(), Certificate::new());
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; auth_http http://127.0.0.1:9/;
         server {{ listen 127.0.0.1:{port} ssl; protocol smtp;
                   ssl_certificate {}; ssl_certificate_key {}; }} }}",
        old.chain().display(),
        old.key().display(),
    ));
    let (old_chain, new_chain) = (read(&old.chain()), read(&new.chain()));
    assert_eq!(
        greeting(port, &old_chain).as_deref(),
        Ok("220 gate.test ESMTP ready\r\n")
    );
    assert!(
        greeting(port, &new_chain).is_err(),
        "the new certificate is used too early"
    );
    fs::copy(new.chain(), old.chain()).expect("to renew the certificate");
    // The key does not match yet, so the old pair stays in use.
    gateway.signal(Signal::SIGHUP);
    gateway.wait_for_log("x509 certificate routines::key values mismatch");
    assert!(greeting(port, &old_chain).is_ok());
    fs::copy(new.key(), old.key()).expect("to renew the key");
    gateway.reload();
    assert!(
        greeting(port, &old_chain).is_err(),
        "the old certificate is still used"
    );
    assert_eq!(
        greeting(port, &new_chain).as_deref(),
        Ok("220 gate.test ESMTP ready\r\n")
    );
}

fn read(path: &std::path::Path) -> Vec<u8> {
    fs::read(path).expect("a certificate")
}

/// The greeting inside TLS, for a client that trusts one certificate.
fn greeting(port: u16, trusted: &[u8]) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(trusted).expect("a certificate");
    roots.add(certificate).expect("a root");
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(client), name).expect("a client");
    let stream = TcpStream::connect(local(port)).expect("to connect");
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut line = String::new();
    stream
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    Ok(line)
}

#[test]
fn a_warning_is_not_repeated() {
    let mail = mail("gate.test", &[local(free_port())]);
    let gateway = Gateway::start(&format!("http {{}}\n{mail}"));
    gateway.reload();
    gateway.rewrite(&format!("\n\nhttp {{}}\nstream {{}}\n{mail}"));
    gateway.reload();
    let warnings = |name: &str| {
        let text = format!("[not-served] {name} block is not served by portcullis");
        gateway.log().matches(&text).count()
    };
    assert_eq!((warnings("http"), warnings("stream")), (0, 1));
}
