//! Session resumption: by ids and by tickets, in both versions of TLS, across servers, instances and reloads.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::HandshakeKind;
use support::authority::{Authority, CertificateOptions, s_client, ssl_certificate};
use support::{Gateway, free_port};

const TLS12: &[&str] = &["-tls1_2"];
const TLS12_IDS: &[&str] = &["-tls1_2", "-no_ticket"];
const TLS13: &[&str] = &["-tls1_3"];

/// A client with a session to resume.
struct Visitor {
    session: PathBuf,
    arguments: Vec<String>,
}

impl Visitor {
    /// Begins a session at `port` and keeps it.
    fn new(authority: &Authority, name: &str, port: u16, arguments: &[&str]) -> Self {
        let session = authority.path(name);
        let visitor = Self {
            arguments: arguments.iter().map(ToString::to_string).collect(),
            session,
        };
        let _ = fs::remove_file(&visitor.session);
        assert!(!visitor.visit(port, "-sess_out"));
        assert!(visitor.session.exists(), "{name}: no session");
        visitor
    }

    /// Whether the session is resumed at `port`.
    fn resumes(&self, port: u16) -> bool {
        self.visit(port, "-sess_in")
    }

    fn visit(&self, port: u16, how: &str) -> bool {
        let mut arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        arguments.extend([how, self.session.to_str().expect("its path")]);
        let shaken = s_client(port, &arguments, "QUIT\r\n");
        assert!(shaken.out.contains("221 "), "{}{}", shaken.out, shaken.err);
        shaken.is_resumed()
    }
}

fn server(port: u16, lines: &str) -> String {
    format!("server {{ listen 127.0.0.1:{port} ssl; protocol smtp; {lines} }}\n")
}

fn mail(servers: &[String]) -> String {
    format!(
        "mail {{ auth_http 127.0.0.1:1/; server_name mx;\n{} }}",
        servers.concat()
    )
}

#[test]
fn a_shared_cache_serves_all_servers_that_name_it_and_outlives_a_reload() {
    let authority = Authority::new("CA");
    let (own, other) = (
        ssl_certificate(&authority.sign("own", CertificateOptions::default())),
        ssl_certificate(&authority.sign("other", CertificateOptions::default())),
    );
    let ports = [free_port(), free_port(), free_port(), free_port()];
    let cache = "ssl_session_tickets off; ssl_session_cache shared:one:1m;";
    let text = mail(&[
        server(ports[0], &format!("{cache} {own}")),
        server(ports[1], &format!("{cache} {own}")),
        server(ports[2], &format!("{cache} {other}")),
        server(
            ports[3],
            &format!("ssl_session_tickets off; ssl_session_cache builtin:100; {own}"),
        ),
    ]);
    let gateway = Gateway::start(&text);
    for arguments in [TLS12, TLS12_IDS, TLS13] {
        let visitor = Visitor::new(&authority, "shared", ports[0], arguments);
        assert!(visitor.resumes(ports[0]), "{arguments:?}");
        assert!(
            visitor.resumes(ports[1]),
            "{arguments:?}: another server of the zone"
        );
        assert!(
            !visitor.resumes(ports[2]),
            "{arguments:?}: another certificate"
        );
        assert!(!visitor.resumes(ports[3]), "{arguments:?}: another cache");
        let builtin = Visitor::new(&authority, "builtin", ports[3], arguments);
        assert!(builtin.resumes(ports[3]));
        gateway.reload();
        assert!(visitor.resumes(ports[0]), "{arguments:?}: after a reload");
        assert!(builtin.resumes(ports[3]), "{arguments:?}: after a reload");
    }
    gateway.rewrite(&text.replace("one:1m", "one:2m"));
    let visitor = Visitor::new(&authority, "resized", ports[0], TLS12_IDS);
    gateway.reload();
    assert!(
        !visitor.resumes(ports[0]),
        "a zone of another size is another zone"
    );
}

#[test]
fn tickets_outlive_a_reload_without_a_cache() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let port = free_port();
    let gateway = Gateway::start(&mail(&[server(port, &own)]));
    for arguments in [TLS12, TLS13] {
        let visitor = Visitor::new(&authority, "ticket", port, arguments);
        assert!(visitor.resumes(port), "{arguments:?}");
        gateway.reload();
        assert!(visitor.resumes(port), "{arguments:?}: after a reload");
    }
}

