//! Data through TLS to backends, and what comes before the handshake.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use rustls::version::{TLS12, TLS13};
use support::auth_server::accepted_with;
use support::authority::{Authority, CertificateOptions, ssl_certificate};
use support::scripted::ScriptedPeer;
use support::smtp_gateway::{INTERNAL_ERROR, log_in};
use support::tls_backend::{
    ACCEPTED, Backend, ECHO_SIZE, Setup, gateway, proxy_ssl, setup, verify,
};
use support::{Certificate, Gateway, LineClient, TempDir, auth_plain, free_port};

#[test]
fn backend_named_by_the_auth_server() {
    let ca = Authority::new("CA");
    let options = CertificateOptions {
        names: &["localhost"],
        ..CertificateOptions::default()
    };
    let own = ca.sign("own", options);
    for implicit in [true, false] {
        let backend = Backend::start(setup(&own, implicit));
        for (server, more, expected) in [
            ("localhost", "", ACCEPTED),
            ("127.0.0.1", "proxy_ssl_name localhost;", ACCEPTED),
            ("127.0.0.1", "", INTERNAL_ERROR),
        ] {
            let auth = ScriptedPeer::auth_server(accepted_with(server, backend.port, ""));
            let (gateway, port) = gateway(&format!(
                "auth_http 127.0.0.1:{}/auth; xclient off; proxy_smtp_auth on; proxy_ssl {}; {} {more}",
                auth.port,
                proxy_ssl(implicit),
                verify(&ca.certificate())
            ));
            assert_eq!(log_in(port), expected, "{server} {more}\n{}", gateway.log());
            if expected == INTERNAL_ERROR {
                gateway.wait_for_log("upstream SSL certificate does not match \"127.0.0.1\"");
            }
            let received = backend.all_received();
            let logins = received.iter().filter(|line| line.contains("AUTH"));
            assert!(logins.clone().all(|line| line.starts_with("tls ")));
            assert_eq!(logins.count(), usize::from(expected == ACCEPTED));
        }
    }
}

#[test]
fn proxy_header_comes_before_tls() {
    let own = Certificate::new();
    for implicit in [true, false] {
        let backend = Backend::start(Setup {
            proxy_header: true,
            ..setup(&(own.chain(), own.key()), implicit)
        });
        let (_gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{}; proxy_ssl {}; proxy_protocol on;",
            backend.port,
            proxy_ssl(implicit)
        ));
        assert_eq!(log_in(port), ACCEPTED);
        let header = backend.received();
        assert!(
            header.starts_with("clear PROXY TCP4 127.0.0.1 "),
            "{header}"
        );
    }
}

#[test]
fn capabilities_from_before_tls_are_discarded() {
    let own = Certificate::new();
    let backend = Backend::start(setup(&(own.chain(), own.key()), false));
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; server {{ listen 127.0.0.1:{port}; protocol smtp;
            proxy_pass 127.0.0.1:{}; proxy_ssl starttls; }} }}",
        backend.port
    ));
    // Both the announced capabilities and the mechanism come from inside TLS: in clear text the backend offers CRAM-MD5 only.
    let mut announced = String::new();
    support::wait_until("the backend's capabilities", || {
        let mut client = LineClient::connect(port);
        client.expect("220");
        client.send_line("EHLO client.test");
        announced = client.expect("250");
        announced.contains("SECRET")
    });
    assert!(!announced.contains("CLEAR"), "{announced}");
    assert_eq!(log_in(port), ACCEPTED, "{}", gateway.log());
    let received = backend.all_received();
    assert!(
        received
            .iter()
            .any(|line| line.starts_with("tls AUTH PLAIN"))
    );
}

#[test]
fn unix_sockets() {
    let ca = Authority::new("CA");
    let options = CertificateOptions {
        names: &["mail.test"],
        ..CertificateOptions::default()
    };
    let own = ca.sign("own", options);
    let folder = TempDir::new("unix");
    for implicit in [true, false] {
        let path = folder.path().join(proxy_ssl(implicit));
        let _backend = Backend::on_unix(&path, setup(&own, implicit));
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(&path, open).expect("permissions");
        let proxy = format!(
            "proxy_pass unix:{}; proxy_ssl {};",
            path.display(),
            proxy_ssl(implicit)
        );
        let named = format!(
            "{proxy} {} proxy_ssl_name mail.test;",
            verify(&ca.certificate())
        );
        for more in [&proxy, &named] {
            let (gateway, port) = gateway(more);
            assert_eq!(log_in(port), ACCEPTED, "{}", gateway.log());
        }
    }
}

/// [`ECHO_SIZE`] pseudo-random bytes.
fn data() -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u8
    };
    (0..ECHO_SIZE).map(next).collect()
}

#[test]
fn ten_megabytes_both_ways() {
    let ca = Authority::new("CA");
    let options = CertificateOptions {
        names: &["localhost"],
        ..CertificateOptions::default()
    };
    let own = ca.sign("own", options);
    let data = data();
    for implicit in [true, false] {
        let backend = Backend::start(setup(&own, implicit));
        let (clear, encrypted) = (free_port(), free_port());
        let _gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; smtp_capabilities X; {}
                proxy_pass 127.0.0.1:{}; proxy_ssl {};
                server {{ listen 127.0.0.1:{clear}; protocol smtp; }}
                server {{ listen 127.0.0.1:{encrypted} ssl; protocol smtp; }} }}",
            ssl_certificate(&own),
            backend.port,
            proxy_ssl(implicit)
        ));
        let connect = |port| TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        assert!(
            echo(connect(clear), &data, |stream| {
                let result = stream.shutdown(std::net::Shutdown::Write);
                result.expect("to half-close");
            }) == data,
            "from clear text"
        );
        for version in [&TLS12, &TLS13] {
            let client = ca.client(&[version]);
            let stream = rustls::StreamOwned::new(client, connect(encrypted));
            assert!(
                echo(stream, &data, |stream| {
                    stream.conn.send_close_notify();
                    stream.flush().expect("to half-close");
                }) == data,
                "from TLS"
            );
        }
    }
}

/// Logs in, sends the data, half-closes with `finish`, and returns everything up to the end of the stream.
fn echo<S: Read + Write>(mut stream: S, data: &[u8], finish: fn(&mut S)) -> Vec<u8> {
    let login = format!("AUTH PLAIN {}\r\n", auth_plain("joe", "secret"));
    stream.write_all(login.as_bytes()).expect("to log in");
    stream.flush().expect("to log in");
    let mut reply = Vec::new();
    while !reply.ends_with(b"235 2.0.0 OK\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a reply");
        reply.push(byte[0]);
    }
    stream.write_all(b"ECHO\r\n").expect("to send");
    stream.write_all(data).expect("to send");
    stream.flush().expect("to send");
    finish(&mut stream);
    let mut back = Vec::new();
    stream.read_to_end(&mut back).expect("the data");
    back
}
