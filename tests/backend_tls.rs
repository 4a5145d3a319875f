//! TLS to backends: verification, client certificates, server names, session resumption, and `-t`.

use std::path::PathBuf;

use rustls::version::{TLS12, TLS13};
use support::Certificate;
use support::authority::{Authority, CertificateOptions};
use support::smtp_gateway::log_in;
use support::tls_backend::{
    ACCEPTED, BOTH, Backend, Handshake, Setup, UNAVAILABLE, gateway, mail_block, proxy_ssl,
    server_config, setup, verify,
};

/// Logs in at a backend with this certificate, with implicit TLS and with STARTTLS. The login succeeds if `logged` is empty;
/// otherwise it fails with an error that contains `logged`.
fn check(certificate: &(PathBuf, PathBuf), host: &str, more: &str, logged: &str) {
    for implicit in [true, false] {
        let backend = Backend::start(setup(certificate, implicit));
        let (gateway, port) = gateway(&format!(
            "proxy_pass {host}:{}; proxy_ssl {}; {more}",
            backend.port,
            proxy_ssl(implicit)
        ));
        let expected = if logged.is_empty() {
            ACCEPTED
        } else {
            UNAVAILABLE
        };
        assert_eq!(log_in(port), expected, "{more}\n{}", gateway.log());
        if logged.is_empty() {
            assert!(backend.received().contains("EHLO gate.test"));
            continue;
        }
        let log = gateway.log();
        let line = log.lines().find(|line| line.contains(logged));
        let line = line.unwrap_or_else(|| panic!("no {logged:?}:\n{log}"));
        assert!(line.contains("[error]"), "{line}");
        assert!(
            line.contains(" while SSL handshaking to upstream, client: "),
            "{line}"
        );
        let received = backend.all_received().join("|");
        assert!(!received.contains("AUTH"), "{received}");
    }
}

#[test]
fn names_are_matched() {
    let ca = Authority::new("Good CA");
    let trusted = verify(&ca.certificate());
    let sign = |name: &str, names: &[&str]| {
        let options = CertificateOptions {
            names,
            ..CertificateOptions::default()
        };
        ca.sign(name, options)
    };
    let local = sign("local", &["localhost", "*.wild.test", "127.0.0.1"]);
    check(&local, "127.0.0.1", &trusted, "");
    check(&local, "localhost", &trusted, "");
    for name in ["a.wild.test", "localhost:25", "LOCALHOST.", "[127.0.0.1]"] {
        let more = format!("{trusted} proxy_ssl_name {name};");
        check(&local, "127.0.0.1", &more, "");
    }
    for (name, shown) in [
        ("a.b.wild.test", "a.b.wild.test"),
        ("wild.test:25", "wild.test"),
        ("127.0.0.2", "127.0.0.2"),
        // The common name does not count if there are alternative names.
        ("local", "local"),
    ] {
        let more = format!("{trusted} proxy_ssl_name {name};");
        let logged = format!("upstream SSL certificate does not match \"{shown}\"");
        check(&local, "127.0.0.1", &more, &logged);
    }
    let subject = sign("mail.test", &[]);
    let more = format!("{trusted} proxy_ssl_name Mail.Test;");
    check(&subject, "127.0.0.1", &more, "");
    let wrong = "upstream SSL certificate does not match \"127.0.0.1\"";
    check(&subject, "127.0.0.1", &trusted, wrong);
}

#[test]
fn invalid_certificates_are_refused_only_with_proxy_ssl_verify() {
    let (ca, other) = (Authority::new("Good CA"), Authority::new("Other CA"));
    let trusted = verify(&ca.certificate());
    let names = &["127.0.0.1"];
    let options = |years| CertificateOptions {
        names,
        years,
        ..CertificateOptions::default()
    };
    let error = |reason: &str| format!("upstream SSL certificate verify error: ({reason})");
    let expired = ca.sign("expired", options(Some((2020, 2021))));
    let early = ca.sign("early", options(Some((2090, 2100))));
    let unknown = other.sign("unknown", options(None));
    let files = Certificate::new();
    let self_signed = (files.chain(), files.key());
    for (certificate, reason) in [
        (&expired, "10:certificate has expired"),
        (&early, "9:certificate is not yet valid"),
        (&unknown, "21:unable to verify the first certificate"),
        (&self_signed, "18:self-signed certificate"),
    ] {
        check(certificate, "127.0.0.1", &trusted, &error(reason));
        check(certificate, "127.0.0.1", "", "");
    }
    // A self-signed certificate may be its own trust anchor.
    check(&self_signed, "127.0.0.1", &verify(&self_signed.0), "");
    let wrong = "upstream SSL certificate does not match \"other.test\"";
    let more = format!("{} proxy_ssl_name other.test;", verify(&self_signed.0));
    check(&self_signed, "127.0.0.1", &more, wrong);
}

