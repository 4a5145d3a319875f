//! TLS towards backends: who is trusted, what they are shown and told, what is resumed.

mod support;

use std::path::PathBuf;

use rustls::version::{TLS12, TLS13};
use support::Certificate;
use support::single::log_in;
use support::tls::{Authority, Wish};
use support::tls_backend::{
    BOTH, Backend, LET_IN, Setup, Shaken, UNAVAILABLE, gateway, mail, setup, tls, verify, word,
};

/// Logs in through TLS to a backend that shows `own`: once at once, once by STARTTLS.
fn meets(own: &(PathBuf, PathBuf), host: &str, more: &str, logged: &str) {
    for at_once in [true, false] {
        let backend = Backend::start(setup(own, at_once));
        let (gateway, port) = gateway(&format!(
            "proxy_pass {host}:{}; proxy_ssl {}; {more}",
            backend.port,
            word(at_once)
        ));
        let wanted = if logged.is_empty() {
            LET_IN
        } else {
            UNAVAILABLE
        };
        assert_eq!(log_in(port), wanted, "{more}\n{}", gateway.log());
        if logged.is_empty() {
            assert!(backend.heard().contains("EHLO gate.test"));
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
        let heard = backend.all_heard().join("|");
        assert!(!heard.contains("AUTH"), "{heard}");
    }
}

#[test]
fn the_right_name_of_a_trusted_ca() {
    let ca = Authority::new("Good CA");
    let trusted = verify(&ca.certificate());
    let sign = |name: &str, names: &[&str]| {
        let wish = Wish {
            names,
            ..Wish::default()
        };
        ca.sign(name, wish)
    };
    let local = sign("local", &["localhost", "*.wild.test", "127.0.0.1"]);
    meets(&local, "127.0.0.1", &trusted, "");
    meets(&local, "localhost", &trusted, "");
    for name in ["a.wild.test", "localhost:25", "LOCALHOST.", "[127.0.0.1]"] {
        let more = format!("{trusted} proxy_ssl_name {name};");
        meets(&local, "127.0.0.1", &more, "");
    }
    for (name, shown) in [
        ("a.b.wild.test", "a.b.wild.test"),
        ("wild.test:25", "wild.test"),
        ("127.0.0.2", "127.0.0.2"),
        // It has other names, so its subject does not count.
        ("local", "local"),
    ] {
        let more = format!("{trusted} proxy_ssl_name {name};");
        let logged = format!("upstream SSL certificate does not match \"{shown}\"");
        meets(&local, "127.0.0.1", &more, &logged);
    }
    let subject = sign("mail.test", &[]);
    let more = format!("{trusted} proxy_ssl_name Mail.Test;");
    meets(&subject, "127.0.0.1", &more, "");
    let wrong = "upstream SSL certificate does not match \"127.0.0.1\"";
    meets(&subject, "127.0.0.1", &trusted, wrong);
}

#[test]
fn certificates_that_are_not_good() {
    let (ca, other) = (Authority::new("Good CA"), Authority::new("Other CA"));
    let trusted = verify(&ca.certificate());
    let names = &["127.0.0.1"];
    let wish = |years| Wish {
        names,
        years,
        ..Wish::default()
    };
    let error = |reason: &str| format!("upstream SSL certificate verify error: ({reason})");
    let expired = ca.sign("expired", wish(Some((2020, 2021))));
    let early = ca.sign("early", wish(Some((2090, 2100))));
    let unknown = other.sign("unknown", wish(None));
    let itself = Certificate::new();
    let itself = (itself.chain(), itself.key(), itself);
    let own = (itself.0.clone(), itself.1.clone());
    for (shown, reason) in [
        (&expired, "10:certificate has expired"),
        (&early, "9:certificate is not yet valid"),
        (&unknown, "21:unable to verify the first certificate"),
        (&own, "18:self-signed certificate"),
    ] {
        meets(shown, "127.0.0.1", &trusted, &error(reason));
        // Whoever it is, unless it is asked.
        meets(shown, "127.0.0.1", "", "");
    }
    // Its own certificate may be trusted itself.
    meets(&own, "127.0.0.1", &verify(&own.0), "");
    let wrong = "upstream SSL certificate does not match \"other.test\"";
    let more = format!("{} proxy_ssl_name other.test;", verify(&own.0));
    meets(&own, "127.0.0.1", &more, wrong);
}

#[test]
fn depth_and_revocation() {
    let ca = Authority::new("Root");
    let middle = ca.below("Middle");
    let last = middle.below("Last");
    let wish = Wish {
        names: &["127.0.0.1"],
        serial: Some(7),
        ..Wish::default()
    };
    let (certificate, key) = last.sign("deep", wish);
    let texts = [&certificate, &last.certificate(), &middle.certificate()].map(|path| {
        let text = std::fs::read_to_string(path);
        text.expect("a certificate")
    });
    let chain = last.path("chain.pem");
    std::fs::write(&chain, texts.concat()).expect("a chain");
    let deep = (chain, key);
    let trusted = verify(&ca.certificate());
    let more = format!("{trusted} proxy_ssl_verify_depth 2;");
    meets(&deep, "127.0.0.1", &more, "");
    let missing = "verify error: (20:unable to get local issuer certificate)";
    meets(&deep, "127.0.0.1", &trusted, missing);

    let plain = ca.sign("plain", wish);
    for (serials, logged) in [
        (&[7][..], "verify error: (23:certificate revoked)"),
        (&[8], ""),
    ] {
        let crl = ca.revoke("crl.pem", serials).display().to_string();
        meets(
            &plain,
            "127.0.0.1",
            &format!("{trusted} proxy_ssl_crl {crl};"),
            logged,
        );
        // Nobody looks at it unless certificates are looked at.
        meets(&plain, "127.0.0.1", &format!("proxy_ssl_crl {crl};"), "");
    }
}

#[test]
fn a_certificate_of_our_own() {
    let ca = Authority::new("CA");
    let own = ca.sign("server", Wish::default());
    let client = ca.sign("client", Wish::default());
    for version in [&TLS12, &TLS13] {
        let backend = Backend::start(Setup {
            tls: tls(&own, &[version], Some(&ca.certificate())),
            at_once: true,
            header: false,
        });
        let towards = format!("proxy_pass 127.0.0.1:{}; proxy_ssl on;", backend.port);
        let (_gateway, port) = gateway(&format!(
            "{towards} proxy_ssl_certificate {}; proxy_ssl_certificate_key {};",
            client.0.display(),
            client.1.display()
        ));
        assert_eq!(log_in(port), LET_IN);
        let (gateway, port) = gateway(&towards);
        assert_eq!(log_in(port), UNAVAILABLE);
        gateway.wait_for_log("SSL alert number 116");
    }
}

#[test]
fn the_name_is_told_where_it_shall_be() {
    let own = Certificate::new();
    let backend = Backend::start(setup(&(own.chain(), own.key()), true));
    for (more, name) in [
        ("", None),
        ("proxy_ssl_server_name on;", Some("localhost")),
        (
            "proxy_ssl_server_name on; proxy_ssl_name mail.test;",
            Some("mail.test"),
        ),
        // RFC 6066: an address is no name.
        ("proxy_ssl_server_name on; proxy_ssl_name 127.0.0.1;", None),
    ] {
        let (_gateway, port) = gateway(&format!(
            "proxy_pass localhost:{}; proxy_ssl on; {more}",
            backend.port
        ));
        assert_eq!(log_in(port), LET_IN);
        let name = name.map(str::to_string);
        assert_eq!(
            backend.shaken(),
            Shaken {
                resumed: false,
                name
            }
        );
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
            tls: tls(&(own.chain(), own.key()), &BOTH, None),
            at_once: true,
            header: false,
        });
        let towards = format!(
            "proxy_pass 127.0.0.1:{}; proxy_ssl on; proxy_ssl_conf_command {command};",
            backend.port
        );
        let (gateway, port) = gateway(&towards);
        let resumed = || {
            assert_eq!(log_in(port), LET_IN, "{version:?}");
            backend.shaken().resumed
        };
        assert!(!resumed());
        assert!(resumed() && resumed());
        // Another setting that has nothing to do with it.
        gateway.rewrite(&mail(port, &format!("{towards} max_errors 3;")));
        gateway.reload();
        assert!(resumed());
        gateway.rewrite(&mail(
            port,
            &format!("{towards} proxy_ssl_session_reuse off;"),
        ));
        gateway.reload();
        assert!(!resumed() && !resumed());
    }
}

