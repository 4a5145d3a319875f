//! All six kinds of port, checked with sslscan: old versions, weak ciphers and groups, renegotiation, known vulnerabilities.

use std::process::Command;
use std::thread;

use support::authority::{Authority, CertificateOptions, s_client, ssl_certificate};
use support::{Gateway, free_port};

/// Protocol, parameters of `listen`, further lines, and sslscan's option.
const KINDS: [(&str, &str, &str, Option<&str>); 6] = [
    ("smtp", "ssl", "", None),
    ("smtp", "", "starttls on;", Some("--starttls-smtp")),
    ("imap", "ssl", "", None),
    ("imap", "", "starttls only;", Some("--starttls-imap")),
    ("pop3", "ssl", "", None),
    ("pop3", "", "starttls on;", Some("--starttls-pop3")),
];

/// A gateway with an RSA and an ECDSA certificate, and a port of each kind.
fn gateway(lines: &str) -> (Gateway, Vec<u16>) {
    let authority = Authority::new("CA");
    let sign = |name, rsa| {
        let names = &["localhost"][..];
        ssl_certificate(&authority.sign(
            name,
            CertificateOptions {
                names,
                rsa,
                ..CertificateOptions::default()
            },
        ))
    };
    let ports: Vec<u16> = KINDS.iter().map(|_| free_port()).collect();
    let servers: String = ports
        .iter()
        .zip(KINDS)
        .map(|(port, (protocol, listen, more, _))| {
            format!("server {{ listen 127.0.0.1:{port} {listen}; protocol {protocol}; {more} }}\n")
        })
        .collect();
    let (rsa, ec) = (sign("rsa", true), sign("ec", false));
    let gateway = Gateway::start(&format!(
        "mail {{ auth_http 127.0.0.1:1/; server_name mx.test; {lines} {rsa} {ec}\n{servers} }}"
    ));
    (gateway, ports)
}

/// The lines of sslscan's report without spaces at their ends.
fn scan(port: u16, how: Option<&str>) -> Vec<String> {
    let output = Command::new("sslscan")
        .args(["--no-colour", "--timeout=8"])
        .args(how)
        .arg(format!("127.0.0.1:{port}"))
        .output()
        .expect("sslscan");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[test]
fn no_port_offers_anything_weak() {
    let (gateway, ports) = gateway("");
    let scans: Vec<_> = ports
        .into_iter()
        .zip(KINDS)
        .map(|(port, kind)| (kind, thread::spawn(move || scan(port, kind.3))))
        .collect();
    for (kind, scan) in scans {
        let lines = scan.join().expect("a scan");
        let has = |line: &str| lines.iter().any(|own| own == line);
        for line in [
            "SSLv2     disabled",
            "SSLv3     disabled",
            "TLSv1.0   disabled",
            "TLSv1.1   disabled",
            "TLSv1.2   enabled",
            "TLSv1.3   enabled",
            "Session renegotiation not supported",
            "TLSv1.3 not vulnerable to heartbleed",
            "TLSv1.2 not vulnerable to heartbleed",
        ] {
            assert!(has(line), "{kind:?}: no {line:?} in\n{}", lines.join("\n"));
        }
        assert!(!has("Compression enabled"), "{kind:?}");
        let mut suites: Vec<&str> = lines
            .iter()
            .filter_map(|line| {
                let rest = line
                    .strip_prefix("Preferred ")
                    .or(line.strip_prefix("Accepted "))?;
                rest.split_whitespace().nth(3)
            })
            .collect();
        suites.sort_unstable();
        let all = [
            "ECDHE-ECDSA-AES128-GCM-SHA256",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-RSA-AES256-GCM-SHA384",
            "ECDHE-RSA-CHACHA20-POLY1305",
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
        ];
        assert_eq!(suites, all, "{kind:?}");
        let groups: Vec<&str> = lines
            .iter()
            .filter(|line| line.contains(" bits  ") && line.starts_with("TLSv1.3"))
            .filter_map(|line| line.split_whitespace().nth(3))
            .collect();
        assert_eq!(groups, ["secp256r1", "secp384r1", "x25519"], "{kind:?}");
    }
    // A scan causes no lines above the level `info`.
    let log = gateway.log();
    for level in ["[warn]", "[error]", "[crit]", "[alert]"] {
        assert!(!log.contains(level), "{log}");
    }
}

#[test]
fn ssl_prefer_server_ciphers_is_honoured() {
    let (_gateway, ports) = gateway("ssl_prefer_server_ciphers on;");
    for (port, (protocol, _, _, how)) in ports.into_iter().zip(KINDS) {
        let begin = how.map_or(vec![], |_| vec!["-starttls", protocol]);
        let farewell = ["QUIT\r\n", "a LOGOUT\r\n"][usize::from(protocol == "imap")];
        for (version, option, order) in [
            (
                "-tls1_2",
                "-cipher",
                [
                    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
                    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256",
                ],
            ),
            (
                "-tls1_3",
                "-ciphersuites",
                [
                    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",
                    "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256",
                ],
            ),
        ] {
            let chosen = order.map(|order| {
                let shaken = s_client(
                    port,
                    &[&begin[..], &[version, option, order]].concat(),
                    farewell,
                );
                let line = shaken.out.lines().find(|line| line.contains("Cipher is"));
                line.unwrap_or_default().to_owned()
            });
            assert!(
                chosen[0].replace('_', "").contains("AES256"),
                "{protocol} {chosen:?}"
            );
            assert_eq!(chosen[0], chosen[1], "{protocol}");
        }
    }
}

#[test]
fn alpn_names_the_protocol() {
    let (gateway, ports) = gateway("");
    for (port, (protocol, _, _, how)) in ports.into_iter().zip(KINDS) {
        let begin = how.map_or(vec![], |_| vec!["-starttls", protocol]);
        let farewell = ["QUIT\r\n", "a LOGOUT\r\n"][usize::from(protocol == "imap")];
        let offer = |list: &str| s_client(port, &[&begin[..], &["-alpn", list]].concat(), farewell);
        let own = offer(&format!("h2,{protocol}"));
        let agreed = format!("ALPN protocol: {protocol}\n");
        assert!(own.out.contains(&agreed), "{}{}", own.out, own.err);
        // Another mail protocol is refused like any other.
        let other = if protocol == "imap" { "pop3" } else { "imap" };
        let foreign = offer(&format!("h2,{other}"));
        assert!(
            foreign.err.contains("no application protocol"),
            "{}",
            foreign.err
        );
        assert!(offer(protocol).out.contains(&agreed));
    }
    let refused = "SSL routines::no application protocol";
    assert_eq!(gateway.log().matches(refused).count(), KINDS.len());
}
