//! TLS towards backends: who is trusted, what goes over clear text, what is resumed.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustls::version::{TLS12, TLS13};
use support::mock::{Act, Mock};
use support::tls::{Authority, Wish, pair};
use support::tls_backend::{BLOB, Backend, Setup, Shaken, tls};
use support::{Certificate, Gateway, Scratch, Smtp, free_port, plain};

const LET_IN: &str = "235 2.0.0 OK\r\n";
const UNAVAILABLE: &str = "451 4.4.1 Mail server temporarily unavailable, try again later\r\n";
const INTERNAL: &str = "451 4.3.2 Internal server error\r\n";
const BOTH: [&rustls::SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A gateway with one SMTP server; `more` is the rest of its block.
fn gateway(more: &str) -> (Gateway, u16) {
    let port = free_port();
    (Gateway::start(&mail(port, more)), port)
}

fn mail(port: u16, more: &str) -> String {
    format!(
        "mail {{ server_name gate.test; server {{ listen 127.0.0.1:{port}; protocol smtp; smtp_capabilities X; {more} }} }}"
    )
}

/// One login of a client of its own, and what it hears.
fn log_in(port: u16) -> String {
    let mut client = Smtp::connect(port);
    client.expect("220");
    client.say(&format!("AUTH PLAIN {}", plain("joe", "secret")));
    client.hear()
}

fn setup(own: &(PathBuf, PathBuf), at_once: bool) -> Setup {
    Setup {
        tls: tls(own, &BOTH, None),
        at_once,
        header: false,
    }
}

/// The word of `proxy_ssl` for it.
fn word(at_once: bool) -> &'static str {
    if at_once { "on" } else { "starttls" }
}

fn verify(ca: &Path) -> String {
    format!(
        "proxy_ssl_verify on; proxy_ssl_trusted_certificate {};",
        ca.display()
    )
}

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

#[test]
fn backends_that_will_not_have_tls() {
    let greeting = Act::Send(b"220 hi\r\n");
    let offer = Act::Send(b"250-x\r\n250 STARTTLS\r\n");
    for (acts, wanted, told) in [
        (
            vec![
                greeting.clone(),
                Act::Line,
                Act::Send(b"250-x\r\n250 AUTH PLAIN\r\n"),
                Act::Line,
            ],
            "upstream does not offer STARTTLS while sending HELO/EHLO to upstream",
            &["EHLO gate.test", ""][..],
        ),
        (
            vec![
                greeting.clone(),
                Act::Line,
                offer.clone(),
                Act::Line,
                Act::Send(b"454 not now\r\n"),
                Act::Line,
            ],
            "upstream sent invalid response: \"454 not now\" while sending STARTTLS to upstream",
            &["EHLO gate.test", "STARTTLS", ""],
        ),
        (
            vec![
                greeting.clone(),
                Act::Line,
                offer.clone(),
                Act::Line,
                Act::Send(b"220 go\r\n250 AUTH PLAIN\r\n"),
                Act::Line,
            ],
            "upstream sent data in clear text before SSL handshake while sending STARTTLS to upstream",
            &["EHLO gate.test", "STARTTLS", ""],
        ),
        (
            vec![
                greeting.clone(),
                Act::Line,
                offer.clone(),
                Act::Line,
                Act::Send(b"220 go\r\n"),
            ],
            "while SSL handshaking to upstream",
            &["EHLO gate.test", "STARTTLS"],
        ),
        (
            vec![Act::Send(b"554 go away\r\n"), Act::Line],
            "upstream sent invalid response: \"554 go away\" while reading response from upstream",
            &[""],
        ),
        (
            vec![],
            "upstream prematurely closed connection while connecting to upstream",
            &[],
        ),
        (
            vec![greeting, Act::Line, Act::Flood(b'2')],
            "upstream sent too long response line",
            &["EHLO gate.test"],
        ),
    ] {
        let mock = Mock::new(&acts);
        let (gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{}; proxy_ssl starttls;",
            mock.port
        ));
        assert_eq!(log_in(port), UNAVAILABLE, "{wanted}");
        gateway.wait_for_log(wanted);
        for line in told {
            assert_eq!(mock.heard(), *line);
        }
    }
}

