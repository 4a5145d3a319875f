//! `auth_http https://…`: verification of the auth server, and the client certificate.

use support::auth_server::{AuthServer, REFUSAL};
use support::scripted::{ScriptedPeer, Step};
use support::smtp_gateway::{INTERNAL_ERROR, gateway, log_in};
use support::tls_backend::{BOTH, server_config};
use support::{Certificate, wait_until};

#[test]
fn certificates_and_names_are_verified() {
    let (own, other) = (Certificate::new(), Certificate::new());
    let trust = |certificate: &Certificate| {
        format!(
            "auth_http_ssl_trusted_certificate {};",
            certificate.chain().display()
        )
    };
    let client_certificate = format!(
        "auth_http_ssl_certificate {}; auth_http_ssl_certificate_key {};",
        other.chain().display(),
        other.key().display()
    );
    for (host, more, clients, reply, logged) in [
        (
            "127.0.0.1",
            trust(&own),
            None,
            REFUSAL,
            "client login failed",
        ),
        (
            "localhost",
            trust(&own),
            None,
            REFUSAL,
            "client login failed",
        ),
        (
            "127.0.0.1",
            trust(&own) + "auth_http_ssl_name localhost;",
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
            trust(&other),
            None,
            INTERNAL_ERROR,
            "upstream SSL certificate verify error: (",
        ),
        (
            "127.0.0.1",
            String::new(),
            None,
            INTERNAL_ERROR,
            "upstream SSL certificate verify error: (",
        ),
        (
            "127.0.0.1",
            trust(&own) + "auth_http_ssl_name other.test;",
            None,
            INTERNAL_ERROR,
            "upstream SSL certificate does not match \"other.test\"",
        ),
        (
            "127.0.0.1",
            trust(&own) + &client_certificate,
            Some(&other),
            REFUSAL,
            "client login failed",
        ),
    ] {
        let clients = clients.map(Certificate::chain);
        let pair = (own.chain(), own.key());
        let server = AuthServer::with_tls(server_config(&pair, &BOTH, clients.as_deref()));
        let more = format!("auth_http https://{host}:{}/auth; {more}", server.port);
        let (gateway, port) = gateway(&more);
        assert_eq!(log_in(port), reply, "{more}\n{}", gateway.log());
        gateway.wait_for_log(logged);
        if reply == REFUSAL {
            let request = server.request();
            assert!(request.contains(&format!("Host: {host}\r\n")), "{request}");
            wait_until("a persistent connection", || {
                assert_eq!(log_in(port), REFUSAL);
                server.reused() > 0
            });
        }
    }
}

#[test]
fn server_without_tls_is_an_error() {
    let server = ScriptedPeer::start(&[Step::Send(b"HTTP/1.0 400 no TLS\r\n\r\n"), Step::Stall]);
    let more = format!(
        "auth_http https://127.0.0.1:{}; auth_http_ssl_verify off;",
        server.port
    );
    let (gateway, port) = gateway(&more);
    assert_eq!(log_in(port), INTERNAL_ERROR);
    gateway.wait_for_log("SSL_do_handshake() failed (SSL: ");
}