#[test]
fn depth_and_revocation() {
    let ca = Authority::new("Root");
    let upper = ca.intermediate("Upper");
    let lower = upper.intermediate("Lower");
    let options = CertificateOptions {
        names: &["127.0.0.1"],
        serial: Some(7),
        ..CertificateOptions::default()
    };
    let (certificate, key) = lower.sign("deep", options);
    let texts = [&certificate, &lower.certificate(), &upper.certificate()].map(|path| {
        let text = std::fs::read_to_string(path);
        text.expect("a certificate")
    });
    let chain = lower.path("chain.pem");
    std::fs::write(&chain, texts.concat()).expect("a chain");
    let deep = (chain, key);
    let trusted = verify(&ca.certificate());
    let more = format!("{trusted} proxy_ssl_verify_depth 2;");
    check(&deep, "127.0.0.1", &more, "");
    let missing = "verify error: (20:unable to get local issuer certificate)";
    check(&deep, "127.0.0.1", &trusted, missing);

    let plain = ca.sign("plain", options);
    for (serials, logged) in [
        (&[7][..], "verify error: (23:certificate revoked)"),
        (&[8], ""),
    ] {
        let crl = ca.write_crl("crl.pem", serials).display().to_string();
        check(
            &plain,
            "127.0.0.1",
            &format!("{trusted} proxy_ssl_crl {crl};"),
            logged,
        );
        // Without proxy_ssl_verify the CRL is not used.
        check(&plain, "127.0.0.1", &format!("proxy_ssl_crl {crl};"), "");
    }
}

#[test]
fn client_certificate_is_sent_to_the_backend() {
    let ca = Authority::new("CA");
    let own = ca.sign("server", CertificateOptions::default());
    let client = ca.sign("client", CertificateOptions::default());
    for version in [&TLS12, &TLS13] {
        let backend = Backend::start(Setup {
            tls: server_config(&own, &[version], Some(&ca.certificate())),
            implicit: true,
            proxy_header: false,
        });
        let proxy = format!("proxy_pass 127.0.0.1:{}; proxy_ssl on;", backend.port);
        for [certificate, key] in [
            ["proxy_ssl_certificate", "proxy_ssl_certificate_key"],
            [
                "proxy_ssl_conf_command Certificate",
                "proxy_ssl_conf_command PrivateKey",
            ],
        ] {
            let (_gateway, port) = gateway(&format!(
                "{proxy} {certificate} {}; {key} {};",
                client.0.display(),
                client.1.display()
            ));
            assert_eq!(log_in(port), ACCEPTED);
        }
        let (gateway, port) = gateway(&proxy);
        assert_eq!(log_in(port), UNAVAILABLE);
        gateway.wait_for_log("SSL alert number 116");
    }
}

#[test]
fn server_name_is_sent_if_configured() {
    let own = Certificate::new();
    let backend = Backend::start(setup(&(own.chain(), own.key()), true));
    for (more, server_name) in [
        ("", None),
        ("proxy_ssl_server_name on;", Some("localhost")),
        (
            "proxy_ssl_server_name on; proxy_ssl_name mail.test;",
            Some("mail.test"),
        ),
        // Addresses are not permitted (RFC 6066, section 3).
        ("proxy_ssl_server_name on; proxy_ssl_name 127.0.0.1;", None),
    ] {
        let (_gateway, port) = gateway(&format!(
            "proxy_pass localhost:{}; proxy_ssl on; {more}",
            backend.port
        ));
        assert_eq!(log_in(port), ACCEPTED);
        let server_name = server_name.map(str::to_string);
        let expected = Handshake {
            resumed: false,
            server_name,
        };
        assert_eq!(backend.handshake(), expected);
    }
}

#[test]
fn sessions_are_resumed() {
    let own = Certificate::new();
    for (version, command) in [
        (&TLS12, "MaxProtocol TLSv1.2"),
        (&TLS13, "MinProtocol TLSv1.3"),
    ] {
        let backend = Backend::start(Setup {
            tls: server_config(&(own.chain(), own.key()), &BOTH, None),
            implicit: true,
            proxy_header: false,
        });
        let proxy = format!(
            "proxy_pass 127.0.0.1:{}; proxy_ssl on; proxy_ssl_conf_command {command};",
            backend.port
        );
        let (gateway, port) = gateway(&proxy);
        let resumed = || {
            assert_eq!(log_in(port), ACCEPTED, "{version:?}");
            backend.handshake().resumed
        };
        assert!(!resumed());
        assert!(resumed() && resumed());
        // A reload that does not change the TLS settings.
        gateway.rewrite(&mail_block(port, &format!("{proxy} max_errors 3;")));
        gateway.reload();
        assert!(resumed());
        gateway.rewrite(&mail_block(
            port,
            &format!("{proxy} proxy_ssl_session_reuse off;"),
        ));
        gateway.reload();
        assert!(!resumed() && !resumed());
    }
}

