//! The PROXY header that the gateway sends to backends: extensions about TLS, and the header of capability probes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use portcullis::proto::proxy_protocol;
use support::authority::{Authority, CertificateOptions, ssl_certificate};
use support::{Certificate, Gateway, LineClient, auth_plain, free_port, wait_until};

/// The header that the backend receives when OpenSSL's client logs in with these arguments.
fn header_for(port: u16, arguments: &[&str], backend: &TcpListener) -> Vec<u8> {
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect"])
        .arg(format!("127.0.0.1:{port}"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let login = format!("AUTH PLAIN {}\r\n", auth_plain("joe", "secret"));
    let input = client.stdin.as_mut().expect("its input");
    input.write_all(login.as_bytes()).expect("to send");
    let header = first_bytes(&backend.accept().expect("the gateway").0);
    let _ = client.kill();
    let _ = client.wait();
    header
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
    let arguments = ["-servername", "mx.test", "-alpn", "smtp", "-tls1_3"];
    let header = header_for(port, &arguments, &backend);
    let read = proxy_protocol::parse(&header)
        .expect("a header")
        .expect("a complete one");
    let addresses = read.addresses.expect("addresses");
    assert_eq!(
        read.length,
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
        let [certificate, key] = [certificate, key].map(|path| path.display().to_string());
        ["-cert".to_owned(), certificate, "-key".to_owned(), key]
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
        // X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
        (show(&untrusted).to_vec(), &[7, 0, 0, 0, 21], Some("eve")),
    ];
    for (arguments, flags, name) in rows {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let header = header_for(port, &[&["-tls1_2"], &*arguments].concat(), &backend);
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

/// The signature and the key of the certificate that the client has received.
#[test]
fn proxy_header_v2_names_the_algorithms_of_the_own_certificate() {
    let backend = TcpListener::bind("127.0.0.1:0").expect("a port");
    let pki = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conformance/pki");
    let pair = |certificate, key| ssl_certificate(&(pki.join(certificate), pki.join(key)));
    let port = free_port();
    let _gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2; {} {}
            server {{ listen 127.0.0.1:{port} ssl; protocol smtp; smtp_capabilities 8BITMIME;
                      proxy_pass {}; }} }}",
        pair("cert.pem", "key.pem"),
        pair("ec-cert.pem", "ec-key.pem"),
        backend.local_addr().expect("its number"),
    ));
    let (rsa, ec) = (
        &b"\x24\x00\x0aRSA-SHA256\x25\x00\x07RSA2048\x03"[..],
        &b"\x24\x00\x11ecdsa-with-SHA256\x25\x00\x05EC256\x03"[..],
    );
    for (arguments, algorithms) in [
        (&["-tls1_3"][..], ec),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], ec),
        (&["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], rsa),
    ] {
        let header = header_for(port, arguments, &backend);
        let found = header
            .windows(algorithms.len())
            .any(|window| window == algorithms);
        assert!(found, "{arguments:?}: {header:?}");
    }
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

/// A line replaces what the gateway says about its own TLS.
#[test]
fn proxy_header_v2_has_the_configured_extensions() {
    let backend = TcpListener::bind("127.0.0.1:0").expect("a port");
    let certificate = Certificate::new();
    let (own, inherits) = (free_port(), free_port());
    let server = |port, more: &str| {
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; protocol smtp; smtp_capabilities X; {more} }}"
        )
    };
    let _gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2; proxy_protocol_tlv 0xe5 $ssl_protocol;
            ssl_certificate {}; ssl_certificate_key {}; proxy_pass {}; {} {} }}",
        certificate.chain().display(),
        certificate.key().display(),
        backend.local_addr().expect("its number"),
        server(
            own,
            "proxy_protocol_tlv 0xE0 \"two words\"; proxy_protocol_tlv 0xff \"\"; proxy_protocol_tlv authority \"\";
             proxy_protocol_tlv ssl_version old-$ssl_protocol; proxy_protocol_tlv alpn other; proxy_protocol_tlv ssl_cipher \"\";
             proxy_protocol_tlv ssl_cn $ssl_server_name; proxy_protocol_tlv ssl_sig_alg s; proxy_protocol_tlv ssl_key_alg k;"
        ),
        server(inherits, ""),
    ));
    let arguments = ["-servername", "mx.test", "-alpn", "smtp", "-tls1_3"];
    let header = header_for(own, &arguments, &backend);
    let want = [
        b"\x01\x00\x05other\x20\x00\x25\x05\0\0\0\x01".as_slice(),
        b"\x21\x00\x0bold-TLSv1.3\x24\x00\x01s\x25\x00\x01k\x22\x00\x07mx.test",
        b"\xe0\x00\x09two words\x03\x00\x04",
    ]
    .concat();
    let extensions = &header[16 + 12..header.len() - 4];
    assert_eq!(extensions, want, "{extensions:?}");
    let header = header_for(inherits, &arguments, &backend);
    let extensions = &header[16 + 12..header.len() - 4];
    assert!(
        extensions.starts_with(b"\x02\x00\x07mx.test\x01\x00\x04smtp\x20"),
        "{extensions:?}"
    );
    assert!(
        extensions.ends_with(b"\xe5\x00\x07TLSv1.3\x03\x00\x04"),
        "{extensions:?}"
    );
}
