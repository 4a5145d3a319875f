//! Clients that break off handshakes, do not speak TLS where they should, or begin TLS twice. Other clients are still served.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};

use rustls::ClientConnection;
use rustls::version::{TLS12, TLS13};
use support::authority::{Authority, CertificateOptions, s_client, ssl_certificate};
use support::{Gateway, LineClient, free_port};

struct Setup {
    authority: Authority,
    gateway: Gateway,
    tls: u16,
    starttls: u16,
    imaps: u16,
    pop3s: u16,
}

fn setup() -> Setup {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign(
        "own",
        CertificateOptions {
            names: &["localhost"],
            ..CertificateOptions::default()
        },
    ));
    let [tls, starttls, imaps, pop3s] = [(); 4].map(|()| free_port());
    let gateway = Gateway::start(&format!(
        "mail {{ auth_http 127.0.0.1:1/; server_name mx; {own}
            server {{ listen 127.0.0.1:{tls} ssl; protocol smtp; }}
            server {{ listen 127.0.0.1:{starttls}; protocol smtp; starttls on; }}
            server {{ listen 127.0.0.1:{imaps} ssl; protocol imap; }}
            server {{ listen 127.0.0.1:{pop3s} ssl; protocol pop3; }}
        }}"
    ));
    Setup {
        authority,
        gateway,
        tls,
        starttls,
        imaps,
        pop3s,
    }
}

impl Setup {
    /// Both ports still serve other clients.
    fn serves(&self) {
        let shaken = s_client(self.tls, &[], "QUIT\r\n");
        assert!(shaken.out.contains("221 "), "{}{}", shaken.out, shaken.err);
        let shaken = s_client(self.starttls, &["-starttls", "smtp"], "QUIT\r\n");
        assert!(shaken.out.contains("221 "), "{}{}", shaken.out, shaken.err);
    }

    /// A connection that is ready for a handshake: implicit TLS, or after STARTTLS.
    fn begun(&self, by_starttls: bool) -> TcpStream {
        let port = if by_starttls { self.starttls } else { self.tls };
        let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        socket.set_nodelay(true).expect("TCP_NODELAY");
        if by_starttls {
            hear(&mut socket, "220 mx");
            socket.write_all(b"STARTTLS\r\n").expect("to send");
            hear(&mut socket, "220 2.0.0");
        }
        socket
    }
}

fn hear(socket: &mut TcpStream, start: &str) {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("a line");
        line.push(byte[0]);
    }
    assert!(line.starts_with(start.as_bytes()));
}

/// Reads to the end of the stream, or to a reset.
fn end(mut socket: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    rest
}

/// Sends a flight of the client and receives one of the server.
fn exchange(client: &mut ClientConnection, socket: &mut TcpStream) {
    while client.wants_write() {
        client.write_tls(socket).expect("to send");
    }
    client.read_tls(socket).expect("to receive");
    client.process_new_packets().expect("a good flight");
}

/// A handshake record of TLS.
fn record(kind: u8, version: [u8; 2], body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len())
        .expect("a short record")
        .to_be_bytes();
    [&[kind], &version[..], &length, body].concat()
}

#[test]
fn the_log_says_what_a_client_without_tls_sends() {
    let setup = setup();
    let huge = {
        let head = [&[1, 0x00, 0xff, 0xff][..], &[0; 16_000]].concat();
        let more = record(22, [3, 3], &[0; 16_000]);
        [
            record(22, [3, 1], &head),
            more.clone(),
            more.clone(),
            more.clone(),
            more,
        ]
        .concat()
    };
    for (bytes, reason) in [
        (
            &b"EHLO client.test\r\nQUIT\r\n"[..],
            "error:0A00010B:SSL routines::wrong version number",
        ),
        (
            b"GET / HTTP/1.0\r\n\r\n",
            "error:0A00009C:SSL routines::http request",
        ),
        (
            b"CONNECT mx:25 HTTP/1.1\r\n\r\n",
            "error:0A00009B:SSL routines::https proxy request",
        ),
        (
            &record(23, [3, 1], b"hello"),
            "error:0A0000F4:SSL routines::unexpected message",
        ),
        (
            &record(22, [3, 1], &[14, 0, 0, 0]),
            "error:0A0000F4:SSL routines::unexpected message",
        ),
        (
            &[&[22, 3, 1, 0xff, 0xff][..], &[0; 1000]].concat(),
            "error:0A0000C6:SSL routines::packet length too long",
        ),
        (
            &[&record(22, [3, 1], &[1, 0xff, 0xff, 0xff])[..], &[0; 1000]].concat(),
            "error:0A000098:SSL routines::excessive message size",
        ),
        (
            &record(22, [3, 1], &[1, 0, 0, 1, 0]),
            "error:0A0000A0:SSL routines::length too short",
        ),
        (&huge, "error:0A000098:SSL routines::excessive message size"),
    ] {
        for by_starttls in [false, true] {
            let lines = |log: &str| log.matches(reason).count();
            let before = lines(&setup.gateway.log());
            let mut socket = setup.begun(by_starttls);
            // The gateway may close the connection before everything is sent.
            let _ = socket.write_all(bytes);
            let _ = socket.shutdown(Shutdown::Write);
            let said = end(socket);
            assert!(!said.windows(3).any(|word| word == b"220" || word == b"500"));
            support::wait_until(reason, || lines(&setup.gateway.log()) > before);
        }
    }
    assert!(!setup.gateway.log().contains("[crit]"));
    setup.serves();
}

