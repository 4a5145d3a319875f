//! The hints below nginx's sentence. The sentences themselves are in the conformance suite.

use super::{load_files, memory, options, text_of};
use crate::config::load::test;
use crate::config::syntax::Diagnostic;

/// The first fault of a main file and its hints.
fn explained(text: &str) -> (String, Vec<String>) {
    let files: [(&str, &[u8]); 1] = [("n.conf", text.as_bytes())];
    let fault = load_files(&files).0.expect_err(text);
    let hints = fault.help.iter().map(ToString::to_string);
    let hints = hints.filter(|hint| !hint.starts_with("syntax: "));
    (text_of(&fault), hints.collect())
}

/// Checks that the hints have `wanted`, or that there are none if it is empty.
fn check(text: &str, wanted: &str) {
    let (fault, hints) = explained(text);
    let is_wanted = |hint: &String| hint.contains(wanted);
    match wanted {
        "" => assert_eq!(hints, Vec::<String>::new(), "{text}: {fault}"),
        _ => assert!(hints.iter().any(is_wanted), "{text}: {fault}: {hints:?}"),
    }
}

fn in_server(text: &str) -> String {
    format!("events {{}}\nmail {{\nauth_http 127.0.0.1;\nserver {{\n{text}\n}} }}")
}

#[test]
fn missing_semicolons() {
    let cases = [
        (
            "listen 25\nprotocol smtp;",
            "`;` is missing at the end of line 5",
        ),
        (
            "listen 25\r\n\tprotocol smtp;",
            "`;` is missing at the end of line 5",
        ),
        (
            "listen 25 # submission\n\n  protocol smtp;",
            "`;` is missing at the end of line 5",
        ),
        (
            "protocol smtp;\nlisten 25",
            "`;` is missing at the end of line 6",
        ),
        ("listen 25 }", "`;` is missing before `}` in line 5"),
        (
            "listen 25; protocol smtp}",
            "`;` is missing before `}` in line 5",
        ),
        (
            "timeout 5\nlisten 25;",
            "`;` is missing at the end of line 5",
        ),
        (
            "timeout 5 protocol smtp;",
            "`;` is missing before \"protocol\" in line 5",
        ),
        (
            "listen 25 proxy_protocol\n  smtp_auth plain;",
            "`;` is missing at the end of line 5",
        ),
        (
            "timeout 5\nfantasy 25;",
            "`;` is missing at the end of line 5",
        ),
        (
            "listen 25; smtp_auth plain\nsmtp_capabilites SIZE;",
            "`;` is missing at the end of line 5",
        ),
        (
            "ssl_protocols TLSv1.2\nssl_ciphers HIGH;",
            "`;` is missing at the end of line 5",
        ),
        // Other faults of statements of several lines.
        ("listen 25\n  backlog=0;", ""),
        ("listen 25 proxy_protocol nonsense;", ""),
        ("listen 25;;", ""),
    ];
    for (text, wanted) in cases {
        check(&in_server(text), wanted);
    }
    check("daemon on", "`;` is missing at the end of line 1");
    check(
        "events {}\nmail {\nauth_http 127.0.0.1\nserver { listen 25; } }",
        "`;` is missing at the end of line 3",
    );
    check("events {}\nmail", "`{` is missing after \"mail\"");
    let (_, hints) = explained(&in_server("listen 25\nprotocol smtp;"));
    assert_eq!(hints.len(), 1, "{hints:?}");
}

#[test]
fn missing_braces_and_quotes() {
    check(
        "events {}\nmail {\nserver { listen 25; }\n",
        "\"mail {\" in /c/n.conf:2 is not closed",
    );
    let askew = "events {}\nmail {\n    server {\n        listen 25;\n}\n";
    check(askew, "\"mail {\" in /c/n.conf:2 is not closed");
    check(askew, "the `}` in line 5 closes \"server {\" of line 3");
    check(
        &in_server("listen 25;\nserver {\nlisten 26;\n}"),
        "\"server {\" of line 4 is still open",
    );
    check(
        "events {\nmail {}\n}",
        "\"events {\" of line 1 is still open",
    );
    check("events {}\n}", "all blocks of this file are closed");
    check(
        "events {}\npid \"x;\nuser y;\n",
        "the quote \" in line 2 is not closed",
    );
    check(
        "events {}\npid \"x;\nerror_log \"y\";\n",
        "the quoted string that ends here begins in line 2",
    );
}