/// What `-t` says of these lines in a server: of the level `[emerg]`, or nothing.
fn tested(folder: &std::path::Path, more: &str) -> String {
    let pass = if more.contains("proxy_pass") {
        ""
    } else {
        "proxy_pass 127.0.0.1:1;"
    };
    let text = mail(support::free_port(), &format!("{pass} {more}"));
    support::write_configuration(folder, &text);
    let output = support::command(folder).arg("-t").output();
    let said = output.expect("the gateway").stderr;
    let said = String::from_utf8_lossy(&said);
    let mut faults = said.lines().filter_map(|line| line.split_once("[emerg] "));
    faults.next().map_or("", |(_, fault)| fault).to_string()
}

#[test]
fn what_a_test_finds() {
    let ca = Authority::new("CA");
    let (own, other) = (
        ca.sign("own", Wish::default()),
        ca.sign("other", Wish::default()),
    );
    let folder = support::Scratch::new("check");
    let [certificate, key, wrong] = [&own.0, &own.1, &other.1].map(|path| path.display());
    let trusted = verify(&ca.certificate());
    let pair = format!("proxy_ssl_certificate {certificate}; proxy_ssl_certificate_key");
    let mismatch = format!("SSL_CTX_use_PrivateKey(\"{wrong}\") failed (SSL: ");
    let no_key =
        format!("no \"proxy_ssl_certificate_key\" is defined for certificate \"{certificate}\"");
    let no_ca = format!("SSL_CTX_load_verify_locations(\"{key}\") failed (SSL: ");
    let no_crl = format!("cannot load CRL \"{key}\": PEM_read_bio_X509_CRL() failed (SSL: ");
    for (more, fault) in [
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
        (
            "proxy_ssl_protocols TLSv1.1;".to_string(),
            "\"proxy_ssl_protocols\" leaves neither TLSv1.2 nor TLSv1.3 for server in ",
        ),
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
            let found = tested(folder.path(), &format!("proxy_ssl {word}; {more}"));
            assert!(
                found.starts_with(fault) && found.is_empty() == fault.is_empty(),
                "{more}: {found}"
            );
        }
        // Where there is no TLS nobody looks.
        assert_eq!(tested(folder.path(), &more), "", "{more}");
    }
}
