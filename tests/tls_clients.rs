//! Client certificates, shown by OpenSSL's client: chains, names of CAs, log lines.

use std::fs;
use std::path::{Path, PathBuf};

use support::authority::{Authority, CertificateOptions, ClientOutput, s_client, ssl_certificate};
use support::{Gateway, free_port};

/// A gateway with one port for each set of lines.
fn gateway(own: &str, all: &[String]) -> (Gateway, Vec<u16>) {
    let ports: Vec<u16> = all.iter().map(|_| free_port()).collect();
    let server = |(port, lines): (&u16, &String)| {
        format!("server {{ listen 127.0.0.1:{port} ssl; protocol smtp; {lines} }}\n")
    };
    let servers: String = ports.iter().zip(all).map(server).collect();
    let mail = format!("mail {{ auth_http 127.0.0.1:1/; server_name mx; {own}\n{servers} }}");
    (Gateway::start(&mail), ports)
}

fn show(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Connects with a certificate, and with a chain if there is one.
fn visit(port: u16, (certificate, key): &(PathBuf, PathBuf), chain: Option<&Path>) -> ClientOutput {
    let mut arguments = vec!["-cert", show(certificate), "-key", show(key)];
    arguments.extend(
        chain
            .into_iter()
            .flat_map(|chain| ["-cert_chain", show(chain)]),
    );
    s_client(port, &arguments, "QUIT\r\n")
}

#[track_caller]
fn is_served(shaken: &ClientOutput, served: bool) {
    let (good, bad) = (
        shaken.out.contains("221 "),
        shaken.out.contains("421 4.7.1 SSL certificate error"),
    );
    assert!(
        good == served && bad != served,
        "{}{}",
        shaken.out,
        shaken.err
    );
}

#[test]
fn a_chain_must_lead_to_a_trusted_root_and_not_be_too_long() {
    let root = Authority::new("Root");
    let (middle, low) = (root.intermediate("Middle"), Authority::new("Foreign root"));
    let lower = middle.intermediate("Lower");
    let wish = CertificateOptions::default();
    let (near, far, foreign) = (
        middle.sign("near", wish),
        lower.sign("far", wish),
        low.sign("foreign", wish),
    );
    let bundle = |name: &str, parts: &[&Authority]| {
        let texts: Vec<String> = parts
            .iter()
            .map(|part| fs::read_to_string(part.certificate()).expect("a certificate"))
            .collect();
        let path = root.path(name);
        fs::write(&path, texts.concat()).expect("a bundle");
        path
    };
    let one = bundle("one", &[&middle]);
    let two = bundle("two", &[&middle, &lower]);
    let both = bundle("both", &[&root, &middle]);
    let asks = |ca: &Path, more: &str| {
        format!(
            "ssl_verify_client on; ssl_client_certificate {}; {more}",
            ca.display()
        )
    };
    let (gateway, ports) = gateway(
        &ssl_certificate(&root.sign("own", wish)),
        &[
            asks(&root.certificate(), ""),
            asks(&root.certificate(), "ssl_verify_depth 0;"),
            asks(&root.certificate(), "ssl_verify_depth 2;"),
            asks(&both, ""),
            asks(&middle.certificate(), ""),
        ],
    );
    is_served(&visit(ports[0], &near, Some(&one)), true);
    is_served(&visit(ports[0], &near, None), false);
    gateway.wait_for_log("(21:unable to verify the first certificate)");
    is_served(&visit(ports[1], &near, Some(&one)), false);
    gateway.wait_for_log("(20:unable to get local issuer certificate)");
    is_served(&visit(ports[0], &far, Some(&two)), false);
    is_served(&visit(ports[2], &far, Some(&two)), true);
    is_served(&visit(ports[3], &near, None), true);
    // A trusted CA whose root is not trusted.
    is_served(&visit(ports[4], &near, None), false);
    gateway.wait_for_log("(2:unable to get issuer certificate)");
    is_served(&visit(ports[0], &foreign, Some(&low.certificate())), false);
    gateway.wait_for_log("(19:self-signed certificate in certificate chain)");
    assert!(!gateway.log().contains("SSL_do_handshake() failed"));
}

#[test]
fn ssl_trusted_certificate_is_not_named_to_clients() {
    let authority = Authority::new("Named");
    let client = authority.sign(
        "client",
        CertificateOptions {
            rsa: true,
            ..CertificateOptions::default()
        },
    );
    let ca = authority.certificate();
    let (_gateway, ports) = gateway(
        &ssl_certificate(&authority.sign("own", CertificateOptions::default())),
        &[
            format!(
                "ssl_verify_client on; ssl_client_certificate {};",
                ca.display()
            ),
            format!(
                "ssl_verify_client on; ssl_trusted_certificate {};",
                ca.display()
            ),
        ],
    );
    for version in ["-tls1_2", "-tls1_3"] {
        let arguments = [version, "-cert", show(&client.0), "-key", show(&client.1)];
        let named = s_client(ports[0], &arguments, "QUIT\r\n");
        is_served(&named, true);
        assert!(
            named
                .out
                .contains("Acceptable client certificate CA names\nCN = Named")
        );
        let unnamed = s_client(ports[1], &arguments, "QUIT\r\n");
        is_served(&unnamed, true);
        assert!(unnamed.out.contains("No client certificate CA names sent"));
    }
}

#[test]
fn a_certificate_without_its_key_fails_the_handshake() {
    let authority = Authority::new("CA");
    let (one, other) = (
        authority.sign("one", CertificateOptions::default()),
        authority.sign("other", CertificateOptions::default()),
    );
    let ca = authority.certificate();
    let (gateway, ports) = gateway(
        &ssl_certificate(&authority.sign(
            "own",
            CertificateOptions {
                names: &["own"],
                ..CertificateOptions::default()
            },
        )),
        &[format!(
            "ssl_verify_client optional; ssl_client_certificate {};",
            ca.display()
        )],
    );
    for versions in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let error = authority.connect_with_wrong_key(ports[0], versions, &one.0, &other.1);
        assert!(
            error.contains("DecryptError") || error.contains("BadCertificate"),
            "{error}"
        );
    }
    support::wait_until("two lines", || {
        gateway
            .log()
            .matches("error:0A00007B:SSL routines::bad signature")
            .count()
            == 2
    });
    is_served(&visit(ports[0], &one, None), true);
}

