//! Auth servers that are asked over TLS: whose certificate is taken, what is shown to them.

mod support;

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::Certificate;
use support::auth::{AuthServer, REFUSAL};
use support::mock::{Act, Mock};
use support::single::{INTERNAL, gateway, log_in};

/// A TLS server with this certificate, and with these CAs of clients if any.
fn tls(certificate: &Certificate, clients: Option<&Certificate>) -> Arc<rustls::ServerConfig> {
    let chain = CertificateDer::from_pem_file(certificate.chain()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(certificate.key()).expect("a key");
    let builder = rustls::ServerConfig::builder();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = rustls::RootCertStore::empty();
            let ca = CertificateDer::from_pem_file(clients.chain()).expect("a certificate");
            roots.add(ca).expect("a root");
            let verifier = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots));
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    Arc::new(
        builder
            .with_single_cert(vec![chain], key)
            .expect("a TLS server"),
    )
}

#[test]
fn https() {
    let (own, other) = (Certificate::new(), Certificate::new());
    let trusts = |certificate: &Certificate| {
        format!(
            "auth_http_ssl_trusted_certificate {};",
            certificate.chain().display()
        )
    };
    let shows = format!(
        "auth_http_ssl_certificate {}; auth_http_ssl_certificate_key {};",
        other.chain().display(),
        other.key().display()
    );
    for (host, more, clients, heard, logged) in [
        (
            "127.0.0.1",
            trusts(&own),
            None,
            REFUSAL,
            "client login failed",
        ),
        (
            "localhost",
            trusts(&own),
            None,
            REFUSAL,
            "client login failed",
        ),
        (
            "127.0.0.1",
            trusts(&own) + "auth_http_ssl_name localhost;",
            None,
            REFUSAL,
            "client login failed",
        ),
        (
            "127.0.0.1",
            "auth_http_ssl_verify off; auth_http_ssl_name any.test;".to_string(),
            None,
            REFUSAL,
            "client login failed",
        ),
        (
            "127.0.0.1",
            trusts(&other),
            None,
            INTERNAL,
            "upstream SSL certificate verify error: (",
        ),
        (
            "127.0.0.1",
            String::new(),
            None,
            INTERNAL,
            "upstream SSL certificate verify error: (",
        ),
        (
            "127.0.0.1",
            trusts(&own) + "auth_http_ssl_name other.test;",
            None,
            INTERNAL,
            "upstream SSL certificate does not match \"other.test\"",
        ),
        (
            "127.0.0.1",
            trusts(&own) + &shows,
            Some(&other),
            REFUSAL,
            "client login failed",
        ),
    ] {
        let server = AuthServer::with_tls(tls(&own, clients));
        let more = format!("auth_http https://{host}:{}/auth; {more}", server.port);
        let (gateway, port) = gateway(&more);
        assert_eq!(log_in(port), heard, "{more}\n{}", gateway.log());
        gateway.wait_for_log(logged);
        if heard == REFUSAL {
            let request = server.request();
            assert!(request.contains(&format!("Host: {host}\r\n")), "{request}");
            assert_eq!(log_in(port), REFUSAL);
            assert_eq!(server.connections(), 1, "the connection is kept");
        }
    }
}

#[test]
fn https_to_a_server_without_tls() {
    let mock = Mock::new(&[Act::Send(b"HTTP/1.0 400 no TLS\r\n\r\n"), Act::Stall]);
    let more = format!(
        "auth_http https://127.0.0.1:{}; auth_http_ssl_verify off;",
        mock.port
    );
    let (gateway, port) = gateway(&more);
    assert_eq!(log_in(port), INTERNAL);
    gateway.wait_for_log("SSL_do_handshake() failed (SSL: ");
}