/// The first error of `-t` for these lines of a server; empty if there is none.
fn first_error(folder: &std::path::Path, more: &str) -> String {
    let pass = if more.contains("proxy_pass") {
        ""
    } else {
        "proxy_pass 127.0.0.1:1;"
    };
    let text = mail_block(support::free_port(), &format!("{pass} {more}"));
    support::write_configuration(folder, &text);
    let output = support::command(folder).arg("-t").output();
    let stderr = output.expect("the gateway").stderr;
    let stderr = String::from_utf8_lossy(&stderr);
    let mut errors = stderr
        .lines()
        .filter_map(|line| line.split_once("[emerg] "));
    errors.next().map_or("", |(_, error)| error).to_string()
}

#[test]
fn errors_that_t_finds() {
    let ca = Authority::new("CA");
    let (own, other) = (
        ca.sign("own", CertificateOptions::default()),
        ca.sign("other", CertificateOptions::default()),
    );
    let folder = support::TempDir::new("check");
    let [certificate, key, wrong] = [&own.0, &own.1, &other.1].map(|path| path.display());
    let trusted = verify(&ca.certificate());
    let pair = format!("proxy_ssl_certificate {certificate}; proxy_ssl_certificate_key");
    let mismatch = format!("SSL_CTX_use_PrivateKey(\"{wrong}\") failed (SSL: ");
    let no_key =
        format!("no \"proxy_ssl_certificate_key\" is defined for certificate \"{certificate}\"");
    let no_ca = format!("SSL_CTX_load_verify_locations(\"{key}\") failed (SSL: ");
    let no_crl = format!("cannot load CRL \"{key}\": PEM_read_bio_X509_CRL() failed (SSL: ");
    for (more, error) in [
        (
            "proxy_ssl_verify on;".to_string(),
            "no proxy_ssl_trusted_certificate for proxy_ssl_verify",
        ),
        (
            "proxy_ssl_verify on; proxy_ssl_trusted_certificate /no/such;".to_string(),
            "SSL_CTX_load_verify_locations(\"/no/such\") failed (SSL: ",
        ),
        (
            format!("proxy_ssl_verify on; proxy_ssl_trusted_certificate {key};"),
            &no_ca,
        ),
        (format!("{trusted} proxy_ssl_crl {key};"), &no_crl),
        (format!("proxy_ssl_crl {key};"), ""),
        (format!("proxy_ssl_certificate {certificate};"), &no_key),
        (format!("{pair} {key};"), ""),
        (format!("{pair} {wrong};"), &mismatch),
        (
            "proxy_ssl_ciphers no;".to_string(),
            "SSL_CTX_set_cipher_list(\"no\") failed (SSL: ",
        ),
        ("proxy_ssl_protocols TLSv1.1;".to_string(), ""),
        (
            "proxy_ssl_conf_command No x;".to_string(),
            "SSL_CONF_cmd(\"No\", \"x\") failed (SSL: ",
        ),
        (
            format!("{trusted} proxy_pass unix:/x;"),
            "no \"proxy_ssl_name\" is defined for \"proxy_ssl_verify\" and upstream \"unix:/x\"",
        ),
        (
            "proxy_ssl_name \"no name\";".to_string(),
            "invalid server name \"no name\"",
        ),
    ] {
        for word in ["on", "starttls"] {
            let found = first_error(folder.path(), &format!("proxy_ssl {word}; {more}"));
            assert!(
                found.starts_with(error) && found.is_empty() == error.is_empty(),
                "{more}: {found}"
            );
        }
        // Without TLS the settings are not checked.
        assert_eq!(first_error(folder.path(), &more), "", "{more}");
    }
}

#[test]
fn openssl_commands_verify_and_present_certificates() {
    let ca = Authority::new("Good CA");
    let certificate = ca.sign("elsewhere.test", CertificateOptions::default());
    let command =
        |name: &str, file: PathBuf| format!("proxy_ssl_conf_command {name} {};", file.display());
    let peer = "proxy_ssl_conf_command VerifyMode Peer;";
    let trusted = command("VerifyCAFile", ca.certificate());
    // The handshake of OpenSSL does not check the name.
    check(&certificate, "127.0.0.1", &format!("{peer}{trusted}"), "");
    let unknown = "verify error: (21:unable to verify the first certificate)";
    check(&certificate, "127.0.0.1", peer, unknown);
    check(&certificate, "127.0.0.1", &trusted, "");
    let empty = Authority::new("Other CA");
    let replaced = format!("{}{trusted}", verify(&empty.certificate()));
    let replaced = format!("{replaced} proxy_ssl_name elsewhere.test;");
    check(&certificate, "127.0.0.1", &replaced, "");
}
