//! What goes through TLS towards backends, and what goes before it.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use rustls::version::{TLS12, TLS13};
use support::mock::{Act, Mock};
use support::single::{INTERNAL, log_in};
use support::tls::{Authority, Wish, pair};
use support::tls_backend::{BLOB, Backend, LET_IN, Setup, gateway, setup, verify, word};
use support::{Certificate, Gateway, Scratch, Smtp, free_port, plain};

#[test]
fn an_auth_server_names_the_backend() {
    let ca = Authority::new("CA");
    let wish = Wish {
        names: &["localhost"],
        ..Wish::default()
    };
    let own = ca.sign("own", wish);
    for at_once in [true, false] {
        let backend = Backend::start(setup(&own, at_once));
        for (server, more, wanted) in [
            ("localhost", "", LET_IN),
            ("127.0.0.1", "proxy_ssl_name localhost;", LET_IN),
            ("127.0.0.1", "", INTERNAL),
        ] {
            let answer = format!(
                "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: {server}\r\nAuth-Port: {}\r\n\r\n",
                backend.port
            );
            let auth = Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())]);
            let (gateway, port) = gateway(&format!(
                "auth_http 127.0.0.1:{}/auth; xclient off; proxy_smtp_auth on; proxy_ssl {}; {} {more}",
                auth.port,
                word(at_once),
                verify(&ca.certificate())
            ));
            assert_eq!(log_in(port), wanted, "{server} {more}\n{}", gateway.log());
            if wanted == INTERNAL {
                gateway.wait_for_log("upstream SSL certificate does not match \"127.0.0.1\"");
            }
            let heard = backend.all_heard();
            let logins = heard.iter().filter(|line| line.contains("AUTH"));
            assert!(logins.clone().all(|line| line.starts_with("tls ")));
            assert_eq!(logins.count(), usize::from(wanted == LET_IN));
        }
    }
}

#[test]
fn the_proxy_header_goes_first() {
    let own = Certificate::new();
    for at_once in [true, false] {
        let backend = Backend::start(Setup {
            header: true,
            ..setup(&(own.chain(), own.key()), at_once)
        });
        let (_gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{}; proxy_ssl {}; proxy_protocol on;",
            backend.port,
            word(at_once)
        ));
        assert_eq!(log_in(port), LET_IN);
        let header = backend.heard();
        assert!(
            header.starts_with("clear PROXY TCP4 127.0.0.1 "),
            "{header}"
        );
    }
}

#[test]
fn offers_from_before_tls_are_forgotten() {
    let own = Certificate::new();
    let backend = Backend::start(setup(&(own.chain(), own.key()), false));
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; server {{ listen 127.0.0.1:{port}; protocol smtp;
            proxy_pass 127.0.0.1:{}; proxy_ssl starttls; }} }}",
        backend.port
    ));
    // What is announced is learned inside TLS; so is how to log in, where clear text has offered CRAM-MD5 alone.
    let mut announced = String::new();
    support::wait_until("what the backend offers", || {
        let mut client = Smtp::connect(port);
        client.expect("220");
        client.say("EHLO client.test");
        announced = client.expect("250");
        announced.contains("SECRET")
    });
    assert!(!announced.contains("CLEAR"), "{announced}");
    assert_eq!(log_in(port), LET_IN, "{}", gateway.log());
    let heard = backend.all_heard();
    assert!(heard.iter().any(|line| line.starts_with("tls AUTH PLAIN")));
}

#[test]
fn unix_sockets() {
    let ca = Authority::new("CA");
    let wish = Wish {
        names: &["mail.test"],
        ..Wish::default()
    };
    let own = ca.sign("own", wish);
    let folder = Scratch::new("unix");
    for at_once in [true, false] {
        let path = folder.path().join(word(at_once));
        let _backend = Backend::on_unix(&path, setup(&own, at_once));
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(&path, open).expect("a socket for all");
        let towards = format!(
            "proxy_pass unix:{}; proxy_ssl {};",
            path.display(),
            word(at_once)
        );
        let named = format!(
            "{towards} {} proxy_ssl_name mail.test;",
            verify(&ca.certificate())
        );
        for more in [&towards, &named] {
            let (gateway, port) = gateway(more);
            assert_eq!(log_in(port), LET_IN, "{}", gateway.log());
        }
    }
}

/// Ten megabytes, no two kilobytes alike.
fn blob() -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u8
    };
    (0..BLOB).map(next).collect()
}

#[test]
fn ten_megabytes_both_ways() {
    let ca = Authority::new("CA");
    let wish = Wish {
        names: &["localhost"],
        ..Wish::default()
    };
    let own = ca.sign("own", wish);
    let blob = blob();
    for at_once in [true, false] {
        let backend = Backend::start(setup(&own, at_once));
        let (clear, inside) = (free_port(), free_port());
        let _gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; smtp_capabilities X; {}
                proxy_pass 127.0.0.1:{}; proxy_ssl {};
                server {{ listen 127.0.0.1:{clear}; protocol smtp; }}
                server {{ listen 127.0.0.1:{inside} ssl; protocol smtp; }} }}",
            pair(&own),
            backend.port,
            word(at_once)
        ));
        let connect = |port| TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        assert!(
            carry(connect(clear), &blob, |stream| {
                let half = stream.shutdown(std::net::Shutdown::Write);
                half.expect("to half-close");
            }) == blob,
            "from clear text"
        );
        for version in [&TLS12, &TLS13] {
            let client = ca.client(&[version]);
            let stream = rustls::StreamOwned::new(client, connect(inside));
            assert!(
                carry(stream, &blob, |stream| {
                    stream.conn.send_close_notify();
                    stream.flush().expect("to half-close");
                }) == blob,
                "from TLS"
            );
        }
    }
}

/// Logs in, sends it all, half-closes, and reads what comes back until the end.
fn carry<S: Read + Write>(mut stream: S, blob: &[u8], finish: fn(&mut S)) -> Vec<u8> {
    let login = format!("AUTH PLAIN {}\r\n", plain("joe", "secret"));
    stream.write_all(login.as_bytes()).expect("to log in");
    stream.flush().expect("to log in");
    let mut heard = Vec::new();
    while !heard.ends_with(b"235 2.0.0 OK\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a reply");
        heard.push(byte[0]);
    }
    stream.write_all(b"BLOB\r\n").expect("to say it");
    stream.write_all(blob).expect("to send it");
    stream.flush().expect("to send it");
    finish(&mut stream);
    let mut back = Vec::new();
    stream.read_to_end(&mut back).expect("it back");
    back
}
