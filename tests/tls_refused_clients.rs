//! Clients with which no handshake is possible: OpenSSL's client gets the alert, and the log has the reason, that nginx gives.

use std::io::{Read, Write};
use std::net::TcpStream;

use support::authority::{Authority, CertificateOptions, s_client, ssl_certificate};
use support::{Gateway, free_port};

/// A gateway whose ports have one set of lines each. The last port speaks IMAP.
fn gateway(all: &[&str]) -> (Authority, Gateway, Vec<u16>) {
    let authority = Authority::new("CA");
    let options = CertificateOptions {
        rsa: true,
        ..CertificateOptions::default()
    };
    let own = ssl_certificate(&authority.sign("own", options));
    let ports: Vec<u16> = all.iter().map(|_| free_port()).collect();
    let server = |(at, (port, lines)): (usize, (&u16, &&str))| {
        let protocol = if at + 1 == all.len() { "imap" } else { "smtp" };
        format!("server {{ listen 127.0.0.1:{port} ssl; protocol {protocol}; {lines} }}\n")
    };
    let servers: String = ports.iter().zip(all).enumerate().map(server).collect();
    let gateway = Gateway::start(&format!(
        "mail {{ auth_http 127.0.0.1:1/; server_name mx; {own}\n{servers} }}"
    ));
    (authority, gateway, ports)
}

/// A refused handshake: the client gets the alert, and the log has the reason.
#[track_caller]
fn refused(gateway: &Gateway, port: u16, arguments: &[&str], alert: u8, reason: &str) {
    let count = |log: &str| log.matches(reason).count();
    let before = count(&gateway.log());
    let shaken = s_client(port, arguments, "");
    let number = format!("SSL alert number {alert}\n");
    assert!(
        shaken.err.contains(&number),
        "{arguments:?}\n{}",
        shaken.err
    );
    support::wait_until(reason, || count(&gateway.log()) > before);
    let log = gateway.log();
    let line = log.lines().rfind(|line| line.contains(reason));
    let line = line.unwrap_or_default();
    let wanted =
        format!("SSL_do_handshake() failed (SSL: {reason}) while SSL handshaking, client: ");
    assert!(line.contains("[info]") && line.contains(&wanted), "{line}");
}

const UNSUPPORTED: &str = "error:0A000102:SSL routines::unsupported protocol";
const NO_CIPHER: &str = "error:0A0000C1:SSL routines::no shared cipher";

#[test]
fn old_versions() {
    let (_authority, gateway, ports) =
        gateway(&["", "ssl_protocols TLSv1.3;", "ssl_protocols TLSv1.2;"]);
    for port in &ports {
        for version in ["-tls1", "-tls1_1"] {
            let arguments = [version, "-cipher", "DEFAULT@SECLEVEL=0"];
            refused(&gateway, *port, &arguments, 70, UNSUPPORTED);
        }
    }
    refused(&gateway, ports[1], &["-tls1_2"], 70, UNSUPPORTED);
    refused(&gateway, ports[2], &["-tls1_3"], 70, UNSUPPORTED);
}

/// A ClientHello without any extension, in one packet or byte by byte.
#[test]
fn old_versions_without_extensions() {
    let (_authority, gateway, ports) = gateway(&[""]);
    for minor in [0, 1, 2] {
        for size in [1, 200] {
            let body = [&[3, minor][..], &[7; 32], &[0, 0, 4, 0, 47, 0, 53, 1, 0]].concat();
            let length = u8::try_from(body.len()).expect("short");
            let hello = [
                &[22, 3, minor.min(1), 0, length + 4, 1, 0, 0, length][..],
                &body,
            ]
            .concat();
            let mut socket = TcpStream::connect(("127.0.0.1", ports[0])).expect("to connect");
            socket.set_nodelay(true).expect("TCP_NODELAY");
            for part in hello.chunks(size) {
                socket.write_all(part).expect("to send");
            }
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).expect("an end");
            assert_eq!(answer, [21, 3, 1, 0, 2, 2, 70]);
        }
    }
    support::wait_until("the lines", || {
        gateway.log().matches(UNSUPPORTED).count() == 6
    });
}

#[test]
fn nothing_in_common() {
    let (_authority, gateway, ports) = gateway(&[
        "ssl_ecdh_curve P-384;",
        "ssl_protocols TLSv1.2; ssl_ecdh_curve P-384;",
    ]);
    let no_group = "error:0A000065:SSL routines::no suitable key share";
    refused(
        &gateway,
        ports[0],
        &["-tls1_3", "-groups", "X25519"],
        40,
        no_group,
    );
    refused(&gateway, ports[0], &["-groups", "X25519"], 40, no_group);
    refused(
        &gateway,
        ports[0],
        &["-tls1_2", "-groups", "X25519"],
        40,
        NO_CIPHER,
    );
    refused(&gateway, ports[1], &["-groups", "X25519"], 40, NO_CIPHER);
    let ecdsa = ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"];
    refused(&gateway, ports[0], &ecdsa, 40, NO_CIPHER);
    let ccm = ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"];
    refused(&gateway, ports[0], &ccm, 40, NO_CIPHER);
    let signature = "error:0A000076:SSL routines::no suitable signature algorithm";
    let ecdsa = ["-tls1_3", "-sigalgs", "ECDSA+SHA256"];
    refused(&gateway, ports[0], &ecdsa, 40, signature);
}

#[test]
fn alpn() {
    let (_authority, gateway, ports) = gateway(&["", "ssl_alpn lenient;", "ssl_alpn strict;"]);
    let refused_with = |port, list: &str, shown: &str, version| {
        let reason =
            format!("error:0A0000EB:SSL routines::no application protocol:client offers {shown}");
        refused(&gateway, port, &["-alpn", list, version], 120, &reason);
    };
    for version in ["-tls1_2", "-tls1_3"] {
        refused_with(ports[0], "h2,http/1.1", "\"h2\", \"http/1.1\"", version);
        refused_with(ports[2], "smtp", "\"smtp\"", version);
        for (port, list, shown) in [
            (ports[0], "h2,smtp", "ALPN protocol: smtp\n"),
            (ports[1], "h2,smtp", "ALPN protocol: smtp\n"),
            (ports[1], "h2,http/1.1", "No ALPN negotiated\n"),
            (ports[2], "pop3,imap", "ALPN protocol: imap\n"),
        ] {
            let command = if port == ports[2] {
                "a LOGOUT\r\n"
            } else {
                "QUIT\r\n"
            };
            let shaken = s_client(port, &["-alpn", list, version], command);
            assert!(
                shaken.out.contains(shown),
                "{list}\n{}{}",
                shaken.out,
                shaken.err
            );
        }
    }
    // A resumed session, and a client that is asked for another key share.
    for arguments in [["-groups", "P-384:X25519"], ["-groups", "X25519:P-384"]] {
        let arguments = [&["-alpn", "h2"][..], &arguments].concat();
        let shaken = s_client(ports[1], &arguments, "QUIT\r\n");
        assert!(shaken.out.contains("221 "), "{}{}", shaken.out, shaken.err);
    }
}
