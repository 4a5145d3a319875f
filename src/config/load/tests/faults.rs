//! Independent faults after the first one are reported; faults that only follow from it are not.

use std::path::PathBuf;

use super::{GOOD, load_files, memory, options, text_of};
use crate::config::load::report::Faults;
use crate::config::load::test;

/// The faults found, the first one first.
fn found(files: &[(&str, &[u8])]) -> (Vec<String>, usize) {
    let files = files
        .iter()
        .map(|(name, text)| (PathBuf::from(format!("/c/{name}")), text.to_vec()));
    let world = memory(files.collect());
    match test(&world, &options(), &mut |_| ()) {
        Ok(_) => (Vec::new(), 0),
        Err(Faults {
            first,
            further,
            more,
        }) => {
            let all = std::iter::once(&first).chain(&further);
            (all.map(text_of).collect(), more)
        }
    }
}

fn check(text: &str, wanted: &[&str]) {
    let files: [(&str, &[u8]); 1] = [("n.conf", text.as_bytes())];
    let (all, more) = found(&files);
    assert_eq!(
        (all, more),
        (wanted.iter().map(|line| (*line).to_owned()).collect(), 0),
        "{text}"
    );
    let first = load_files(&files).0.err().map(|why| text_of(&why));
    assert_eq!(first.as_deref(), wanted.first().copied(), "{text}");
}

fn in_server(text: &str) -> String {
    format!("events {{}}\nmail {{\nauth_http 127.0.0.1;\nserver {{\n{text}\n}} }}")
}

#[test]
fn independent_ones() {
    check(GOOD, &[]);
    check(
        &in_server(
            "listen 25;\ntimeout x;\nxclient maybe;\nproxy on off;\ntimeout 5; timeout 6;\nuser root;\nnonsense;",
        ),
        &[
            "\"timeout\" directive invalid value in /c/n.conf:6",
            "invalid value \"maybe\" in \"xclient\" directive, it must be \"on\" or \"off\" in /c/n.conf:7",
            "invalid number of arguments in \"proxy\" directive in /c/n.conf:8",
            "\"timeout\" directive is duplicate in /c/n.conf:9",
            "\"user\" directive is not allowed here in /c/n.conf:10",
            "unknown directive \"nonsense\" in /c/n.conf:11",
        ],
    );
    check(
        "mail {\nserver {\nprotocol smtp;\n}\nserver {\nlisten 24;\n}\nserver {\nlisten 25;\n}\nserver {\nlisten 143; auth_http 127.0.0.1; listen 25;\n} }",
        &[
            "no \"listen\" is defined for server in /c/n.conf:2",
            "duplicate \"0.0.0.0:25\" address and port pair in /c/n.conf:12",
            "unknown mail protocol for server in /c/n.conf:5",
            "no \"auth_http\" is defined for server in /c/n.conf:2",
            "no \"auth_http\" is defined for server in /c/n.conf:5",
            "no \"auth_http\" is defined for server in /c/n.conf:8",
            "no \"events\" section in configuration",
        ],
    );
}

#[test]
fn tls() {
    let files = "cannot load certificate \"/c/a.crt\": BIO_new_file() failed (SSL: error:80000002:system library::No such file \
                 or directory:calling fopen(/c/a.crt, r) error:10000080:BIO routines::no such file)";
    let key = files
        .replace("certificate \"", "certificate key \"")
        .replace("a.crt", "a.key");
    let tls = "ssl_certificate a.crt; ssl_certificate_key a.key; starttls on;";
    let ciphers = "SSL_CTX_set_cipher_list(\"foo\") failed (SSL: error:0A0000B9:SSL routines::no cipher match)";
    // A file that is missing is missing once.
    check(
        &format!(
            "events {{}} mail {{ auth_http 127.0.0.1; {tls}\nserver {{ listen 25; }} server {{ listen 26; protocol smtp; ssl_ciphers foo; }} }}"
        ),
        &[files, &key, ciphers],
    );
    check(
        "events {} mail { auth_http 127.0.0.1; starttls on;\nserver { listen 25; }\nserver { listen 26 ssl; protocol smtp; ssl_certificate a; } }",
        &[
            "no \"ssl_certificate\" is defined for the \"starttls\" directive in /c/n.conf:1",
            "no \"ssl_certificate_key\" is defined for the \"listen ... ssl\" directive in /c/n.conf:3",
        ],
    );
}

