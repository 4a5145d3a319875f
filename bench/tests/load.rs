//! The load generator with the sinks, without a gateway.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::Arc;

use portcullis_bench::client::Target;
use portcullis_bench::load::Load;
use portcullis_bench::measure;
use portcullis_bench::process_tree::Tree;
use portcullis_bench::protocol::{PASSWORD, Protocol, USER};
use portcullis_bench::sink_mailbox;
use portcullis_bench::sink_smtp::dialogue::Policy;
use portcullis_bench::sink_smtp::sasl::Account;
use portcullis_bench::sink_smtp::transcript::Transcript;
use portcullis_bench::sink_smtp::{Sink, Storage};
use portcullis_bench::tls;
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

/// A TLS server in front of `backend`.
async fn tls_proxy(backend: SocketAddr) -> SocketAddr {
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
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await?;
                assert!(client.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Full));
                let mut backend = TcpStream::connect(backend).await?;
                tokio::io::copy_bidirectional(&mut client, &mut backend).await
            });
        }
    });
    address
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

fn plain(address: SocketAddr) -> Load {
    Load {
        target: Target {
            address,
            tls: None,
            protocol: Protocol::Smtp,
        },
        sessions: 20,
        concurrency: 4,
    }
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
async fn tls_sessions_do_full_handshakes() {
    let address = tls_proxy(sink(PASSWORD).await).await;
    let load = Load {
        target: Target {
            address,
            tls: Some(tls::client().unwrap()),
            protocol: Protocol::Smtp,
        },
        ..plain(address)
    };
    let result = load.run().await;
    assert_eq!(
        (result.latencies.len(), result.errors, result.first_error),
        (20, 0, None)
    );
}

#[tokio::test]
async fn imap_and_pop3_sessions() {
    for (protocol, greeting, handler) in [
        (
            Protocol::Imap,
            &b"* OK\r\n"[..],
            sink_mailbox::imap as sink_mailbox::Handler,
        ),
        (Protocol::Pop3, b"+OK\r\n", sink_mailbox::pop3),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(sink_mailbox::serve(listener, greeting, handler));
        let mut load = plain(address);
        load.target.protocol = protocol;
        let result = load.run().await;
        assert_eq!(
            (result.latencies.len(), result.errors, result.first_error),
            (20, 0, None)
        );
    }
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
    let target = Target {
        address: sink(PASSWORD).await,
        tls: None,
        protocol: Protocol::Smtp,
    };
    let (_process, tree) = IdleProcess::tree();
    let idle = measure::idle(tree, &target, 20, 4).await.unwrap();
    assert_eq!((idle.problems.errors, idle.problems.first), (0, None));
}

#[tokio::test]
async fn figures_of_a_load() {
    let load = plain(sink(PASSWORD).await);
    let (_process, tree) = IdleProcess::tree();
    let busy = measure::busy(tree, &load).await.unwrap();
    assert_eq!(busy.problems.errors, 0);
    assert!(
        busy.rate > 0.0 && busy.p50 > 0.0 && busy.p99 >= busy.p50,
        "{busy:?}"
    );
}
