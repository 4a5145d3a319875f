//! Certificates and keys in every form that a configuration may have, and how TLS begins, tested with OpenSSL's client.

use std::fs;
use std::path::Path;
use std::process::Command;

use support::authority::{Authority, CertificateOptions, s_client, ssl_certificate};
use support::{Gateway, free_port};

/// A mail block with these servers.
fn mail(servers: &[String]) -> String {
    let servers = servers.concat();
    format!("mail {{ auth_http 127.0.0.1:1/; server_name mx;\n{servers} }}")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

/// Does a handshake on `port` that must show the certificate named `name`.
#[track_caller]
fn shows(port: u16, arguments: &[&str], name: &str) {
    let shaken = s_client(port, arguments, "QUIT\r\n");
    let is_good = shaken.out.contains("221 ") && shaken.out.contains(&format!("CN = {name}\n"));
    assert!(is_good, "no {name}:\n{}{}", shaken.out, shaken.err);
}

/// Encrypts a key with a pass phrase: `openssl` with `arguments`.
fn lock(key: &Path, to: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .arg("-in")
        .arg(key)
        .arg("-out")
        .arg(to)
        .output()
        .expect("openssl");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn keys_encrypted_in_every_form() {
    let authority = Authority::new("CA");
    let passwords = authority.path("passwords");
    fs::write(&passwords, "not this one\nsecret one\nsecret two\n").expect("a file");
    let kinds: [(&str, bool, &[&str]); 4] = [
        (
            "rsa-pkcs8",
            true,
            &[
                "pkcs8",
                "-topk8",
                "-v2",
                "aes-256-cbc",
                "-passout",
                "pass:secret one",
            ],
        ),
        (
            "ec-pkcs8",
            false,
            &[
                "pkcs8",
                "-topk8",
                "-v2",
                "aes-128-cbc",
                "-passout",
                "pass:secret two",
            ],
        ),
        (
            "rsa-traditional",
            true,
            &[
                "rsa",
                "-traditional",
                "-aes256",
                "-passout",
                "pass:secret two",
            ],
        ),
        (
            "ec-traditional",
            false,
            &["ec", "-aes128", "-passout", "pass:secret one"],
        ),
    ];
    let made: Vec<(u16, &str, String)> = kinds
        .iter()
        .map(|(name, rsa, how)| {
            let wish = CertificateOptions {
                rsa: *rsa,
                ..CertificateOptions::default()
            };
            let (certificate, key) = authority.sign(name, wish);
            let locked = authority.path(&format!("{name}.locked"));
            lock(&key, &locked, how);
            assert!(read(&locked).contains("ENCRYPTED"), "{name}");
            let port = free_port();
            let own = ssl_certificate(&(certificate, locked));
            let server = format!(
                "server {{ listen 127.0.0.1:{port} ssl; protocol smtp; {own} ssl_password_file {}; }}\n",
                passwords.display()
            );
            (port, *name, server)
        })
        .collect();
    let servers: Vec<String> = made.iter().map(|(_, _, server)| server.clone()).collect();
    let _gateway = Gateway::start(&mail(&servers));
    for (port, name, _) in &made {
        shows(*port, &["-tls1_2"], name);
        shows(*port, &["-tls1_3"], name);
    }
}

#[test]
fn one_file_for_everything_and_inline_data() {
    let root = Authority::new("Root");
    let middle = root.intermediate("Middle");
    let (certificate, key) = middle.sign(
        "leaf",
        CertificateOptions {
            names: &["mx.example"],
            ..CertificateOptions::default()
        },
    );
    let chain = [read(&certificate), read(&middle.certificate())].concat();
    let write = |name: &str, text: &str| {
        let path = root.path(name);
        fs::write(&path, text).expect("a file");
        path
    };
    // The key before, after, and between the certificates.
    let before = write("before", &[&read(&key)[..], &chain].concat());
    let behind = write("behind", &[&chain[..], &read(&key)].concat());
    let between = write(
        "between",
        &[read(&certificate), read(&key), read(&middle.certificate())].concat(),
    );
    let data = format!(
        "ssl_certificate \"data:{chain}\"; ssl_certificate_key \"data:{}\";",
        read(&key)
    );
    let forms = [before, behind, between].map(|file| ssl_certificate(&(file.clone(), file)));
    let forms: Vec<String> = forms.into_iter().chain([data]).collect();
    let ports: Vec<u16> = forms.iter().map(|_| free_port()).collect();
    let server = |(port, own): (&u16, &String)| {
        format!("server {{ listen 127.0.0.1:{port} ssl; protocol smtp; {own} }}\n")
    };
    let servers: Vec<String> = ports.iter().zip(&forms).map(server).collect();
    let _gateway = Gateway::start(&mail(&servers));
    let root = root.certificate();
    let root = root.to_str().expect("a path");
    for port in ports {
        // The whole chain is sent: without it the client could not verify the certificate.
        let arguments = [
            "-CAfile",
            root,
            "-verify_return_error",
            "-verify_hostname",
            "mx.example",
        ];
        shows(port, &arguments, "leaf");
    }
}

#[test]
fn implicit_tls_and_starttls_in_one_server() {
    let authority = Authority::new("CA");
    let sign = |name: &str, names: &[&str], rsa| {
        let wish = CertificateOptions {
            names,
            rsa,
            ..CertificateOptions::default()
        };
        ssl_certificate(&authority.sign(name, wish))
    };
    let own = [
        sign("rsa", &["mx.example"], true),
        sign("ec", &["mx.example"], false),
        sign("wild", &["*.example.org"], false),
    ]
    .concat();
    let [clear, tls, old] = [free_port(), free_port(), free_port()];
    let gateway = Gateway::start(&mail(&[
        format!(
            "server {{ listen 127.0.0.1:{clear}; listen 127.0.0.1:{tls} ssl; protocol smtp; starttls on; {own} }}\n"
        ),
        format!("server {{ listen 127.0.0.1:{old}; protocol smtp; ssl on; {own} }}\n"),
    ]));
    for (port, begin) in [(clear, &["-starttls", "smtp"][..]), (tls, &[]), (old, &[])] {
        for (name, schemes, shown) in [
            ("mx.example", "RSA-PSS+SHA256", "rsa"),
            ("mx.example", "ECDSA+SHA256", "ec"),
            ("any.example.org", "ECDSA+SHA256", "wild"),
            ("else.example.net", "RSA-PSS+SHA256:ECDSA+SHA256", "rsa"),
        ] {
            let arguments = [begin, &["-servername", name, "-sigalgs", schemes]].concat();
            shows(port, &arguments, shown);
        }
    }
    // With implicit TLS there is no STARTTLS.
    let inside = s_client(tls, &[], "STARTTLS\r\nEHLO x\r\nQUIT\r\n");
    assert!(inside.out.contains("500 5.5.1") && !inside.out.contains("250 STARTTLS"));
    let mut plain = support::LineClient::connect(clear);
    plain.expect("220 mx");
    plain.send_line("EHLO x");
    assert!(plain.read_reply().contains("STARTTLS"));
    assert!(!gateway.log().contains("[error]"));
}

/// Every form of PEM that OpenSSL reads serves the same chain; the log names a kind of key that cannot be used.
#[test]
fn forms_of_pem() {
    let root = Authority::new("root");
    let middle = root.intermediate("middle");
    let (own, key) = middle.sign("own", CertificateOptions::default());
    let (leaf, above, key) = (read(&own), read(&middle.certificate()), read(&key));
    let relabelled = |text: &str, label: &str| text.replace("CERTIFICATE", label);
    let trusted = {
        let trusted = root.path("trusted.pem");
        lock(&own, &trusted, &["x509", "-addtrust", "serverAuth"]);
        read(&trusted)
    };
    assert!(trusted.contains("BEGIN TRUSTED CERTIFICATE"));
    let forms = [
        format!("\u{feff}{leaf}\u{feff}{above}"),
        format!(
            "{}{}",
            relabelled(&leaf, "X509 CERTIFICATE"),
            relabelled(&above, "X509 CERTIFICATE")
        ),
        format!("{trusted}{trusted}{above}"),
        format!("subject=own\r\n{}", leaf.replace('\n', " \r\n")) + &above,
    ];
    let ports: Vec<u16> = forms.iter().map(|_| free_port()).collect();
    let mut servers = Vec::new();
    for (at, (form, port)) in forms.iter().zip(&ports).enumerate() {
        let [chain, private] = ["chain", "key"].map(|kind| root.path(&format!("{kind}{at}")));
        fs::write(&chain, form).expect("a file");
        fs::write(&private, format!("\u{feff}{key}")).expect("a file");
        let lines = ssl_certificate(&(chain, private));
        servers.push(format!(
            "server {{ listen 127.0.0.1:{port} ssl; protocol smtp; {lines} }}\n"
        ));
    }
    let _gateway = Gateway::start(&mail(&servers));
    for port in ports {
        let shaken = s_client(port, &[], "QUIT\r\n");
        let (out, err) = (&shaken.out, &shaken.err);
        assert!(
            out.contains(" 0 s:CN = own\n") && out.contains(" 1 s:CN = middle\n"),
            "{out}{err}"
        );
        assert!(!out.contains(" 2 s:") && out.contains("221 "), "{out}{err}");
    }
}
