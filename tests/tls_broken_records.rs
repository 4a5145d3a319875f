//! Records that cannot be decrypted, after the handshake: the lines are those of nginx.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use rustls::{ServerConnection, StreamOwned};
use support::authority::{Authority, CertificateOptions, ssl_certificate};
use support::smtp_gateway::log_in;
use support::tls_backend::{UNAVAILABLE, gateway, server_config};
use support::{Gateway, free_port};

const BAD_MAC: &str = "error:0A000119:SSL routines::decryption failed or bad record mac";
const NO_TLS: &str = "error:0A00010B:SSL routines::wrong version number";
const TOO_LONG: &str = "error:0A0000C6:SSL routines::packet length too long";

#[test]
fn of_clients() {
    let authority = Authority::new("CA");
    let options = CertificateOptions {
        names: &["localhost"],
        ..CertificateOptions::default()
    };
    let own = ssl_certificate(&authority.sign("own", options));
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ auth_http 127.0.0.1:1/; server_name mx; {own}
            server {{ listen 127.0.0.1:{port} ssl; protocol smtp; }} }}"
    ));
    let too_long = [&[23, 3, 3, 0xff, 0xff][..], &[7; 300]].concat();
    for version in [&TLS12, &TLS13] {
        for (bytes, reason) in [
            (None, BAD_MAC),
            (Some(&b"NOOP in clear text\r\n"[..]), NO_TLS),
            (Some(&too_long), TOO_LONG),
        ] {
            let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
            let mut client = authority.client(&[version]);
            let mut stream = rustls::Stream::new(&mut client, &mut socket);
            let mut greeting = [0; 6];
            stream.read_exact(&mut greeting).expect("a greeting");
            assert_eq!(&greeting, b"220 mx");
            let mut record = Vec::new();
            client.writer().write_all(b"NOOP\r\n").expect("a command");
            client.write_tls(&mut record).expect("a record");
            let at = record.len() - 3;
            record[at] ^= 1;
            let line = format!(
                "SSL_read() failed (SSL: {reason}) while in auth state, client: 127.0.0.1, server: 127.0.0.1:{port}"
            );
            let count = || gateway.log().matches(&line).count();
            let before = count();
            socket.write_all(bytes.unwrap_or(&record)).expect("to send");
            support::wait_until(reason, || count() > before);
        }
    }
    let log = gateway.log();
    let mut lines = log.lines().filter(|line| line.contains("SSL_read()"));
    assert!(lines.all(|line| line.contains("[info]")), "{log}");
}

#[test]
fn of_backends() {
    let authority = Authority::new("CA");
    let own = authority.sign("own", CertificateOptions::default());
    for version in [&TLS12, &TLS13] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let config = server_config(&own, &[version], None);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a server");
                let mut stream = StreamOwned::new(connection, socket.expect("a client"));
                while stream.conn.is_handshaking() {
                    if stream.conn.complete_io(&mut stream.sock).is_err() {
                        break;
                    }
                }
                let _ = stream.sock.write_all(b"220 in clear text\r\n");
                let _ = stream.sock.read_to_end(&mut Vec::new());
            }
        });
        let (gateway, at) = gateway(&format!("proxy_pass 127.0.0.1:{port}; proxy_ssl on;"));
        assert_eq!(log_in(at), UNAVAILABLE);
        let line = format!(
            "SSL_read() failed (SSL: {NO_TLS}) while reading response from upstream, client: 127.0.0.1"
        );
        gateway.wait_for_log(&line);
        let log = gateway.log();
        let line = log.lines().find(|shown| shown.contains(&line));
        assert!(line.is_some_and(|line| line.contains("[error]")), "{log}");
    }
}
