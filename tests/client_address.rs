//! The client's address, from the socket or from a received PROXY header.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use portcullis::proto::proxy_protocol::{self, Addresses, Tlvs};
use support::auth_server::REFUSED;
use support::scripted::{ScriptedPeer, Step};
use support::{Certificate, Gateway, LineClient, TIMEOUT, auth_plain, free_port};

/// A backend that reads a PROXY header (version 1) and accepts AUTH.
const BACKEND: &[Step] = &[
    Step::ReadLine,
    Step::Send(b"220 backend\r\n"),
    Step::ReadLine,
    Step::Send(b"250-backend\r\n250 AUTH PLAIN\r\n"),
    Step::ReadLine,
    Step::Send(b"235 2.7.0 in\r\n"),
    Step::Stall,
];

fn auth() -> String {
    format!("AUTH PLAIN {}\r\n", auth_plain("joe", "secret"))
}

/// Sends a text on a Unix socket and reads up to `end`.
fn send_and_read(mut stream: UnixStream, text: &str, end: &str) -> UnixStream {
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    stream.write_all(text.as_bytes()).expect("to send");
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains(end) {
        let mut byte = [0];
        let read = stream.read(&mut byte).expect("an answer");
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&received));
        received.push(byte[0]);
    }
    stream
}

#[test]
fn proxy_header_on_unix_sockets() {
    let (auth_server, backend) = (
        ScriptedPeer::auth_server(REFUSED),
        ScriptedPeer::start(BACKEND),
    );
    let folder = support::TempDir::new("sockets");
    let path = |name: &str| folder.path().join(name);
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities 8BITMIME;
            proxy_protocol on;
            server {{ listen unix:{trusted} proxy_protocol; protocol smtp; xclient off;
                      proxy_pass 127.0.0.1:{backend}; set_real_ip_from unix:; }}
            server {{ listen unix:{untrusted} proxy_protocol; protocol smtp;
                      auth_http 127.0.0.1:{auth}; set_real_ip_from 0.0.0.0/0; set_real_ip_from ::/0; }}
            server {{ listen unix:{bare}; protocol smtp; xclient off;
                      proxy_pass 127.0.0.1:{backend}; set_real_ip_from unix:; }}
        }}",
        trusted = path("trusted").display(),
        untrusted = path("untrusted").display(),
        bare = path("bare").display(),
        backend = backend.port,
        auth = auth_server.port,
    ));
    let header = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n";
    let connect = |name: &str| UnixStream::connect(path(name)).expect("to connect");

    let _client = send_and_read(connect("trusted"), &format!("{header}{}", auth()), "235 ");
    // A Unix socket has no destination address, so the header's is passed on.
    assert_eq!(backend.received(), header.trim_end());
    gateway.wait_for_log("client logged in, client: 192.0.2.1, server: unix:");

    let _client = send_and_read(connect("untrusted"), &format!("{header}{}", auth()), "535 ");
    let request = auth_server.received();
    assert!(request.contains("\r\nClient-IP: unix:\r\nClient-Host: [UNAVAILABLE]\r\nProxy-Protocol-Addr: 192.0.2.1\r\n"), "{request}");

    while !backend.received().starts_with("AUTH") {}
    let _client = send_and_read(connect("bare"), &auth(), "235 ");
    assert_eq!(backend.received(), "PROXY UNKNOWN");
}

#[test]
fn ipv4_client_of_an_ipv6_socket() {
    let (auth_server, backend) = (
        ScriptedPeer::auth_server(REFUSED),
        ScriptedPeer::start(BACKEND),
    );
    let ports = [free_port(), free_port()];
    let _gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities 8BITMIME;
            server {{ listen [::]:{} ipv6only=off; protocol smtp; xclient off; proxy_protocol on;
                      proxy_pass 127.0.0.1:{}; }}
            server {{ listen [::]:{} ipv6only=off proxy_protocol; protocol smtp;
                      auth_http 127.0.0.1:{}; set_real_ip_from 127.0.0.0/8; }}
        }}",
        ports[0], backend.port, ports[1], auth_server.port,
    ));
    // Written as nginx writes such an address.
    let mut client = LineClient::connect(ports[0]);
    client.expect("220");
    client.send(auth().as_bytes());
    client.expect("235");
    let header = backend.received();
    let start = "PROXY TCP6 ::ffff:127.0.0.1 ::ffff:127.0.0.1 ";
    assert!(header.starts_with(start), "{header}");
    // An IPv4 network in set_real_ip_from matches it.
    let mut client = LineClient::connect(ports[1]);
    client.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n");
    client.expect("220");
    client.send(auth().as_bytes());
    client.expect("535");
    let request = auth_server.received();
    assert!(
        request.contains("\r\nClient-IP: 192.0.2.1\r\n"),
        "{request}"
    );
}

