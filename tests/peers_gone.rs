//! Peers that are gone for a while: sessions that do not need them go on, and new ones are served once they are back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_resolver::proto::rr::RecordType;
use support::auth_server::{REFUSED, accepted};
use support::dns::{NameServer, Response};
use support::load::{Client, Peers, session};
use support::scripted::ScriptedPeer;
use support::{Gateway, LineClient, auth_plain, free_port};

/// A TCP relay that stands for a peer: while it is closed, connections are refused, and those that were open have ended.
struct Relay {
    port: u16,
    target: u16,
    open: Option<Open>,
}

struct Open {
    stop: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    thread: thread::JoinHandle<()>,
}

impl Relay {
    fn open_to(target: u16) -> Self {
        let mut this = Self {
            port: free_port(),
            target,
            open: None,
        };
        this.open();
        this
    }

    fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("the port");
        let (stop, streams) = (Arc::<AtomicBool>::default(), Arc::default());
        let thread = thread::spawn({
            let (stop, streams) = (Arc::clone(&stop), Arc::clone(&streams));
            let target = self.target;
            move || accept(&listener, target, &stop, &streams)
        });
        self.open = Some(Open {
            stop,
            streams,
            thread,
        });
    }

    fn close(&mut self) {
        let open = self.open.take().expect("an open relay");
        open.stop.store(true, Ordering::SeqCst);
        // Wakes its accept().
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        open.thread.join().expect("its end");
        for stream in open.streams.lock().expect("the list").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, target: u16, stop: &AtomicBool, kept: &Mutex<Vec<TcpStream>>) {
    for stream in listener.incoming().flatten() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let other = TcpStream::connect(("127.0.0.1", target)).expect("the peer");
        let clone = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
        for (from, to) in [
            (clone(&stream), clone(&other)),
            (clone(&other), clone(&stream)),
        ] {
            thread::spawn(move || copy(from, to));
        }
        kept.lock().expect("the list").extend([stream, other]);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn mail(port: u16, auth: u16) -> String {
    format!(
        "mail {{ server_name gate.test; auth_http 127.0.0.1:{auth}/; xclient off; smtp_auth plain;
                 server {{ listen 127.0.0.1:{port}; protocol smtp; }} }}"
    )
}

#[test]
fn the_auth_server_is_gone_and_back() {
    let (port, peers) = (free_port(), Peers::start());
    let mut auth = Relay::open_to(peers.auth);
    let gateway = Gateway::start(&mail(port, auth.port));
    let mut proxied = Client::connect(port).expect("a connection");
    proxied.log_in("joe").expect("a login");
    let mut greeted = Client::connect(port).expect("a connection");
    auth.close();
    let error = session(port).expect_err("a login without an auth server");
    assert!(error.contains("451 4.3.2 Internal server error"), "{error}");
    let line = format!(", server: 127.0.0.1:{port}, login: \"joe\"");
    gateway.wait_for_log("while in http auth state, client: 127.0.0.1");
    gateway.wait_for_log(&line);
    proxied
        .deliver()
        .expect("mail of a client that is logged in");
    auth.open();
    greeted
        .log_in("joe")
        .expect("a login of a client that was there all the time");
    session(port).expect("a new session");
    proxied.quit().expect("the end");
}

#[test]
fn the_backend_is_gone_and_back() {
    let (port, peers) = (free_port(), Peers::start());
    let mut backend = Relay::open_to(peers.backend);
    let auth = ScriptedPeer::auth_server(accepted(backend.port));
    let gateway = Gateway::start(&mail(port, auth.port));
    session(port).expect("a session");
    let mut greeted = Client::connect(port).expect("a connection");
    backend.close();
    let error = session(port).expect_err("a login without a backend");
    assert!(error.contains("451 4.3.2 Internal server error"), "{error}");
    gateway.wait_for_log(
        "recv() failed (111: Connection refused) while reading response from upstream",
    );
    backend.open();
    greeted
        .log_in("joe")
        .expect("a login of a client that was there all the time");
    greeted.deliver().expect("its mail");
    session(port).expect("a new session");
}

#[test]
fn the_name_server_is_gone_and_back() {
    const REVERSE: &str = "1.0.0.127.in-addr.arpa";
    let (port, names) = (free_port(), NameServer::start());
    let auth = ScriptedPeer::auth_server(REFUSED);
    let block = mail(port, auth.port);
    let resolver = format!(
        "mail {{ resolver {} valid=1s; resolver_timeout 1s;",
        names.address
    );
    let _gateway = Gateway::start(&block.replace("mail {", &resolver));
    names.set(REVERSE, RecordType::PTR, Response::Silence);
    let host = || {
        let mut client = LineClient::connect(port);
        client.expect("220");
        client.send_line(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
        client.expect("535");
        let request = auth.received();
        let line = request
            .lines()
            .find_map(|line| line.strip_prefix("Client-Host: "));
        line.expect("a name").to_owned()
    };
    assert_eq!(host(), "[TEMPUNAVAIL]");
    names.set_host(REVERSE, "client.test", "127.0.0.1");
    assert_eq!(host(), "client.test");
}
