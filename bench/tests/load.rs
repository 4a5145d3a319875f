//! The load generator against the sinks, with no gateway between them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::Arc;

use portcullis_bench::client::Target;
use portcullis_bench::load::Load;
use portcullis_bench::measure;
use portcullis_bench::proctree::Tree;
use portcullis_bench::protocol::{PASSWORD, Protocol, USER};
use portcullis_bench::sink_mailbox;
use portcullis_bench::sink_smtp::dialogue::Policy;
use portcullis_bench::sink_smtp::login::Account;
use portcullis_bench::sink_smtp::transcript::Transcript;
use portcullis_bench::sink_smtp::{Keep, Sink};
use portcullis_bench::tls;
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
        keep: Keep::Nothing,
        transcript: Transcript::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Arc::new(sink).serve(listener));
    address
}

/// A TLS server in front of `backend`.
async fn tls_front(backend: SocketAddr) -> SocketAddr {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let pair = tls::pair().unwrap();
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
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

/// A process to look at in a gateway's place: this one would never come to rest.
struct Bystander(std::process::Child);

impl Bystander {
    fn tree() -> (Self, Tree) {
        let child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let tree = Tree::new(child.id());
        (Self(child), tree)
    }
}

impl Drop for Bystander {
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
    let tally = plain(sink(PASSWORD).await).run().await;
    assert_eq!(
        (tally.latencies.len(), tally.errors, tally.first_error),
        (20, 0, None)
    );
}

#[tokio::test]
async fn every_tls_session_is_a_full_handshake() {
    let address = tls_front(sink(PASSWORD).await).await;
    let load = Load {
        target: Target {
            address,
            tls: Some(tls::client().unwrap()),
            protocol: Protocol::Smtp,
        },
        ..plain(address)
    };
    let tally = load.run().await;
    assert_eq!(
        (tally.latencies.len(), tally.errors, tally.first_error),
        (20, 0, None)
    );
}

#[tokio::test]
async fn mailboxes_are_logged_in_to_and_left() {
    for (protocol, greeting, talk) in [
        (
            Protocol::Imap,
            &b"* OK\r\n"[..],
            sink_mailbox::imap as sink_mailbox::Talk,
        ),
        (Protocol::Pop3, b"+OK\r\n", sink_mailbox::pop3),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(sink_mailbox::serve(listener, greeting, talk));
        let mut load = plain(address);
        load.target.protocol = protocol;
        let tally = load.run().await;
        assert_eq!(
            (tally.latencies.len(), tally.errors, tally.first_error),
            (20, 0, None)
        );
    }
}

#[tokio::test]
async fn a_wrong_reply_is_an_error_and_the_first_is_kept() {
    let tally = plain(sink("another").await).run().await;
    assert_eq!((tally.latencies.len(), tally.errors), (0, 20));
    assert_eq!(
        tally.first_error.unwrap(),
        "AUTH: \"535 5.7.8 Authentication credentials invalid\""
    );
}

#[tokio::test]
async fn nobody_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let tally = plain(address).run().await;
    assert_eq!(tally.errors, 20);
    assert!(tally.first_error.unwrap().starts_with("connect: "));
}

#[tokio::test]
async fn idle_sessions_are_held_and_asked_again() {
    let target = Target {
        address: sink(PASSWORD).await,
        tls: None,
        protocol: Protocol::Smtp,
    };
    let (_bystander, tree) = Bystander::tree();
    let idle = measure::idle(tree, &target, 20, 4).await.unwrap();
    assert_eq!((idle.trouble.errors, idle.trouble.first), (0, None));
}

#[tokio::test]
async fn busy_sessions_have_figures() {
    let load = plain(sink(PASSWORD).await);
    let (_bystander, tree) = Bystander::tree();
    let busy = measure::busy(tree, &load).await.unwrap();
    assert_eq!(busy.trouble.errors, 0);
    assert!(
        busy.rate > 0.0 && busy.p50 > 0.0 && busy.p99 >= busy.p50,
        "{busy:?}"
    );
}