#[test]
fn a_handshake_in_single_bytes_succeeds() {
    let setup = setup();
    for versions in [[&TLS12], [&TLS13]] {
        for by_starttls in [false, true] {
            let mut socket = setup.begun(by_starttls);
            let mut client = setup.authority.client(&versions);
            while client.is_handshaking() {
                let mut flight = Vec::new();
                while client.wants_write() {
                    client.write_tls(&mut flight).expect("a flight");
                }
                for byte in flight {
                    socket.write_all(&[byte]).expect("to send");
                }
                if client.is_handshaking() {
                    client.read_tls(&mut socket).expect("to receive");
                    client.process_new_packets().expect("a good flight");
                }
            }
        }
    }
    setup.serves();
}

#[test]
fn a_handshake_may_be_abandoned_after_each_flight() {
    let setup = setup();
    let closed = |log: &str| {
        log.matches("peer closed connection in SSL handshake")
            .count()
    };
    for versions in [[&TLS12], [&TLS13]] {
        for by_starttls in [false, true] {
            // TLS 1.2 has two flights of the client, TLS 1.3 has one before its last.
            for flights in 0..=1 {
                let before = closed(&setup.gateway.log());
                let mut socket = setup.begun(by_starttls);
                let mut client = setup.authority.client(&versions);
                for _ in 0..flights {
                    exchange(&mut client, &mut socket);
                }
                assert!(client.is_handshaking() || flights == 1);
                drop(socket);
                support::wait_until("the line", || closed(&setup.gateway.log()) > before);
            }
            // The first half of a flight.
            let before = closed(&setup.gateway.log());
            let mut socket = setup.begun(by_starttls);
            let mut flight = Vec::new();
            setup
                .authority
                .client(&versions)
                .write_tls(&mut flight)
                .expect("a flight");
            socket
                .write_all(&flight[..flight.len() / 2])
                .expect("to send");
            socket.shutdown(Shutdown::Write).expect("to close");
            assert!(end(socket).is_empty());
            support::wait_until("the line", || closed(&setup.gateway.log()) > before);
        }
    }
    setup.serves();
}

/// The reply is that to an unknown command in clear text, and no second TLS begins.
#[test]
fn a_handshake_inside_tls_is_refused() {
    let setup = setup();
    for (port, greeting, no, start_tls, yes) in [
        (setup.tls, "220 mx", "500 5.5.1", "STARTTLS", "220 2.0.0"),
        (setup.imaps, "* OK", " BAD ", "a STARTTLS", "a OK"),
        (setup.pop3s, "+OK", "-ERR", "STLS", "+OK\r\n"),
    ] {
        for first in [false, true] {
            let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
            let mut client = setup.authority.client(&[&TLS13]);
            let mut inner = Vec::new();
            let mut another = setup.authority.client(&[&TLS12]);
            another.write_tls(&mut inner).expect("a flight");
            let mut stream = rustls::Stream::new(&mut client, &mut socket);
            if !first {
                let command = format!("{start_tls}\r\n");
                stream.write_all(command.as_bytes()).expect("to send");
            }
            stream.write_all(&inner).expect("to send");
            let command = format!("\r\n{start_tls}\r\n");
            stream.write_all(command.as_bytes()).expect("to send");
            stream.conn.send_close_notify();
            // The gateway may close the connection before everything is sent.
            let _ = stream.flush();
            let mut said = Vec::new();
            let _ = stream.read_to_end(&mut said);
            let said = String::from_utf8_lossy(&said);
            assert!(said.starts_with(greeting), "{said}");
            assert!(said.contains(no) && !said.contains(yes), "{said}");
        }
    }
    setup.serves();
}

#[test]
fn clear_text_after_starttls_is_never_used() {
    let setup = setup();
    let mut plain = LineClient::connect(setup.starttls);
    plain.expect("220 ");
    plain.send(b"STARTTLS\r\nEHLO injected.test\r\nQUIT\r\n");
    plain.expect("220 2.0.0");
    // Depending on its time of arrival it is discarded or read as a handshake. It is never a command.
    plain.shutdown_write();
    let rest = plain.read_to_end();
    assert!(!rest.contains("250") && !rest.contains("221"), "{rest}");
    setup.serves();
}

#[test]
fn renegotiation_is_refused() {
    let setup = setup();
    let mut child = Command::new("openssl")
        .args([
            "s_client",
            "-tls1_2",
            "-connect",
            &format!("127.0.0.1:{}", setup.tls),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl");
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    let mut greeting = String::new();
    while !greeting.contains("220 mx") {
        assert!(
            out.read_line(&mut greeting).expect("a line") > 0,
            "{greeting}"
        );
    }
    let mut input = child.stdin.take().expect("its input");
    input.write_all(b"R\n").expect("to ask");
    // The client reports the reason and waits for the server.
    let mut said = String::new();
    let mut err = BufReader::new(child.stderr.take().expect("its errors"));
    while !said.contains("no renegotiation") {
        assert!(err.read_line(&mut said).expect("a line") > 0, "{said}");
    }
    assert!(said.contains("RENEGOTIATING"), "{said}");
    let _ = child.kill();
    let _ = child.wait();
    setup.serves();
}