#[test]
fn backends_that_do_not_speak_tls_where_it_is_due() {
    for (acts, wanted) in [
        (
            vec![Act::Send(b"220 hi, this is clear text\r\n"), Act::Stall],
            "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream",
        ),
        (
            // Records of TLS that are none.
            vec![
                Act::Send(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"),
                Act::Stall,
            ],
            "SSL_do_handshake() failed (SSL: error:0A0",
        ),
        (
            vec![Act::Send(b"\x15\x03\x03\x00\x02\x02\x28"), Act::Stall],
            "alert handshake failure:SSL alert number 40) while SSL handshaking to upstream",
        ),
        (vec![Act::Flood(0x16)], "SSL_do_handshake() failed (SSL: "),
    ] {
        let mock = Mock::new(&acts);
        let towards = format!("proxy_pass 127.0.0.1:{}; proxy_ssl on;", mock.port);
        let (judged, port) = gateway(&towards);
        assert_eq!(log_in(port), UNAVAILABLE, "{wanted}");
        judged.wait_for_log(wanted);
        assert!(!judged.log().contains("secret"));
    }
    // One that says nothing at all.
    let mock = Mock::new(&[Act::Stall]);
    let (silent, port) = gateway(&format!(
        "proxy_pass 127.0.0.1:{}; proxy_ssl on; proxy_connect_timeout 200ms;",
        mock.port
    ));
    assert_eq!(log_in(port), UNAVAILABLE);
    silent.wait_for_log("upstream timed out (110: Connection timed out) while SSL handshaking");
}

#[test]
fn a_client_that_leaves_during_the_handshake_is_noticed() {
    let mock = Mock::new(&[Act::Stall, Act::Line]);
    let (_gateway, port) = gateway(&format!(
        "proxy_pass 127.0.0.1:{}; proxy_ssl on;",
        mock.port
    ));
    let mut client = Smtp::connect(port);
    client.expect("220");
    client.say(&format!("AUTH PLAIN {}", plain("joe", "secret")));
    drop(client);
    // Stalling ends with the connection, long before its time.
    assert_eq!(mock.heard(), "");
}

#[test]
fn an_auth_server_names_the_backend() {
    let ca = Authority::new("CA");
    let wish = Wish {
        names: &["localhost"],
        ..Wish::default()
    };
    let own = ca.sign("own", wish);
    for at_once in [true, false] {
        let backend = Backend::start(setup(&own, at_once));
        for (server, more, wanted) in [
            ("localhost", "", LET_IN),
            ("127.0.0.1", "proxy_ssl_name localhost;", LET_IN),
            ("127.0.0.1", "", INTERNAL),
        ] {
            let answer = format!(
                "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: {server}\r\nAuth-Port: {}\r\n\r\n",
                backend.port
            );
            let auth = Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())]);
            let (gateway, port) = gateway(&format!(
                "auth_http 127.0.0.1:{}/auth; xclient off; proxy_smtp_auth on; proxy_ssl {}; {} {more}",
                auth.port,
                word(at_once),
                verify(&ca.certificate())
            ));
            assert_eq!(log_in(port), wanted, "{server} {more}\n{}", gateway.log());
            if wanted == INTERNAL {
                gateway.wait_for_log("upstream SSL certificate does not match \"127.0.0.1\"");
            }
            let heard = backend.all_heard();
            let logins = heard.iter().filter(|line| line.contains("AUTH"));
            assert!(logins.clone().all(|line| line.starts_with("tls ")));
            assert_eq!(logins.count(), usize::from(wanted == LET_IN));
        }
    }
}

#[test]
fn a_greeting_that_lets_nobody_in_is_passed_on_where_it_may() {
    let backend = Mock::new(&[Act::Send(b"554 go away\r\n"), Act::Line]);
    let answer = format!(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\n\r\n",
        backend.port
    );
    let auth = Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())]);
    for (more, wanted) in [
        ("", INTERNAL),
        ("proxy_pass_error_message on;", "554 go away\r\n"),
    ] {
        let (_gateway, port) = gateway(&format!(
            "auth_http 127.0.0.1:{}/auth; proxy_ssl starttls; {more}",
            auth.port
        ));
        assert_eq!(log_in(port), wanted);
    }
}

