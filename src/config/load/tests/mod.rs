//! `load()` from text in memory: nginx's first sentence, the settings after inheritance, and the absence of panics.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

mod faults;
mod hints;
mod ports;
mod report;
mod secrets;
mod static_auth;
mod tlvs;
mod validity;
mod variables;

use super::config::Loaded;
use super::load;
use super::server::{Authenticator, ProtocolSettings, Server};
use super::sockets::{Socket, diff};
use crate::base::{Level, Paint};
use crate::config::model::testing::InMemory;
use crate::config::model::{LogDestination, Method, Options, PidOption};
use crate::config::syntax::Diagnostic;

/// A machine with these files and one host.
fn memory(files: BTreeMap<PathBuf, Vec<u8>>) -> InMemory {
    let lookup = |host: &str| match host {
        "backend" => vec![IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])],
        _ => Vec::new(),
    };
    InMemory {
        files,
        host_name: "localhost",
        lookup,
    }
}

fn options() -> Options {
    Options {
        program: "portcullis",
        prefix: "/p/".into(),
        file: "/c/n.conf".into(),
        globals: None,
        error_log: LogDestination::Stderr,
        allowed: Vec::new(),
        pid: PidOption::BuiltIn("/p/logs/nginx.pid".into()),
        typed: None,
        messages: Default::default(),
    }
}

fn load_files(files: &[(&str, &[u8])]) -> (Result<Loaded, Diagnostic>, Vec<String>) {
    let files = files
        .iter()
        .map(|(name, text)| (PathBuf::from(format!("/c/{name}")), text.to_vec()));
    let world = memory(files.collect());
    let mut notes = Vec::new();
    let loaded = load(&world, &options(), &mut |note| notes.push(text_of(&note)));
    (loaded, notes)
}

fn text_of(diagnostic: &Diagnostic) -> String {
    String::from_utf8_lossy(&diagnostic.text()).into_owned()
}

/// The messages about a main file, or about the files of the configuration.
fn said(files: &[(&str, &[u8])]) -> String {
    load_files(files)
        .0
        .map_or_else(|why| text_of(&why), |_| "ok".to_owned())
}

const GOOD: &str = "events {}\nmail {\n auth_http 127.0.0.1:9;\n server {\n  listen 25;\n }\n}\n";