#[test]
fn proxy_header_in_single_bytes_followed_by_pipelined_commands() {
    let auth_server = ScriptedPeer::auth_server(REFUSED);
    let port = free_port();
    let _gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            server {{ listen 127.0.0.1:{port} proxy_protocol; protocol smtp; auth_http 127.0.0.1:{}; }}
        }}",
        auth_server.port,
    ));
    let addresses = Addresses {
        source: "[2001:db8::1]:1234".parse().unwrap(),
        destination: "[2001:db8::2]:25".parse().unwrap(),
    };
    for header in [
        proxy_protocol::v1(Some(addresses)).bytes,
        proxy_protocol::v2(Some(addresses), &Tlvs::default()).bytes,
    ] {
        let mut client = LineClient::connect(port);
        let (last, first) = header.split_last().expect("a header");
        for byte in first {
            client.send(&[*byte]);
            std::thread::sleep(Duration::from_millis(1));
        }
        client.send(
            &[
                &[*last],
                b"NOOP\r\nEHLO client.test\r\n".as_slice(),
                auth().as_bytes(),
            ]
            .concat(),
        );
        for start in ["220", "250 2.0.0", "250-gate.test", "535"] {
            client.expect(start);
        }
        let request = auth_server.received();
        assert!(
            request
                .contains("\r\nProxy-Protocol-Addr: 2001:db8::1\r\nProxy-Protocol-Port: 1234\r\n"),
            "{request}"
        );
    }
}

#[test]
fn timeout_limits_the_proxy_header() {
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{
            timeout 300ms;
            server {{ listen 127.0.0.1:{port} proxy_protocol; protocol smtp; proxy_pass 127.0.0.1:9; }}
        }}",
    ));
    let mut client = LineClient::connect(port);
    client.send(b"PROXY TCP4 192.0.2.1 19");
    assert_eq!(client.read_to_end(), "");
    gateway
        .wait_for_log("client timed out (110: Connection timed out) while reading PROXY protocol");
}

#[test]
fn proxy_header_and_client_hello_in_one_packet() {
    let certificate = Certificate::new();
    let [port, front] = [free_port(), free_port()];
    let listener = TcpListener::bind(("127.0.0.1", front)).expect("a port");
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            ssl_certificate {cert};
            ssl_certificate_key {key};
            server {{ listen 127.0.0.1:{port} ssl proxy_protocol; protocol smtp; set_real_ip_from 127.0.0.1;
                      proxy_pass 127.0.0.1:9; smtp_capabilities 8BITMIME; }}
        }}",
        cert = certificate.chain().display(),
        key = certificate.key().display(),
    ));
    // A proxy that sends the header together with the first bytes of the client.
    std::thread::spawn(move || {
        let mut client = listener.accept().expect("a client").0;
        let mut server = TcpStream::connect(("127.0.0.1", port)).expect("the gateway");
        let mut hello = [0; 4096];
        let length = client.read(&mut hello).expect("a ClientHello");
        let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 465\r\n".as_slice();
        let first = [header, &hello[..length]].concat();
        server.write_all(&first).expect("to send");
        let (mut from, mut to) = (
            server.try_clone().expect("a copy"),
            client.try_clone().expect("a copy"),
        );
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut client, &mut server);
    });
    let output = Command::new("swaks")
        .args([
            "--server",
            "127.0.0.1",
            "--port",
            &front.to_string(),
            "--tls-on-connect",
        ])
        .args(["--ehlo", "client.test", "--quit-after", "EHLO"])
        .output()
        .expect("swaks");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("250-gate.test"),
        "{text}\n{}",
        gateway.log()
    );
}