#[test]
fn the_proxy_header_goes_first() {
    let own = Certificate::new();
    for at_once in [true, false] {
        let backend = Backend::start(Setup {
            header: true,
            ..setup(&(own.chain(), own.key()), at_once)
        });
        let (_gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{}; proxy_ssl {}; proxy_protocol on;",
            backend.port,
            word(at_once)
        ));
        assert_eq!(log_in(port), LET_IN);
        let header = backend.heard();
        assert!(
            header.starts_with("clear PROXY TCP4 127.0.0.1 "),
            "{header}"
        );
    }
}

#[test]
fn offers_from_before_tls_are_forgotten() {
    let own = Certificate::new();
    let backend = Backend::start(setup(&(own.chain(), own.key()), false));
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; server {{ listen 127.0.0.1:{port}; protocol smtp;
            proxy_pass 127.0.0.1:{}; proxy_ssl starttls; }} }}",
        backend.port
    ));
    // What is announced is learned inside TLS; so is how to log in, where clear text has offered CRAM-MD5 alone.
    let mut announced = String::new();
    support::wait_until("what the backend offers", || {
        let mut client = Smtp::connect(port);
        client.expect("220");
        client.say("EHLO client.test");
        announced = client.expect("250");
        announced.contains("SECRET")
    });
    assert!(!announced.contains("CLEAR"), "{announced}");
    assert_eq!(log_in(port), LET_IN, "{}", gateway.log());
    let heard = backend.all_heard();
    assert!(heard.iter().any(|line| line.starts_with("tls AUTH PLAIN")));
}

#[test]
fn unix_sockets() {
    let ca = Authority::new("CA");
    let wish = Wish {
        names: &["mail.test"],
        ..Wish::default()
    };
    let own = ca.sign("own", wish);
    let folder = Scratch::new("unix");
    for at_once in [true, false] {
        let path = folder.path().join(word(at_once));
        let _backend = Backend::on_unix(&path, setup(&own, at_once));
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(&path, open).expect("a socket for all");
        let towards = format!(
            "proxy_pass unix:{}; proxy_ssl {};",
            path.display(),
            word(at_once)
        );
        let named = format!(
            "{towards} {} proxy_ssl_name mail.test;",
            verify(&ca.certificate())
        );
        for more in [&towards, &named] {
            let (gateway, port) = gateway(more);
            assert_eq!(log_in(port), LET_IN, "{}", gateway.log());
        }
    }
}

/// Ten megabytes, no two kilobytes alike.
fn blob() -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as u8
    };
    (0..BLOB).map(next).collect()
}

#[test]
fn ten_megabytes_both_ways() {
    let ca = Authority::new("CA");
    let wish = Wish {
        names: &["localhost"],
        ..Wish::default()
    };
    let own = ca.sign("own", wish);
    let blob = blob();
    for at_once in [true, false] {
        let backend = Backend::start(setup(&own, at_once));
        let (clear, inside) = (free_port(), free_port());
        let _gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; smtp_capabilities X; {}
                proxy_pass 127.0.0.1:{}; proxy_ssl {};
                server {{ listen 127.0.0.1:{clear}; protocol smtp; }}
                server {{ listen 127.0.0.1:{inside} ssl; protocol smtp; }} }}",
            pair(&own),
            backend.port,
            word(at_once)
        ));
        let connect = |port| TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        assert!(carry(connect(clear), &blob) == blob, "from clear text");
        for version in [&TLS12, &TLS13] {
            let client = ca.client(&[version]);
            let stream = rustls::StreamOwned::new(client, connect(inside));
            assert!(carry(stream, &blob) == blob, "from TLS");
        }
    }
}

/// Logs in, sends it all, and reads what comes back until the end.
fn carry(mut stream: impl Read + Write, blob: &[u8]) -> Vec<u8> {
    let login = format!("AUTH PLAIN {}\r\n", plain("joe", "secret"));
    stream.write_all(login.as_bytes()).expect("to log in");
    stream.flush().expect("to log in");
    let mut heard = Vec::new();
    while !heard.ends_with(b"235 2.0.0 OK\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a reply");
        heard.push(byte[0]);
    }
    stream.write_all(b"BLOB\r\n").expect("to say it");
    stream.write_all(blob).expect("to send it");
    stream.flush().expect("to send it");
    let mut back = Vec::new();
    stream.read_to_end(&mut back).expect("it back");
    back
}
