//! The load generator with the sinks, without a gateway.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_bench::client::Target;
use portcullis_bench::load::Load;
use portcullis_bench::measure;
use portcullis_bench::measure::memory::{self, Held};
use portcullis_bench::metric::Metric;
use portcullis_bench::process_tree::Tree;
use portcullis_bench::protocol::{PASSWORD, USER};
use portcullis_bench::scenario::{Handshake, Work};
use portcullis_bench::server::Server;
use portcullis_bench::sink_mailbox;
use portcullis_bench::sink_smtp::dialogue::Policy;
use portcullis_bench::sink_smtp::sasl::Account;
use portcullis_bench::sink_smtp::transcript::Transcript;
use portcullis_bench::sink_smtp::{Sink, Storage};
use portcullis_bench::tls::Tls;
use support::certificate::self_signed;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

async fn sink(password: &str) -> SocketAddr {
    let account = Account {
        user: USER.to_owned(),
        password: password.to_owned(),
    };
    let policy = Policy {
        host: "sink.test".to_owned(),
        account: Some(account),
        require_auth: true,
        max_size: 1 << 20,
    };
    let sink = Sink {
        policy: Arc::new(policy),
        storage: Storage::Discard,
        transcript: Transcript::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Arc::new(sink).serve(listener));
    address
}

/// A TLS server in front of `backend`, with the number of full handshakes.
async fn tls_proxy(backend: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let (certificate, key) = self_signed(&["localhost"]).unwrap();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(
        config.with_single_cert(vec![certificate], key).unwrap(),
    ));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let full = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&full);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, full) = (acceptor.clone(), Arc::clone(&full));
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await?;
                if client.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Full) {
                    full.fetch_add(1, Ordering::Relaxed);
                }
                let mut backend = TcpStream::connect(backend).await?;
                tokio::io::copy_bidirectional(&mut client, &mut backend).await
            });
        }
    });
    (address, counted)
}

/// An idle process that is measured instead of a gateway.
struct IdleProcess(std::process::Child);

impl IdleProcess {
    fn tree() -> (Self, Tree) {
        let child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let tree = Tree::new(child.id());
        (Self(child), tree)
    }
}

impl Drop for IdleProcess {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).unwrap();
    }
}

fn load(address: SocketAddr, server: Server, handshake: Handshake, work: Work) -> Load {
    let target = |_| Target {
        address,
        server,
        tls: Tls::client(handshake).unwrap(),
    };
    Load {
        targets: (0..4).map(target).collect(),
        work,
        sessions: 20,
    }
}

fn plain(address: SocketAddr) -> Load {
    load(address, Server::Smtp, Handshake::None, Work::Message(1024))
}

#[tokio::test]
async fn every_session_is_counted() {
    let result = plain(sink(PASSWORD).await).run().await;
    assert_eq!(
        (result.latencies.len(), result.errors, result.first_error),
        (20, 0, None)
    );
}

#[tokio::test]
async fn tls_sessions_do_the_wanted_handshake() {
    let (address, full) = tls_proxy(sink(PASSWORD).await).await;
    let of = |handshake| load(address, Server::SmtpsP256, handshake, Work::Message(1024));
    let result = of(Handshake::Full).run().await;
    assert_eq!((result.errors, result.first_error), (0, None));
    assert_eq!(full.load(Ordering::Relaxed), 20);
    // The first session of each client is not resumed.
    let resumed = of(Handshake::Resumed);
    measure::warm_up(&resumed).await;
    let result = resumed.run().await;
    assert_eq!((result.errors, result.first_error), (0, None));
    assert_eq!(full.load(Ordering::Relaxed), 24);
}

#[tokio::test]
async fn imap_and_pop3_sessions() {
    for (server, greeting, handler, works) in [
        (
            Server::Imap,
            &b"* OK\r\n"[..],
            sink_mailbox::imap as sink_mailbox::Handler,
            &[Work::Login, Work::Fetch(4096), Work::Fetch(300_000)][..],
        ),
        (Server::Pop3, b"+OK\r\n", sink_mailbox::pop3, &[Work::Login]),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(sink_mailbox::serve(listener, greeting, handler));
        for &work in works {
            let result = load(address, server, Handshake::None, work).run().await;
            assert_eq!(
                (result.latencies.len(), result.errors, result.first_error),
                (20, 0, None),
                "{work:?}"
            );
        }
    }
}

#[tokio::test]
async fn large_messages() {
    let mut load = plain(sink(PASSWORD).await);
    load.work = Work::Message(1 << 20);
    let result = load.run().await;
    assert_eq!((result.errors, result.first_error), (0, None));
    load.work = Work::Message((1 << 20) + 1);
    assert_eq!(
        load.run().await.first_error.unwrap(),
        "message: \"552 5.3.4 Message too large\""
    );
}

#[tokio::test]
async fn wrong_replies_are_errors() {
    let result = plain(sink("another").await).run().await;
    assert_eq!((result.latencies.len(), result.errors), (0, 20));
    assert_eq!(
        result.first_error.unwrap(),
        "AUTH: \"535 5.7.8 Authentication credentials invalid\""
    );
}

#[tokio::test]
async fn refused_connections_are_errors() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let result = plain(address).run().await;
    assert_eq!(result.errors, 20);
    assert!(result.first_error.unwrap().starts_with("connect: "));
}

#[tokio::test]
async fn idle_sessions_stay_open() {
    let address = sink(PASSWORD).await;
    for work in [Work::Greeting, Work::Login] {
        let held = Held {
            target: plain(address).targets[0].clone(),
            work,
            sessions: 20,
            clients: 4,
        };
        let (_process, tree) = IdleProcess::tree();
        let idle = memory::idle(tree, &held).await.unwrap();
        assert_eq!((idle.problems.errors, idle.problems.first), (0, None));
    }
}

#[tokio::test]
async fn figures_of_a_load() {
    let load = plain(sink(PASSWORD).await);
    let (_process, tree) = IdleProcess::tree();
    let busy = measure::busy(tree, &load).await.unwrap();
    assert_eq!(busy.problems.errors, 0);
    let of = |metric| busy.figure(&metric).unwrap();
    assert!(
        of(Metric::Rate) > 0.0 && of(Metric::P50) > 0.0 && of(Metric::P99) >= of(Metric::P50),
        "{busy:?}"
    );
}
