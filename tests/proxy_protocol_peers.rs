//! PROXY headers with real peers: HAProxy as client and backend, Postfix as backend.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Socket, Type};
use support::haproxy::HaProxy;
use support::postfix::{PASSWORD, Postfix, RECIPIENT, USER};
use support::{Certificate, Gateway, LineClient, auth_plain, free_port};

/// Connects from this source address.
fn connect_from(ip: [u8; 4], port: u16) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::from((ip, 0)).into())
        .expect("to bind");
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    socket.connect(&to.into()).expect("to connect");
    socket.into()
}

/// Sends mail to Postfix, whose `Received:` field shows the address from the PROXY header.
fn send_to_postfix(version: &str) {
    let postfix =
        Postfix::start_with("smtpd_upstream_proxy_protocol = haproxy\ninet_protocols = all\n");
    let certificate = Certificate::new();
    let [port, secure, local] = [free_port(), free_port(), free_port()];
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            proxy_protocol {version};
            proxy_pass 127.0.0.1:{backend};
            ssl_certificate {cert};
            ssl_certificate_key {key};
            server {{ listen 127.0.0.1:{port} proxy_protocol; protocol smtp; set_real_ip_from 127.0.0.1; }}
            server {{ listen 127.0.0.1:{local}; protocol smtp; }}
            server {{ listen 127.0.0.1:{secure} ssl; protocol smtp; }}
        }}",
        backend = postfix.port,
        cert = certificate.chain().display(),
        key = certificate.key().display(),
    ));
    for (client, header, shown) in [
        (
            port,
            "PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n",
            "192.0.2.1",
        ),
        (
            port,
            "PROXY TCP6 2001:db8::1 2001:db8::2 1234 25\r\n",
            "IPv6:2001:db8::1",
        ),
        (local, "", "127.0.0.1"),
    ] {
        let mut session = LineClient::connect(client);
        session.send(header.as_bytes());
        let mark = format!("mark-{version}-{}", shown.replace([':', '.'], "-"));
        for (line, code) in [
            (String::new(), "220"),
            ("EHLO client.test".into(), "250"),
            (format!("AUTH PLAIN {}", auth_plain(USER, PASSWORD)), "235"),
            (format!("MAIL FROM:<{USER}>"), "250"),
            (format!("RCPT TO:<{RECIPIENT}>"), "250"),
            ("DATA".into(), "354"),
            (format!("Subject: {mark}\r\n\r\ntext\r\n."), "250"),
            ("QUIT".into(), "221"),
        ] {
            if !line.is_empty() {
                session.send_line(&line);
            }
            let reply = session.read_reply();
            assert!(
                reply.starts_with(code),
                "{reply}\n{}\n{}",
                gateway.log(),
                postfix.log()
            );
        }
        let message = String::from_utf8_lossy(&postfix.message(&mark)).into_owned();
        let received = format!("(unknown [{shown}])");
        assert!(message.contains(&received), "{message}\n{}", postfix.log());
    }
    // The capability probe sent a valid header too.
    assert!(
        !postfix.log().contains("bad or missing"),
        "{}",
        postfix.log()
    );
    // With TLS a header of version 2 has extensions.
    let output = std::process::Command::new("swaks")
        .args([
            "--server",
            "127.0.0.1",
            "--port",
            &secure.to_string(),
            "--tls-on-connect",
        ])
        .args([
            "--ehlo",
            "client.test",
            "--from",
            USER,
            "--to",
            RECIPIENT,
            "--auth",
            "PLAIN",
        ])
        .args([
            "--auth-user",
            USER,
            "--auth-password",
            PASSWORD,
            "--body",
            "mark-tls",
        ])
        .output()
        .expect("swaks");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    postfix.message("mark-tls");
}

#[test]
fn postfix_reads_version_1() {
    send_to_postfix("on");
}

#[test]
fn postfix_reads_version_2() {
    send_to_postfix("v2");
}

/// Client, HAProxy, gateway, HAProxy, backend: the client's address reaches the backend.
#[test]
fn haproxy_as_client_and_backend() {
    let backend = TcpListener::bind("127.0.0.1:0").expect("a port");
    let target = backend.local_addr().expect("its number");
    let [front, v1, v2, behind] = [free_port(), free_port(), free_port(), free_port()];
    let front_v1 = free_port();
    let local = |port: u16| format!("127.0.0.1:{port}");
    let _gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities 8BITMIME;
            set_real_ip_from 127.0.0.1;
            proxy_pass {to};
            server {{ listen {one} proxy_protocol; protocol smtp; proxy_protocol on; }}
            server {{ listen {two} proxy_protocol; protocol smtp; proxy_protocol v2; }}
        }}",
        to = local(behind),
        one = local(v1),
        two = local(v2),
    ));
    let _haproxy = HaProxy::start(&[
        (local(front), format!("{} send-proxy-v2", local(v2))),
        (local(front_v1), format!("{} send-proxy", local(v1))),
    ]);
    let _behind = HaProxy::start(&[(
        format!("{} accept-proxy", local(behind)),
        format!("{target} send-proxy"),
    )]);
    std::thread::spawn(move || {
        for stream in backend.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    for port in [front, front_v1] {
        let stream = connect_from([127, 0, 0, 77], port);
        let from = stream.local_addr().expect("its address");
        let mut client = LineClient::over(stream);
        client.expect("220");
        client.send_line(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
        client.expect("235");
        // The backend sends the header that it received.
        let header = client.read_reply();
        let expected = format!("PROXY TCP4 127.0.0.77 127.0.0.1 {} ", from.port());
        assert!(header.starts_with(&expected), "{header} is not {expected}");
    }
}

/// A backend that accepts the login and then sends the PROXY header that it received.
fn serve(stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 || !line.starts_with("PROXY ") {
        return;
    }
    let header = line.clone();
    let mut send = |reader: &mut BufReader<TcpStream>, text: &str| {
        let _ = reader.get_mut().write_all(text.as_bytes());
        line.clear();
        reader.read_line(&mut line).unwrap_or(0)
    };
    send(&mut reader, "220 backend\r\n");
    send(&mut reader, "250-backend\r\n250 AUTH PLAIN\r\n");
    send(&mut reader, &format!("235 in\r\n{header}"));
}