#[test]
fn first_sentences() {
    let server =
        |text: &str| format!("events {{}} mail {{ auth_http 127.0.0.1; server {{ {text} }} }}");
    let cases: Vec<(String, &str)> = vec![
        (GOOD.into(), "ok"),
        (String::new(), "no \"events\" section in configuration"),
        (
            "foo;\njunk {".into(),
            "unknown directive \"foo\" in /c/n.conf:1",
        ),
        (
            "daemon on\nfoo;".into(),
            "invalid number of arguments in \"daemon\" directive in /c/n.conf:2",
        ),
        (
            "daemon on".into(),
            "unexpected end of file, expecting \";\" or \"}\" in /c/n.conf:1",
        ),
        (
            "events {".into(),
            "unexpected end of file, expecting \"}\" in /c/n.conf:1",
        ),
        ("}".into(), "unexpected \"}\" in /c/n.conf:1"),
        (";".into(), "unexpected \";\" in /c/n.conf:1"),
        ("pid \"a\"b;".into(), "unexpected \"b\" in /c/n.conf:1"),
        (
            "pid 'a".into(),
            "unexpected end of file, expecting \";\" or \"}\" in /c/n.conf:1",
        ),
        (
            "events;".into(),
            "directive \"events\" has no opening \"{\" in /c/n.conf:1",
        ),
        (
            "daemon on {".into(),
            "directive \"daemon\" is not terminated by \";\" in /c/n.conf:1",
        ),
        (
            "daemon on; daemon on;".into(),
            "\"daemon\" directive is duplicate in /c/n.conf:1",
        ),
        (
            "timeout 5;".into(),
            "\"timeout\" directive is not allowed here in /c/n.conf:1",
        ),
        (
            "gzip on;".into(),
            "\"gzip\" directive is not allowed here in /c/n.conf:1",
        ),
        (
            "daemon x;".into(),
            "invalid value \"x\" in \"daemon\" directive, it must be \"on\" or \"off\" in /c/n.conf:1",
        ),
        (
            "events {} load_module x;".into(),
            "\"load_module\" directive is specified too late in /c/n.conf:1",
        ),
        (
            "include nope;".into(),
            "open() \"/c/nope\" failed (2: No such file or directory) in /c/n.conf:1",
        ),
        (
            "include nope*;".into(),
            "no \"events\" section in configuration",
        ),
        (
            "include n.conf;".into(),
            "includes go round: \"/c/n.conf\" includes itself in /c/n.conf:1",
        ),
        (
            "events {} mail { server { } }".into(),
            "no \"listen\" is defined for server in /c/n.conf:1",
        ),
        (
            "events {} mail { server { listen 26; } }".into(),
            "unknown mail protocol for server in /c/n.conf:1",
        ),
        // Module by module: the second server's protocol before the first one's auth_http.
        (
            "events {} mail {\nserver { listen 25; }\nserver { listen 26; } }".into(),
            "unknown mail protocol for server in /c/n.conf:3",
        ),
        (
            "events {} mail { server { listen 25; } } foo;".into(),
            "no \"auth_http\" is defined for server in /c/n.conf:1",
        ),
        (
            server("listen 25; listen *:25;"),
            "duplicate \"0.0.0.0:25\" address and port pair in /c/n.conf:1",
        ),
        (
            server("listen 25 x;"),
            "invalid parameter \"x\" in /c/n.conf:1",
        ),
        (
            server("listen nowhere:25;"),
            "host not found in \"nowhere:25\" of the \"listen\" directive in /c/n.conf:1",
        ),
        (
            server("listen 26; protocol SMTP;"),
            "unknown protocol \"SMTP\" in /c/n.conf:1",
        ),
        (
            server("listen 25; smtp_auth plain foo;"),
            "invalid value \"foo\" in /c/n.conf:1",
        ),
        (
            server("listen 25; timeout 1x;"),
            "\"timeout\" directive invalid value in /c/n.conf:1",
        ),
        (
            server("listen 25; listen 465 ssl;"),
            "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive in /c/n.conf:1",
        ),
        (
            server("listen 25; ssl on; starttls on;"),
            "\"ssl\" directive conflicts with \"starttls\" in /c/n.conf:1",
        ),
        (
            "events { worker_connections 1; } mail { auth_http 127.0.0.1; server { listen 25; } }"
                .into(),
            "1 worker_connections are not enough for 1 listening sockets",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(said(&[("n.conf", text.as_bytes())]), wanted, "{text}");
    }
}

#[test]
fn tokens_must_fit_nginx_s_buffer() {
    let say = |text: String| said(&[("n.conf", text.as_bytes())]);
    let long = |count| "a".repeat(count);
    for (text, fits) in [
        (format!("env {};", long(4095)), true),
        (format!("env {};\n", long(4096)), false),
        (format!("env {} ;\n", long(4094)), true),
        (format!("env {} ;\n", long(4095)), false),
        (format!("#{}\n", long(4094)), true),
        (format!("#{}\n\n", long(4095)), false),
    ] {
        assert_eq!(
            say(text.clone()).starts_with("too long parameter \""),
            !fits,
            "{}",
            text.len()
        );
    }
    let open = format!("\nenv \"\n{}\";", long(4096));
    assert_eq!(
        say(open),
        "too long parameter, probably missing terminating \"\"\" character in /c/n.conf:2"
    );
}

#[test]
fn includes() {
    let main: &[u8] = b"events {}\ninclude d/*;\ninclude e;";
    let files: Vec<(&str, &[u8])> = vec![
        ("n.conf", main),
        ("d/2", b"\n\nfoo;"),
        ("d/1", b"daemon on;"),
        ("e", b""),
    ];
    assert_eq!(said(&files), "unknown directive \"foo\" in /c/d/2:3");
    assert_eq!(
        said(&[("n.conf", b"include e;"), ("e", b"}")]),
        "unexpected \"}\" in /c/e:1"
    );
    let (loaded, _) = load_files(&[("n.conf", main), ("d/1", b"daemon on;"), ("e", b"pid x;")]);
    let loaded = loaded.expect("a configuration");
    let names: Vec<_> = loaded
        .files
        .iter()
        .map(|(path, _)| path.to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["/c/n.conf", "/c/d/1", "/c/e"]);
    assert_eq!(loaded.config.pid, Path::new("/p/x"));
    let given = PidOption::Given("/g".into());
    assert_eq!(given.file(Some(Path::new("/p/x"))), Path::new("/g"));
}

#[test]
fn what_nginx_serves_is_skipped() {
    let text = b"http { server { content_by_lua_block { '}' } location ~ ^/(a|b)${x}$ { foo 'b;{'; } } }\nevents {}";
    let (loaded, notes) = load_files(&[("n.conf", text)]);
    assert!(loaded.is_ok());
    assert_eq!(
        notes,
        [
            "[not-served] http block is not served by portcullis, nginx must go on serving it in /c/n.conf:1"
        ]
    );
    assert_eq!(
        said(&[("n.conf", b"http { include nope; }")]),
        "open() \"/c/nope\" failed (2: No such file or directory) in /c/n.conf:1"
    );
}

#[test]
fn inheritance() {
    let text = "events {}\nworker_processes auto;\nmail {\n auth_http [::1]:8/x;\n timeout 5s;\n auth_http_header a b;\n \
                smtp_auth none;\n error_log e info;\n server {\n  listen 25;\n  timeout 2s;\n }\n server {\n  listen 587;\n  \
                auth_http_header c d;\n  auth_http_header e f;\n  proxy_pass backend;\n }\n}\n";
    let (loaded, _) = load_files(&[("n.conf", text.as_bytes())]);
    let config = loaded.expect("a configuration").config;
    let [first, second] = config.servers.as_slice() else {
        panic!("two servers")
    };
    assert_eq!(config.core.worker_processes, 3);
    assert_eq!((first.line, second.line), (9, 13));
    assert_eq!(first.mail.timeout.as_secs(), 2);
    assert_eq!(second.mail.timeout.as_secs(), 5);
    let auth_server = |server: &Server| match &server.authenticator {
        Authenticator::AuthHttp {
            server, settings, ..
        } => (server.url.clone(), settings.auth_http_header.len()),
        Authenticator::Backend(_) => panic!("an auth server"),
    };
    let (auth, headers) = auth_server(first);
    assert_eq!((headers, auth_server(second).1), (1, 2));
    assert_eq!(&*first.name, b"localhost");
    assert_eq!(first.error_log[0].level, Level::Info);
    let ProtocolSettings::Smtp(smtp) = &second.settings else {
        panic!("SMTP")
    };
    assert!(smtp.smtp_auth.has(Method::None) && !smtp.smtp_auth.has(Method::Plain));
    assert_eq!(
        (
            &*auth.host,
            &*auth.uri,
            auth.addresses[0].to_string().as_str()
        ),
        (&b"[::1]"[..], &b"/x"[..], "[::1]:8")
    );
    let upstream = second.authenticator.upstream().expect("a backend");
    assert_eq!(
        upstream
            .group
            .addresses()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["10.0.0.1:25", "10.0.0.2:25"]
    );
}

/// The sockets of a configuration: address, and the local addresses that have a server of their own.
fn sockets(listens: &[&str]) -> Vec<(String, Vec<String>)> {
    let servers = listens
        .iter()
        .map(|listen| format!("server {{ protocol smtp; listen {listen}; }}\n"));
    let text = format!(
        "events {{}} mail {{ auth_http 127.0.0.1; {} }}",
        servers.collect::<String>()
    );
    let (loaded, _) = load_files(&[("n.conf", text.as_bytes())]);
    let sockets = loaded.expect("a configuration").config.sockets;
    let locals = |socket: &Socket| {
        socket
            .routes
            .iter()
            .filter_map(|route| route.local)
            .map(|ip| ip.to_string())
            .collect()
    };
    sockets
        .iter()
        .map(|socket| (socket.address.to_string(), locals(socket)))
        .collect()
}

#[test]
fn a_wildcard_takes_the_addresses_of_its_port() {
    let shared = [
        "127.0.0.2:25",
        "*:25",
        "127.0.0.3:25 backlog=9",
        "127.0.0.2:26",
        "[::1]:25",
    ];
    let wanted = [
        ("127.0.0.3:25", vec![]),
        ("0.0.0.0:25", vec!["127.0.0.2"]),
        ("127.0.0.2:26", vec![]),
        ("[::1]:25", vec![]),
    ];
    let wanted = wanted.map(|(address, locals)| {
        (
            address.to_owned(),
            locals.into_iter().map(str::to_owned).collect::<Vec<_>>(),
        )
    });
    assert_eq!(sockets(&shared), wanted);
    assert_eq!(sockets(&["25-27"]).len(), 3);
}

#[test]
fn a_reload_keeps_what_stays() {
    let load = |text: &str| {
        let text = format!(
            "events {{}} mail {{ auth_http 127.0.0.1; server {{ protocol smtp; {text} }} }}"
        );
        load_files(&[("n.conf", text.as_bytes())])
            .0
            .expect("a configuration")
            .config
            .sockets
    };
    let diff = diff(
        &load("listen 25; listen 26;"),
        &load("listen 26; listen 27;"),
    );
    let shown = [&diff.kept, &diff.added, &diff.removed]
        .map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(shown, [["0.0.0.0:26"], ["0.0.0.0:27"], ["0.0.0.0:25"]]);
}

#[test]
fn warnings() {
    let text = "events {} mail { auth_http 127.0.0.1; server { listen 25; smtp_auth plain PLAIN; \
                set_real_ip_from 10.1.0.0/8; ssl_protocols TLSv1 TLSv1.2; resolver off; } server { listen 143; } }";
    let (_, notes) = load_files(&[("n.conf", text.as_bytes())]);
    let starts = [
        "duplicate value \"PLAIN\"",
        "low address bits of 10.1.0.0/8 are",
    ];
    for start in starts {
        assert_eq!(
            notes.iter().filter(|note| note.starts_with(start)).count(),
            1,
            "{start}: {notes:?}"
        );
    }
    assert!(
        !notes.iter().any(|note| note.starts_with("\"resolver\"")),
        "{notes:?}"
    );
}

#[test]
fn the_terminal_shows_the_word() {
    let text = b"events {}\nmail {\n\ttimeuot 5s;\n}\n";
    let (loaded, _) = load_files(&[("n.conf", b"include e;"), ("e", text)]);
    let why = loaded.expect_err("an unknown name");
    let block = "  |\n3 |     timeuot 5s;\n  |     ^^^^^^^\n  = did you mean \"timeout\"?\n  = included from /c/n.conf:1\n";
    assert_eq!(why.block(Paint::Off), block);
}

/// Bytes that look random and are the same every time.
struct Bytes(u64);

impl Bytes {
    fn next(&mut self) -> u8 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33).to_le_bytes()[0]
    }
    fn below(&mut self, limit: usize) -> usize {
        (usize::from(self.next()) << 8 | usize::from(self.next())) % limit.max(1)
    }
}

