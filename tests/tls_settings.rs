//! The TLS directives' effects on handshakes with OpenSSL's client.

use support::authority::{Authority, CertificateOptions, s_client, ssl_certificate};
use support::{Gateway, free_port};

/// A gateway with one TLS port for each set of lines.
fn gateway(all: &[String]) -> (Gateway, Vec<u16>) {
    let ports: Vec<u16> = all.iter().map(|_| free_port()).collect();
    let server = |(port, lines): (&u16, &String)| {
        format!("server {{ listen 127.0.0.1:{port} ssl; protocol smtp; {lines} }}\n")
    };
    let servers: String = ports.iter().zip(all).map(server).collect();
    let mail = format!("mail {{ auth_http 127.0.0.1:1/; server_name mx;\n{servers} }}");
    (Gateway::start(&mail), ports)
}

/// Does a handshake in which OpenSSL's client must print a text.
#[track_caller]
fn shows(port: u16, arguments: &[&str], text: &str) {
    let shaken = s_client(port, arguments, "QUIT\r\n");
    assert!(
        shaken.out.contains(text),
        "no {text:?} in\n{}{}",
        shaken.out,
        shaken.err
    );
}

#[test]
fn the_server_name_chooses_the_certificate_then_the_kind_of_key() {
    let authority = Authority::new("CA");
    let sign = |name: &str, names: &[&str], rsa| {
        ssl_certificate(&authority.sign(
            name,
            CertificateOptions {
                names,
                rsa,
                ..CertificateOptions::default()
            },
        ))
    };
    let lines = [
        sign("a-rsa", &["a.example", "mx.a.example"], true),
        sign("a-ec", &["a.example"], false),
        sign("wild", &["*.b.example"], false),
        sign("c.example", &[], false),
        sign("host.b.example", &["host.b.example"], true),
    ];
    let (_gateway, ports) = gateway(&[lines.concat()]);
    let rsa = ["-sigalgs", "RSA-PSS+SHA256"];
    let both = ["-sigalgs", "RSA-PSS+SHA256:ECDSA+SHA256"];
    let ec = ["-sigalgs", "ECDSA+SHA256:RSA-PSS+SHA256"];
    for (name, sigalgs, own) in [
        ("a.example", rsa, "a-rsa"),
        ("a.example", both, "a-rsa"),
        ("a.example", ec, "a-ec"),
        ("MX.A.example", ec, "a-rsa"),
        ("x.b.example", rsa, "a-rsa"),
        ("x.b.example", ec, "wild"),
        ("host.b.example", rsa, "host.b.example"),
        ("host.b.example", ec, "wild"),
        ("x.y.b.example", ec, "a-ec"),
        ("b.example", ec, "a-ec"),
        ("c.example", ec, "c.example"),
        ("unknown.example", both, "a-rsa"),
        ("unknown.example", ec, "a-ec"),
    ] {
        let arguments = [&["-servername", name][..], &sigalgs].concat();
        shows(ports[0], &arguments, &format!("subject=CN = {own}\n"));
    }
    shows(
        ports[0],
        &["-noservername", "-sigalgs", "ECDSA+SHA256"],
        "subject=CN = a-ec\n",
    );
}

#[test]
fn clients_without_a_known_name_get_the_first_pair() {
    let authority = Authority::new("CA");
    let first = authority.sign(
        "first",
        CertificateOptions {
            names: &["first.example"],
            rsa: true,
            ..CertificateOptions::default()
        },
    );
    let second = authority.sign(
        "second",
        CertificateOptions {
            names: &["second.example"],
            ..CertificateOptions::default()
        },
    );
    let (_gateway, ports) = gateway(&[format!(
        "{} {}",
        ssl_certificate(&first),
        ssl_certificate(&second)
    )]);
    shows(ports[0], &["-noservername"], "subject=CN = first\n");
    shows(
        ports[0],
        &["-servername", "other.example"],
        "subject=CN = first\n",
    );
    shows(
        ports[0],
        &["-servername", "second.example"],
        "subject=CN = second\n",
    );
}

