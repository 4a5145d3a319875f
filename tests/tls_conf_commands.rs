//! The effects of `ssl_conf_command` on handshakes with OpenSSL's client, and of `proxy_ssl_conf_command` on backends.

use std::fs;
use std::path::Path;

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

fn command(name: &str, value: &Path) -> String {
    format!("ssl_conf_command {name} {};", value.display())
}

/// Does a handshake in which OpenSSL's client must print a text.
#[track_caller]
fn shows(port: u16, arguments: &[&str], text: &str) {
    let shaken = s_client(port, arguments, "QUIT\r\n");
    let found = shaken.out.contains(text);
    assert!(found, "no {text:?} in\n{}{}", shaken.out, shaken.err);
}

fn rsa() -> CertificateOptions<'static> {
    CertificateOptions {
        rsa: true,
        ..CertificateOptions::default()
    }
}

#[test]
fn certificate_and_key_replace_those_of_their_type() {
    let authority = Authority::new("CA");
    let old_rsa = authority.sign("old-rsa", rsa());
    let old_ec = authority.sign("old-ec", CertificateOptions::default());
    let new_rsa = authority.sign("new-rsa", rsa());
    let both = format!("{}{}", ssl_certificate(&old_rsa), ssl_certificate(&old_ec));
    let new = format!(
        "{}{}",
        command("Certificate", &new_rsa.0),
        command("privatekey", &new_rsa.1)
    );
    let renewed = {
        let (certificate, _) = &old_rsa;
        let chain = [certificate, &authority.certificate()];
        let chain: String = chain
            .map(|file| fs::read_to_string(file).expect("a file"))
            .concat();
        let path = authority.path("renewed.pem");
        fs::write(&path, chain).expect("a file");
        path
    };
    let (_gateway, ports) = gateway(&[
        format!("{both}{new}"),
        format!("{}{new}", ssl_certificate(&old_ec)),
        format!("{both}{}", command("Certificate", &renewed)),
    ]);
    let (rsa, ec) = (["-sigalgs", "RSA-PSS+SHA256"], ["-sigalgs", "ECDSA+SHA256"]);
    shows(ports[0], &rsa, "subject=CN = new-rsa\n");
    shows(ports[0], &ec, "subject=CN = old-ec\n");
    shows(ports[1], &rsa, "subject=CN = new-rsa\n");
    shows(ports[1], &ec, "subject=CN = old-ec\n");
    shows(ports[2], &rsa, " 1 s:CN = CA\n");
}

#[test]
fn chain_cas_complete_the_chain_of_a_single_certificate() {
    let root = Authority::new("root");
    let middle = root.intermediate("middle");
    let own = middle.sign("own", CertificateOptions::default());
    let folder = root.path("hashed");
    fs::create_dir(&folder).expect("a folder");
    for (file, authority) in [("01234567.0", &root), ("89abcdef.12", &middle)] {
        fs::copy(authority.certificate(), folder.join(file)).expect("a copy");
    }
    let store = format!("file:{}", middle.certificate().display());
    let own = ssl_certificate(&own);
    let (_gateway, ports) = gateway(&[
        own.clone(),
        format!("{own}{}", command("ChainCAFile", &middle.certificate())),
        format!("{own}{}", command("ChainCAPath", &folder)),
        format!("{own}{}", command("ChainCAStore", Path::new(&store))),
    ]);
    let chain = |port| {
        let shaken = s_client(port, &["-showcerts"], "QUIT\r\n");
        shaken.out.matches("BEGIN CERTIFICATE").count()
    };
    let lengths: Vec<usize> = ports.iter().map(|port| chain(*port)).collect();
    assert_eq!(lengths, [1, 2, 3, 2]);
}

#[test]
fn signature_schemes_and_groups() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", rsa()));
    let with = |lines: &str| format!("{own} {lines}");
    let ca = authority.certificate();
    let (gateway, ports) = gateway(&[
        with("ssl_conf_command SignatureAlgorithms RSA-PSS+SHA512;"),
        with("ssl_conf_command ECDHParameters P-384;"),
        with("ssl_ecdh_curve P-384; ssl_conf_command ECDHParameters +automatic;"),
        with(&format!(
            "ssl_verify_client optional; ssl_client_certificate {}; ssl_conf_command ClientSignatureAlgorithms ed25519:RSA+SHA384;",
            ca.display()
        )),
    ]);
    shows(ports[0], &[], "Peer signing digest: SHA512\n");
    shows(ports[1], &["-groups", "X25519:P-384"], "secp384r1");
    shows(ports[2], &["-groups", "X25519:P-384"], "secp384r1");
    shows(
        ports[3],
        &[],
        "Requested Signature Algorithms: ed25519:RSA+SHA384\n",
    );
    let failed = s_client(ports[0], &["-sigalgs", "RSA-PSS+SHA256"], "");
    assert!(!failed.out.contains("220 mx"), "{}", failed.out);
    gateway.wait_for_log("error:0A000076:SSL routines::no suitable signature algorithm)");
}

#[test]
fn verify_mode_decides_in_the_handshake() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let good = authority.sign("good", CertificateOptions::default());
    let late = authority.sign(
        "late",
        CertificateOptions {
            years: Some((2010, 2015)),
            ..CertificateOptions::default()
        },
    );
    let other = Authority::new("other");
    let foreign = other.sign("foreign", CertificateOptions::default());
    let named = Authority::new("named");
    let ca = authority.certificate();
    let verify = |mode: &str| format!("{own}ssl_conf_command VerifyMode {mode};");
    let cas = command("VerifyCAFile", &ca);
    let (gateway, ports) = gateway(&[
        format!("{}{cas}", verify("Require")),
        format!("{}{cas}", verify("Request")),
        verify("Require"),
        format!("{} ssl_verify_client optional_no_ca;", verify("Require")),
        format!(
            "{} ssl_verify_client on; ssl_client_certificate {};",
            verify("-Request"),
            ca.display()
        ),
        format!(
            "{}{}{cas}",
            verify("Request"),
            command("ClientCAFile", &named.certificate())
        ),
    ]);
    let connect = |port: u16, pair: Option<&(std::path::PathBuf, std::path::PathBuf)>, version| {
        let mut arguments = vec![version];
        let paths = pair.map(|(certificate, key)| {
            let text = |path: &Path| path.to_str().expect("a path").to_owned();
            (text(certificate), text(key))
        });
        if let Some((certificate, key)) = &paths {
            arguments.extend(["-cert", certificate, "-key", key]);
        }
        s_client(port, &arguments, "QUIT\r\n").out
    };
    for version in ["-tls1_2", "-tls1_3"] {
        for (port, pair, served) in [
            (0, None, false),
            (0, Some(&good), true),
            (0, Some(&late), false),
            (0, Some(&foreign), false),
            (1, None, true),
            (1, Some(&good), true),
            (1, Some(&foreign), false),
            (2, Some(&good), false),
            (3, None, false),
            (3, Some(&foreign), true),
        ] {
            let out = connect(ports[port], pair, version);
            assert_eq!(
                out.contains("220 mx"),
                served,
                "{version} {port} {pair:?}\n{out}\n{}",
                gateway.log()
            );
        }
    }
    gateway.wait_for_log("SSL_do_handshake() failed (SSL: error:0A0000C7:SSL routines::peer did not return a certificate)");
    gateway.wait_for_log(
        "SSL_do_handshake() failed (SSL: error:0A000086:SSL routines::certificate verify failed)",
    );
    shows(ports[4], &[], "No required SSL certificate");
    shows(
        ports[5],
        &[],
        "Acceptable client certificate CA names\nCN = named\n",
    );
}