#[test]
fn no_bytes_panic() {
    let mut bytes = Bytes(7);
    let signs = b"{};\"'\\#$ \n\t\r)*?[\0\xff";
    for round in 0..600 {
        let noise: Vec<u8> = (0..bytes.below(200)).map(|_| bytes.next()).collect();
        said(&[("n.conf", &noise)]);
        let mut text = GOOD
            .replace(
                "listen 25;",
                "listen 465 ssl; ssl_certificate a; smtp_auth none; error_log syslog:x;",
            )
            .into_bytes();
        for _ in 0..=round % 4 {
            let at = bytes.below(text.len());
            match bytes.below(3) {
                0 => text[at] = signs[bytes.below(signs.len())],
                1 => text.insert(at, signs[bytes.below(signs.len())]),
                _ => drop(text.drain(at..(at + bytes.below(9)).min(text.len()))),
            }
        }
        said(&[("n.conf", &text)]);
    }
    for deep in [
        "a {".repeat(100_000),
        "http {".to_owned() + &"a {".repeat(100_000),
        "\\".repeat(9999),
    ] {
        said(&[("n.conf", deep.as_bytes())]);
    }
}

#[test]
fn apop_without_an_auth_server() {
    let text = "events {} mail { pop3_auth plain apop; proxy_pass 127.0.0.1;\n server { listen 110; }\n server { listen 995; auth_http 127.0.0.1; }\n \
                server { listen 25; }\n server { listen 1110; protocol pop3; pop3_auth plain; } }";
    let (_, notes) = load_files(&[("n.conf", text.as_bytes())]);
    let said: Vec<_> = notes.iter().filter(|note| note.contains("apop")).collect();
    assert_eq!(said.len(), 1, "{notes:?}");
    assert!(
        said[0].starts_with(
            "[unsupported] \"apop\" is not offered without \"auth_http\" for server in"
        ) && said[0].ends_with("n.conf:2"),
        "{said:?}"
    );
}