#[test]
fn without_tickets_and_cache_nothing_is_resumed() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let ports = [free_port(), free_port(), free_port()];
    let _gateway = Gateway::start(&mail(&[
        server(ports[0], &format!("ssl_session_tickets off; {own}")),
        server(
            ports[1],
            &format!("ssl_session_tickets off; ssl_session_cache off; {own}"),
        ),
        server(
            ports[2],
            &format!("ssl_conf_command Options -SessionTicket; {own}"),
        ),
    ]));
    for port in ports {
        for arguments in [TLS12, TLS13] {
            let session = authority.path("none");
            let _ = fs::remove_file(&session);
            let path = session.to_str().expect("its path");
            let out = [arguments, &["-sess_out", path]].concat();
            assert!(!s_client(port, &out, "QUIT\r\n").is_resumed());
            if session.exists() {
                let again = [arguments, &["-sess_in", path]].concat();
                assert!(!s_client(port, &again, "QUIT\r\n").is_resumed());
            }
        }
    }
}

#[test]
fn instances_with_the_same_ticket_keys_resume_each_others_sessions() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let key = |name: &str, length: usize, first: u8| {
        let bytes: Vec<u8> = (0..length).map(|at| first.wrapping_add(at as u8)).collect();
        let path = authority.path(name);
        fs::write(&path, bytes).expect("a key");
        format!("ssl_session_ticket_key {};", path.display())
    };
    let (old, new, alien) = (key("old", 48, 1), key("new", 80, 7), key("alien", 80, 99));
    let start = |keys: &str| {
        let port = free_port();
        (
            Gateway::start(&mail(&[server(port, &format!("{own} {keys}"))])),
            port,
        )
    };
    let (_one, before) = start(&old);
    let (_two, same) = start(&old);
    let (_three, rotated) = start(&format!("{new} {old}"));
    let (_four, foreign) = start(&alien);
    for arguments in [TLS12, TLS13] {
        let visitor = Visitor::new(&authority, "key", before, arguments);
        assert!(visitor.resumes(same), "{arguments:?}");
        assert!(visitor.resumes(rotated), "{arguments:?}: the second key");
        assert!(!visitor.resumes(foreign), "{arguments:?}: no such key");
        let visitor = Visitor::new(&authority, "new", rotated, arguments);
        assert!(visitor.resumes(rotated), "{arguments:?}: the first key");
        assert!(
            !visitor.resumes(before),
            "{arguments:?}: a key it does not know"
        );
    }
}

#[test]
fn an_expired_session_is_not_resumed() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let ports = [free_port(), free_port()];
    let short = "ssl_session_timeout 2s;";
    let cache = "ssl_session_tickets off; ssl_session_cache shared:one:1m;";
    let _gateway = Gateway::start(&mail(&[
        server(ports[0], &format!("{own} {short}")),
        server(ports[1], &format!("{own} {short} {cache}")),
    ]));
    for (port, arguments) in [
        (ports[0], TLS12),
        (ports[0], TLS13),
        (ports[1], TLS12),
        (ports[1], TLS12_IDS),
        (ports[1], TLS13),
    ] {
        let visitor = Visitor::new(&authority, "old", port, arguments);
        support::wait_until("the end of the session", || !visitor.resumes(port));
    }
}

/// In TLS 1.2 a resumed session keeps its secret, so new tickets do not extend its life.
#[test]
fn renewed_tickets_expire_with_the_first_one() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign(
        "own",
        CertificateOptions {
            names: &["localhost"],
            ..CertificateOptions::default()
        },
    ));
    let port = free_port();
    let _gateway = Gateway::start(&mail(&[server(
        port,
        &format!("{own} ssl_session_timeout 4s;"),
    )]));
    let config = Arc::new(authority.client_config(&[&rustls::version::TLS12]));
    let is_resumed = || {
        let mut client = Authority::client_from(&config);
        let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        let mut greeting = [0; 3];
        let mut stream = rustls::Stream::new(&mut client, &mut socket);
        stream.read_exact(&mut greeting).expect("a greeting");
        client.handshake_kind() == Some(HandshakeKind::Resumed)
    };
    assert!(!is_resumed());
    let mut times = 0;
    support::wait_until("the end of the session", || {
        let resumed = is_resumed();
        times += usize::from(resumed);
        !resumed
    });
    assert!(times > 0, "it was never resumed");
}