#[test]
fn groups_suites_and_versions() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let with = |lines: &str| format!("{own} {lines}");
    let (gateway, ports) = gateway(&[
        with(""),
        with("ssl_ecdh_curve secp384r1:X448;"),
        with("ssl_conf_command Groups P-256; ssl_ecdh_curve X25519;"),
        with("ssl_conf_command MinProtocol TLSv1.3;"),
        with("ssl_conf_command MaxProtocol TLSv1.2;"),
        with("ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;"),
        with(
            "ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256; ssl_prefer_server_ciphers on;",
        ),
        with(
            "ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256; ssl_conf_command Options ServerPreference;",
        ),
        with("ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256;"),
        with(
            "ssl_conf_command Options -ServerPreference; ssl_prefer_server_ciphers on; ssl_conf_command CipherString ECDHE-ECDSA-AES128-GCM-SHA256;",
        ),
        with("ssl_conf_command Protocol -TLSv1.3;"),
    ]);
    let short_first = [
        "-tls1_2",
        "-cipher",
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
    ];
    shows(ports[0], &["-groups", "X25519"], "Server Temp Key: X25519");
    shows(
        ports[1],
        &["-groups", "X25519:P-384"],
        "Server Temp Key: ECDH, secp384r1",
    );
    shows(
        ports[2],
        &["-groups", "X25519:P-256"],
        "Server Temp Key: ECDH, prime256v1",
    );
    shows(ports[3], &[], "New, TLSv1.3,");
    shows(ports[4], &[], "New, TLSv1.2,");
    shows(ports[5], &[], "Cipher is TLS_CHACHA20_POLY1305_SHA256");
    shows(
        ports[6],
        &short_first,
        "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384",
    );
    shows(
        ports[7],
        &short_first,
        "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384",
    );
    shows(
        ports[8],
        &short_first,
        "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256",
    );
    shows(
        ports[9],
        &["-tls1_2"],
        "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256",
    );
    shows(ports[10], &[], "New, TLSv1.2,");
    for (port, arguments, reason) in [
        (
            ports[1],
            &["-groups", "X25519"][..],
            "error:0A000065:SSL routines::no suitable key share",
        ),
        (
            ports[3],
            &["-tls1_2"],
            "error:0A000102:SSL routines::unsupported protocol",
        ),
        (
            ports[4],
            &["-tls1_3"],
            "error:0A000102:SSL routines::unsupported protocol",
        ),
        (
            ports[5],
            &["-ciphersuites", "TLS_AES_128_GCM_SHA256", "-tls1_3"],
            "error:0A0000C1:SSL routines::no shared cipher",
        ),
        (
            ports[0],
            &["-tls1_2", "-cipher", "AES128-SHA"],
            "error:0A0000C1:SSL routines::no shared cipher",
        ),
        (
            ports[0],
            &["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"],
            "error:0A000076:SSL routines::no suitable signature algorithm",
        ),
        (
            ports[0],
            &["-alpn", "h2,imap"],
            "error:0A0000EB:SSL routines::no application protocol:client offers \"h2\", \"imap\"",
        ),
        (
            ports[0],
            &[
                "-no-CAfile",
                "-no-CApath",
                "-no-CAstore",
                "-verify_return_error",
            ],
            "error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48",
        ),
    ] {
        let shaken = s_client(port, arguments, "");
        assert!(!shaken.out.contains("220 mx"), "{}", shaken.out);
        let failed = format!(
            "SSL_do_handshake() failed (SSL: {reason}) while SSL handshaking, client: 127.0.0.1, server: 127.0.0.1:{port}"
        );
        gateway.wait_for_log(&failed);
    }
    shows(ports[0], &["-alpn", "h2,smtp"], "ALPN protocol: smtp");
}

#[test]
fn a_list_of_old_versions_offers_the_current_ones() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let (_gateway, ports) = gateway(&[
        format!("{own} ssl_protocols SSLv3 TLSv1 TLSv1.1;"),
        format!("{own} ssl_protocols TLSv1; ssl_ciphers ECDHE-ECDSA-AES128-SHA:AES128-SHA;"),
    ]);
    shows(ports[0], &["-tls1_2"], "Protocol  : TLSv1.2");
    for port in ports {
        shows(port, &["-tls1_3"], "TLSv1.3");
    }
}