#[test]
fn messages_that_pass_unread_without_a_login_are_warned_of() {
    let warned = |server: &str| {
        let text = format!("events {{}}\nmail {{\n server {{ protocol smtp; {server} }} }}");
        let (loaded, notes) = load_files(&[("n.conf", text.as_bytes())]);
        assert!(loaded.is_ok(), "{text}");
        notes.iter().any(|note| note.starts_with("[bare-newline] "))
    };
    for (server, wanted) in [
        ("listen 25; smtp_auth none; proxy_pass 127.0.0.1;", true),
        (
            "listen 25; smtp_auth none; proxy_pass 127.0.0.1; smtp_bare_newline pass;",
            false,
        ),
        (
            "listen 25; smtp_auth none; proxy_pass 127.0.0.1; smtp_bare_newline reject;",
            false,
        ),
        (
            "listen 127.0.0.1:25; smtp_auth none; proxy_pass 127.0.0.1;",
            false,
        ),
        ("listen 587; smtp_auth none; proxy_pass 127.0.0.1;", false),
        ("listen 25; smtp_auth plain; proxy_pass 127.0.0.1;", false),
        ("listen 25; smtp_auth none; auth_http 127.0.0.1;", false),
    ] {
        assert_eq!(warned(server), wanted, "{server}");
    }
}