#[test]
fn keys_are_rotated_by_a_reload() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let key = |name: &str, first: u8| {
        let path = authority.path(name);
        fs::write(&path, [first; 80]).expect("a key");
        format!("ssl_session_ticket_key {};", path.display())
    };
    let (old, new) = (key("old", 1), key("new", 2));
    let port = free_port();
    let text = |keys: &str| mail(&[server(port, &format!("{own} {keys}"))]);
    let gateway = Gateway::start(&text(&old));
    for arguments in [TLS12, TLS13] {
        gateway.rewrite(&text(&old));
        gateway.reload();
        let before = Visitor::new(&authority, "before", port, arguments);
        gateway.rewrite(&text(&format!("{new} {old}")));
        gateway.reload();
        assert!(before.resumes(port), "{arguments:?}: the old key decrypts");
        let after = Visitor::new(&authority, "after", port, arguments);
        gateway.rewrite(&text(&new));
        gateway.reload();
        assert!(after.resumes(port), "{arguments:?}: the new one encrypted");
        assert!(!before.resumes(port), "{arguments:?}: the old one is gone");
        // Other bytes in the same file are another key.
        fs::write(authority.path("new"), [3; 80]).expect("a key");
        gateway.reload();
        assert!(!after.resumes(port), "{arguments:?}: other bytes");
        fs::write(authority.path("new"), [2; 80]).expect("a key");
    }
}

#[test]
fn a_resumed_session_keeps_its_certificate_which_is_verified_again() {
    let authority = Authority::new("CA");
    let own = ssl_certificate(&authority.sign("own", CertificateOptions::default()));
    let (certificate, key) = authority.sign(
        "client",
        CertificateOptions {
            serial: Some(7),
            ..CertificateOptions::default()
        },
    );
    let revoked = authority.write_crl("none.crl", &[]);
    let ports = [free_port(), free_port()];
    let asks = format!(
        "{own} ssl_client_certificate {}; ssl_crl {}; ssl_session_cache shared:one:1m;",
        authority.certificate().display(),
        revoked.display()
    );
    let gateway = Gateway::start(&mail(&[
        server(ports[0], &format!("ssl_verify_client on; {asks}")),
        server(ports[1], &format!("ssl_verify_client optional; {asks}")),
    ]));
    let shown = [
        "-cert",
        certificate.to_str().expect("its path"),
        "-key",
        key.to_str().expect("its path"),
    ];
    let visits: Vec<Visitor> = [TLS12, TLS12_IDS, TLS13]
        .iter()
        .enumerate()
        .map(|(at, arguments)| {
            let with = [arguments, &shown[..]].concat();
            let mut visitor = Visitor::new(&authority, &format!("client-{at}"), ports[0], &with);
            visitor.arguments = arguments.iter().map(ToString::to_string).collect();
            assert!(
                visitor.resumes(ports[0]),
                "{arguments:?}: without showing it again"
            );
            let without = Visitor::new(&authority, &format!("anonymous-{at}"), ports[1], arguments);
            let session = without.session.to_str().expect("its path");
            let shaken = s_client(
                ports[0],
                &[arguments, &["-sess_in", session][..]].concat(),
                "",
            );
            assert!(
                shaken.out.contains("421 4.7.1 No required SSL certificate"),
                "{}",
                shaken.out
            );
            visitor
        })
        .collect();
    authority.write_crl("none.crl", &[7]);
    gateway.reload();
    for visitor in visits {
        let session = visitor.session.to_str().expect("its path");
        let mut arguments: Vec<&str> = visitor.arguments.iter().map(String::as_str).collect();
        arguments.extend(["-sess_in", session]);
        let shaken = s_client(ports[0], &arguments, "");
        assert!(shaken.is_resumed());
        assert!(
            shaken.out.contains("421 4.7.1 SSL certificate error"),
            "{}",
            shaken.out
        );
    }
    gateway.wait_for_log("client SSL certificate verify error: (23:certificate revoked)");
}
