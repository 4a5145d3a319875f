//! The client's address, from the socket or a PROXY header, and how it is passed on to auth servers and backends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use portcullis::proto::proxy_protocol::{self, Addresses};
use support::authority::{Authority, CertificateOptions, ssl_certificate};
use support::scripted::{ScriptedPeer, Step};
use support::{Certificate, Gateway, LineClient, TIMEOUT, auth_plain, free_port, wait_until};

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
/// The response of an auth server that refuses the login.
const REFUSED: &str = "HTTP/1.0 200 OK\r\nAuth-Status: no\r\n\r\n";

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
    assert!(request.contains("\r\nClient-IP: unix:\r\nClient-Host: [TEMPUNAVAIL]\r\nProxy-Protocol-Addr: 192.0.2.1\r\n"), "{request}");

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
        proxy_protocol::v1(Some(addresses)),
        proxy_protocol::v2(Some(addresses), None),
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
fn proxy_header_v2_has_tls_extensions() {
    let backend = TcpListener::bind("127.0.0.1:0").expect("a port");
    let certificate = Certificate::new();
    let port = free_port();
    let _gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            proxy_protocol v2;
            ssl_certificate {cert};
            ssl_certificate_key {key};
            server {{ listen 127.0.0.1:{port} ssl; protocol smtp; smtp_capabilities 8BITMIME;
                      proxy_pass {backend}; }}
        }}",
        cert = certificate.chain().display(),
        key = certificate.key().display(),
        backend = backend.local_addr().expect("its number"),
    ));
    let mut client = Command::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-servername",
            "mx.test",
            "-alpn",
            "smtp",
        ])
        .args(["-tls1_3", "-connect", &format!("127.0.0.1:{port}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let input = client.stdin.as_mut().expect("its input");
    input.write_all(auth().as_bytes()).expect("to send");
    let header = first_bytes(&backend.accept().expect("the gateway").0);
    let _ = client.kill();
    let _ = client.wait();
    let (addresses, end) = proxy_protocol::parse(&header)
        .expect("a header")
        .expect("a complete one");
    let addresses = addresses.expect("addresses");
    assert_eq!(
        end,
        header.len(),
        "nothing else is sent before the greeting"
    );
    assert_eq!(
        addresses.destination,
        SocketAddr::from(([127, 0, 0, 1], port))
    );
    let extensions = &header[16 + 12..];
    let cipher = extensions.windows(4).any(|window| window == b"TLS_");
    let start = b"\x02\x00\x07mx.test\x01\x00\x04smtp\x20";
    assert!(extensions.starts_with(start), "{extensions:?}");
    assert!(cipher, "{extensions:?}");
    let version = b"\x21\x00\x07TLSv1.3\x23";
    assert!(
        extensions
            .windows(version.len())
            .any(|window| window == version),
        "{extensions:?}"
    );
}

/// The flags, the result of the verification and the common name (PROXY protocol, section 2.2.6).
#[test]
fn proxy_header_v2_describes_the_client_certificate() {
    let backend = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (authority, other) = (Authority::new("CA"), Authority::new("Other CA"));
    let port = free_port();
    let _gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2; {own} ssl_client_certificate {ca};
            server {{ listen 127.0.0.1:{port} ssl; protocol smtp; smtp_capabilities 8BITMIME;
                      ssl_verify_client optional_no_ca; proxy_pass {backend}; }} }}",
        own = ssl_certificate(&authority.sign("own", CertificateOptions::default())),
        ca = authority.certificate().display(),
        backend = backend.local_addr().expect("its number"),
    ));
    let session = authority.path("session").display().to_string();
    let (trusted, untrusted) = (
        authority.sign("joe@example.test", CertificateOptions::default()),
        other.sign("eve", CertificateOptions::default()),
    );
    let show = |(certificate, key): &(PathBuf, PathBuf)| {
        ["-cert", &show(certificate), "-key", &show(key)].map(ToOwned::to_owned)
    };
    let rows: [(Vec<String>, &[u8], Option<&str>); 4] = [
        (vec![], &[1, 0, 0, 0, 1], None),
        (
            [&show(&trusted)[..], &["-sess_out".into(), session.clone()]].concat(),
            &[7, 0, 0, 0, 0],
            Some("joe@example.test"),
        ),
        // A resumed session: the certificate is not sent again.
        (
            vec!["-sess_in".into(), session],
            &[5, 0, 0, 0, 0],
            Some("joe@example.test"),
        ),
        (show(&untrusted).to_vec(), &[7, 0, 0, 0, 1], Some("eve")),
    ];
    for (arguments, flags, name) in rows {
        let mut client = Command::new("openssl")
            .args(["s_client", "-quiet", "-tls1_2", "-connect"])
            .arg(format!("127.0.0.1:{port}"))
            .args(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl");
        let input = client.stdin.as_mut().expect("its input");
        input.write_all(auth().as_bytes()).expect("to send");
        let header = first_bytes(&backend.accept().expect("the gateway").0);
        let _ = client.kill();
        let _ = client.wait();
        let extension = &header[16 + 12..];
        assert_eq!(extension[0], 0x20, "{extension:?}");
        let mut expected = [flags, b"\x21\x00\x07TLSv1.2"].concat();
        if let Some(name) = name {
            expected.extend([0x22, 0, name.len() as u8]);
            expected.extend(name.as_bytes());
        }
        expected.push(0x23);
        assert!(
            extension[3..].starts_with(&expected),
            "{extension:?} is not {expected:?}"
        );
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
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

#[test]
fn proxy_header_of_a_capability_probe_names_the_gateway() {
    let backend = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free_port();
    // Without `smtp_capabilities` the gateway connects to ask for capabilities.
    let _gateway = Gateway::start(&format!(
        "mail {{
            proxy_protocol on;
            server {{ listen 127.0.0.1:{port}; protocol smtp; proxy_pass {}; }}
        }}",
        backend.local_addr().expect("its number"),
    ));
    let mut client = LineClient::connect(port);
    client.expect("220");
    let header = first_bytes(&backend.accept().expect("the gateway").0);
    let to = backend.local_addr().expect("its number").port();
    let header = String::from_utf8(header).expect("a line");
    assert!(
        header.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "),
        "{header}"
    );
    assert!(header.ends_with(&format!(" {to}\r\n")), "{header}");
}

/// Reads a complete PROXY header and what arrives with it.
fn first_bytes(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let mut length = 0;
    wait_until("a header", || {
        let read = stream.read(&mut bytes[length..]).expect("to read");
        length += read;
        let parsed = proxy_protocol::parse(&bytes[..length]);
        read == 0 || matches!(parsed, Ok(Some(_)))
    });
    bytes.truncate(length);
    bytes
}