#[test]
fn scram_with_an_auth_server() {
    let text = "events {} mail { imap_auth plain scram-sha-256; smtp_auth plain scram-sha-1; auth_http 127.0.0.1;\n server { listen 143; }\n \
                server { listen 144; protocol imap; }\n server { listen 25; protocol smtp; } }";
    let (loaded, notes) = load_files(&[("n.conf", text.as_bytes())]);
    assert!(loaded.is_ok(), "{notes:?} {:?}", loaded.err());
    let said: Vec<_> = notes.iter().filter(|note| note.contains("scram")).collect();
    assert_eq!(said.len(), 2, "{notes:?}");
    for (said, word, line) in [(said[0], "256", 2), (said[1], "1", 4)] {
        let start = format!(
            "[unsupported] \"scram-sha-{word}\" is not offered with \"auth_http\" for server in"
        );
        assert!(
            said.starts_with(&start) && said.ends_with(&format!("n.conf:{line}")),
            "{said}"
        );
    }
    let text = "events {} mail { imap_auth scram-sha-1 scram-sha-256; proxy_pass 127.0.0.1; server { listen 143; } }";
    let (_, notes) = load_files(&[("n.conf", text.as_bytes())]);
    assert!(
        !notes.iter().any(|note| note.contains("scram")),
        "{notes:?}"
    );
}

#[test]
fn open_relays_are_warned_of() {
    let warned = |server: &str| {
        let text = format!("events {{}}\nmail {{\n server {{ protocol smtp; {server} }} }}");
        let (loaded, notes) = load_files(&[("n.conf", text.as_bytes())]);
        assert!(loaded.is_ok(), "{text}");
        let relay = notes
            .iter()
            .filter(|note| note.starts_with("[relay] a client may send without a login"));
        relay.count()
    };
    let backend = "proxy_pass 127.0.0.1;";
    for (server, wanted) in [
        (format!("listen 25; smtp_auth none; {backend}"), 1),
        (
            format!("listen 192.0.2.1:25; smtp_auth plain none; {backend}"),
            1,
        ),
        (
            format!("listen 127.0.0.1:25; listen 25; smtp_auth none; xclient off; {backend}"),
            1,
        ),
        (
            "listen 25; smtp_auth none; xclient off; auth_http 127.0.0.1;".to_owned(),
            1,
        ),
        (
            "listen 25; smtp_auth none; auth_http 127.0.0.1;".to_owned(),
            0,
        ),
        (
            format!("listen 25; smtp_auth none; proxy_protocol on; {backend}"),
            0,
        ),
        (
            format!("listen 25; smtp_auth none; proxy_protocol v2; xclient off; {backend}"),
            0,
        ),
        (format!("listen 127.0.0.1:25; smtp_auth none; {backend}"), 0),
        (format!("listen 10.0.0.1:25; smtp_auth none; {backend}"), 0),
        (format!("listen unix:/x; smtp_auth none; {backend}"), 0),
        (format!("listen 25; smtp_auth plain; {backend}"), 0),
    ] {
        assert_eq!(warned(&server), wanted, "{server}");
    }
}