#[test]
fn moved_words() {
    let cases = [
        (
            "listen 25; http_auth 127.0.0.1;",
            "did you mean \"auth_http\"?",
        ),
        ("listen 25; StartTLS on;", "did you mean \"starttls\"?"),
        ("listen 25; smtp-auth plain;", "did you mean \"smtp_auth\"?"),
        (
            "listen 25; ssl_cert x;",
            "did you mean \"ssl_certificate\"?",
        ),
        (
            "listen 25; proxy_read_timeout 5;",
            "did you mean \"proxy_timeout\"?",
        ),
        ("listen 993 tls;", "did you mean \"ssl\"?"),
        ("listen 25 starttls;", "`starttls on;`"),
        ("listen 25 default_server;", "`http {}`"),
        ("listen 25; timeout 30 s;", "`30s`"),
        ("listen 25; timeout 2\tminutes;", "`2m`"),
        ("listen 25; smtp_client_buffer 8 KB;", "`8k`"),
        ("listen 25; protocol SMTP;", "`protocol smtp;`"),
        ("listen 993; protocol imaps;", "`listen ... ssl;`"),
        ("listen 25; starttls required;", "did you mean \"only\"?"),
        (
            "listen 25; smtp_auth CRAM_MD5;",
            "did you mean \"cram-md5\"?",
        ),
        ("listen 25; error_log x warning;", "did you mean \"warn\"?"),
        (
            "listen 25; proxy_pass http://127.0.0.1:80/;",
            "\"auth_http\"",
        ),
        (
            "listen 25; location / { }",
            "\"location\" belongs to `http {}`",
        ),
        (
            "listen 25; daemon off;",
            "\"daemon\" belongs to the main context",
        ),
        ("listen 25; timeout “5”;", "“ is a typographic quote"),
        ("listen\u{a0}25;", "no-break space"),
        ("listen 25；", "full-width semicolon"),
        ("listen 25; frobnicate on;", ""),
    ];
    for (text, wanted) in cases {
        check(&in_server(text), wanted);
    }
    check("\u{feff}events {}\n", "byte order mark");
    check("\u{feff}events {}\n", "did you mean \"events\"?");
    check(
        "events {} mail { server { listen 25; } }",
        "`proxy_pass host:port;`",
    );
    check("events {}\rfoo;\r", "CR alone");
}

#[test]
fn mail_servers_in_other_blocks() {
    let cases = [
        (
            "events {}\nhttp {\n mail {} }",
            "\"mail\" directive is not allowed here in /c/n.conf:3",
        ),
        (
            "events {}\nstream {\n mail {} }",
            "\"mail\" directive is not allowed here in /c/n.conf:3",
        ),
        (
            "events {} http { server { listen 143;\nprotocol imap; } }",
            "\"protocol\" directive is not allowed here in /c/n.conf:2",
        ),
        (
            "events {} http {\nauth_http x; }",
            "\"auth_http\" directive is not allowed here in /c/n.conf:2",
        ),
        (
            "events {} stream { server { listen 25;\nsmtp_auth none; } }",
            "\"smtp_auth\" directive is not allowed here in /c/n.conf:2",
        ),
        (
            "events {} http { server { location / {\nstarttls on; } } }",
            "\"starttls\" directive is not allowed here in /c/n.conf:2",
        ),
    ];
    for (text, wanted) in cases {
        let (fault, hints) = explained(text);
        assert_eq!(fault, wanted, "{text}");
        assert!(
            hints.iter().any(|hint| hint.contains("it stands inside")),
            "{hints:?}"
        );
    }
    let files: [(&str, &[u8]); 2] = [
        ("n.conf", b"events {}\nhttp {\n include d; }"),
        ("d", b"mail { server { listen 25; } }"),
    ];
    let fault = load_files(&files).0.expect_err("mail in http");
    assert_eq!(
        text_of(&fault),
        "\"mail\" directive is not allowed here in /c/d:1"
    );
    assert!(
        fault.help[1]
            .to_string()
            .contains("\"http {\" of /c/n.conf:2: include"),
        "{:?}",
        fault.help
    );
    let served = "events {}\nhttp { map $x $y { mail 1; protocol 2; } types { a/b protocol; }\n server { listen 80; server_name a; \
                  ssl_certificate x; proxy_timeout_of_others 1; location / { proxy_pass http://a; } } upstream a { server b; } }\n\
                  stream { server { listen 1; proxy_pass a:1; proxy_timeout 1; } }";
    assert!(load_files(&[("n.conf", served.as_bytes())]).0.is_ok());
}

#[test]
fn consequences_of_a_misspelt_name_are_not_faults() {
    for name in [
        "auth_htp",
        "http_auth",
        "authhttp",
        "Auth-HTTP",
        "auth_server",
        "auth_backend",
    ] {
        let text = format!("events {{}} mail {{ {name} 127.0.0.1; server {{ listen 25; }} }}");
        let world = memory([("/c/n.conf".into(), text.clone().into_bytes())].into());
        let faults = test(&world, &options(), &mut |_: Diagnostic| ()).expect_err(&text);
        let further: Vec<_> = faults.further.iter().map(text_of).collect();
        assert_eq!(further, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn suspect_lines_are_warned_of() {
    let notes = |text: &str| load_files(&[("n.conf", in_server(text).as_bytes())]).1;
    let cases = [
        (
            "listen 25; smtp_capabilities SIZE\nxclient off;",
            "[missing-semicolon] \"xclient\" is read as an argument of \"smtp_capabilities\", `;` is missing at the end of line 5 in",
        ),
        (
            "listen 25; smtp_capabilities STARTTLS \"AUTH PLAIN\";",
            "[capabilities] \"STARTTLS\", \"AUTH\" in \"smtp_capabilities\"",
        ),
        ("listen 25; server_name “mx”;", "[typographic-quote] "),
    ];
    for (text, wanted) in cases {
        let notes = notes(text);
        assert!(
            notes.len() == 1 && notes[0].starts_with(wanted),
            "{text}: {notes:?}"
        );
    }
    let silent = "listen 25; smtp_capabilities SIZE\n PIPELINING\n 8BITMIME; imap_capabilities IMAP4rev1\n  ID;";
    assert_eq!(notes(silent), Vec::<String>::new());
}