#[test]
fn what_follows_is_not_said() {
    let cases = [
        // Directives in an unknown block, or in a misplaced one.
        (
            "foo { bar; baz { x; } include no; }\nlisten;",
            "unknown directive \"foo\" in /c/n.conf:5|invalid number of arguments in \"listen\" directive in /c/n.conf:6",
        ),
        (
            "listen 25 { a; b c { } }",
            "directive \"listen\" is not terminated by \";\" in /c/n.conf:5",
        ),
        (
            "listen 25; timeout 5 { xclient x;",
            "directive \"timeout\" is not terminated by \";\" in /c/n.conf:5",
        ),
        // Settings that the faulty line would have made.
        (
            "listen x y z;",
            "host not found in \"x\" of the \"listen\" directive in /c/n.conf:5",
        ),
        ("lisen 25;", "unknown directive \"lisen\" in /c/n.conf:5"),
        (
            "listen 99; protcol smtp;",
            "unknown directive \"protcol\" in /c/n.conf:5",
        ),
        (
            "listen 25\nprotocol smtp;\ntimeout x;",
            "invalid parameter \"protocol\" in /c/n.conf:6|\"timeout\" directive invalid value in /c/n.conf:7",
        ),
        (
            "timeout 5\nlisten 25;",
            "invalid number of arguments in \"timeout\" directive in /c/n.conf:6",
        ),
        (
            "listen 25 ssl; ssl_certificate; ssl_certificate_key a;",
            "invalid number of arguments in \"ssl_certificate\" directive in /c/n.conf:5",
        ),
        (
            "include no;",
            "open() \"/c/no\" failed (2: No such file or directory) in /c/n.conf:5",
        ),
        (
            "timeout 5;; listen 25; xclient x;",
            "unexpected \";\" in /c/n.conf:5|invalid value \"x\" in \"xclient\" directive, it must be \"on\" or \"off\" in /c/n.conf:5",
        ),
        (
            "protocol smtp; listen 25",
            "unexpected \"}\" in /c/n.conf:6",
        ),
        (
            "listen 25; { timeout x; }",
            "unexpected \"{\" in /c/n.conf:5",
        ),
        (
            "listen 25; timeout \"x\"y; xclient x;",
            "unexpected \"y\" in /c/n.conf:5",
        ),
    ];
    for (text, wanted) in cases {
        check(&in_server(text), &wanted.split('|').collect::<Vec<_>>());
    }
    let cases = [
        (
            "events {} mail { auth_htp x; server { listen 25; } }",
            "unknown directive \"auth_htp\" in /c/n.conf:1",
        ),
        (
            "auth_http x; events {} mail { server { listen 25; } }",
            "\"auth_http\" directive is not allowed here in /c/n.conf:1",
        ),
        (
            "event {} mail { auth_http 127.0.0.1; server { listen 25; } }",
            "unknown directive \"event\" in /c/n.conf:1",
        ),
        (
            "events {} mail;\nauth_http x; server { listen x; }",
            "directive \"mail\" has no opening \"{\" in /c/n.conf:1",
        ),
        (
            "daemon maybe; events {",
            "invalid value \"maybe\" in \"daemon\" directive, it must be \"on\" or \"off\" in /c/n.conf:1|unexpected end of file, expecting \"}\" in /c/n.conf:1",
        ),
        (
            "include no; mail { server { listen 25; } }",
            "open() \"/c/no\" failed (2: No such file or directory) in /c/n.conf:1",
        ),
        (
            "daemon on\nevents {}\nmail {}",
            "directive \"daemon\" is not terminated by \";\" in /c/n.conf:2",
        ),
        ("}\nfoo;", "unexpected \"}\" in /c/n.conf:1"),
    ];
    for (text, wanted) in cases {
        check(text, &wanted.split('|').collect::<Vec<_>>());
    }
}

#[test]
fn as_many_as_can_be_read() {
    let text = "nonsense;\n".repeat(50);
    let (all, more) = found(&[("n.conf", text.as_bytes())]);
    // "no events section" is one of those that are counted.
    assert_eq!((all.len(), more), (21, 30));
}

#[test]
fn no_warning_comes_behind_a_fault() {
    let text = "events {} http {} foo; stream {}";
    let (_, notes) = load_files(&[("n.conf", text.as_bytes())]);
    assert_eq!(notes.len(), 1, "{notes:?}");
    let world = memory([(PathBuf::from("/c/n.conf"), text.into())].into());
    let mut notes = Vec::new();
    assert!(test(&world, &options(), &mut |note| notes.push(text_of(&note))).is_err());
    assert_eq!(notes.len(), 1, "{notes:?}");
}

#[test]
fn circles_end() {
    let files: [(&str, &[u8]); 3] = [
        ("n.conf", b"include a;"),
        ("a", b"include b; include b;\n"),
        ("b", b"include a; include a;"),
    ];
    let (all, more) = found(&files);
    let wanted = "includes go round: \"/c/a\" includes \"/c/b\" includes \"/c/a\" in /c/b:1";
    assert_eq!((all, more), (vec![wanted.to_owned()], 0));
}

/// On a stack of a quarter of a megabyte, less than a thread has that reloads.
#[test]
fn depth_costs_no_stack() {
    let deep = |files: Vec<(String, Vec<u8>)>| {
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_slice()))
            .collect();
        found(&files).0
    };
    let chain = |length: usize| {
        let name = |at: usize| {
            if at == 0 {
                "n.conf".to_owned()
            } else {
                format!("f{at}")
            }
        };
        let text = |at: usize| format!("include f{};", at + 1).into_bytes();
        let mut files: Vec<_> = (0..length).map(|at| (name(at), text(at))).collect();
        files.push((name(length), GOOD.into()));
        files
    };
    let run = move || {
        assert_eq!(deep(chain(5000)), Vec::<String>::new());
        let braces = "http { ".repeat(100_000);
        let all = deep(vec![("n.conf".to_owned(), braces.into_bytes())]);
        assert_eq!(
            all,
            ["unexpected end of file, expecting \"}\" in /c/n.conf:1"]
        );
        let all = deep(vec![(
            "n.conf".to_owned(),
            "{".repeat(100_000).into_bytes(),
        )]);
        assert_eq!(all, ["unexpected \"{\" in /c/n.conf:1"]);
    };
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    thread
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("no overflow");
}