/// Weak and rare keys: the handshake succeeds, and a client that is refused gets a reply of its protocol.
#[test]
fn every_kind_of_key_completes_the_handshake() {
    let authority = Authority::new("CA");
    let ca = authority.certificate();
    let asks = |mode: &str| {
        format!(
            "ssl_verify_client {mode}; ssl_client_certificate {};",
            ca.display()
        )
    };
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let modes = ["on", "optional_no_ca"].map(asks);
    let (gateway, ports) = gateway(&own, &modes);
    for (name, key, good) in [
        (
            "rsa1024",
            &["RSA", "-pkeyopt", "rsa_keygen_bits:1024"][..],
            false,
        ),
        (
            "rsa1536",
            &["RSA", "-pkeyopt", "rsa_keygen_bits:1536"],
            false,
        ),
        (
            "rsa4096",
            &["RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
            true,
        ),
        ("p384", &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], true),
        ("p521", &["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], true),
        ("ed25519", &["ED25519"], true),
    ] {
        let client = authority.sign_with_openssl(name, key);
        for version in ["-tls1_2", "-tls1_3"] {
            let arguments = [version, "-cert", show(&client.0), "-key", show(&client.1)];
            // The client's own library may refuse the key.
            let arguments = [&arguments[..], &["-cipher", "ALL:@SECLEVEL=0"]].concat();
            for port in &ports {
                is_served(&s_client(*port, &arguments, "QUIT\r\n"), good);
            }
        }
    }
    gateway.wait_for_log("client SSL certificate verify error: (66:EE certificate key too weak)");
    // A weak key of an unknown issuer is refused by `optional_no_ca` too.
    let stranger = Authority::new("Nobody");
    let weak = stranger.sign_with_openssl("weak", &["RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    is_served(
        &visit(
            ports[1],
            &stranger.sign("strong", CertificateOptions::default()),
            None,
        ),
        true,
    );
    let arguments = [
        "-cert",
        show(&weak.0),
        "-key",
        show(&weak.1),
        "-cipher",
        "ALL:@SECLEVEL=0",
    ];
    is_served(&s_client(ports[1], &arguments, "QUIT\r\n"), false);
    assert!(!gateway.log().contains("SSL_do_handshake() failed"));
}
