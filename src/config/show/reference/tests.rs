use std::fs;
use std::path::Path;

use super::markup::Piece;
use super::{entries, examples, explain, names};

fn explained(name: &str) -> Result<String, String> {
    explain(name.as_bytes()).map_err(|why| String::from_utf8_lossy(&why).into_owned())
}

#[test]
fn reference_explains_every_name() {
    for name in names() {
        let page = explained(name).expect(name);
        assert!(page.starts_with(&format!("{name}\n")), "{page}");
        for field in ["Syntax:", "Default:", "Context:", "Module:"] {
            assert!(page.contains(field), "{page}");
        }
        for entry in entries(name) {
            assert!(!entry.contexts.is_empty() && !entry.text.is_empty());
            for piece in &entry.text {
                let (Piece::Paragraph(text) | Piece::Item(text)) = piece;
                let ticks = text.matches('`').count();
                assert!(ticks % 2 == 0, "{name}: a backtick is not closed: {text}");
            }
        }
    }
    for name in [
        "mail",
        "server",
        "events",
        "include",
        "load_module",
        "http",
        "listen",
    ] {
        assert!(names().contains(&name), "{name}");
    }
}

#[test]
fn reference_has_both_meanings_of_a_name() {
    let page = explained("error_log").expect("an entry");
    assert!(page.contains("Context:  main\n") && page.contains("Context:  mail, server\n"));
}

#[test]
fn reference_says_what_is_special() {
    let has = |name: &str, text: &str| {
        let page = explained(name).expect(name);
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(text), "{page}");
    };
    has("proxy_timeout", "Default: proxy_timeout 24h;");
    has("proxy_timeout", "conf.d/submission.conf: proxy_timeout 2m;");
    has("proxy_timeout", "A number without a unit is in seconds");
    has("proxy_timeout", "ngx_mail_proxy_module");
    has(
        "proxy_timeout",
        "in other modules too (ngx_stream_proxy_module), whose blocks portcullis skips",
    );
    has(
        "max_commands",
        "The mail modules of nginx do not have this directive",
    );
    has("auth_http_header", "may appear several times per block");
    has("listen", "so_keepalive");
}

#[test]
fn reference_names_what_is_left_to_nginx() {
    let page = explained("gzip").expect("a page");
    assert!(
        page.contains("http, server, location") && page.contains("belongs to nginx"),
        "{page}"
    );
}

#[test]
fn reference_knows_near_names() {
    assert_eq!(
        explained("sever_name"),
        Err("unknown directive \"sever_name\", did you mean \"server_name\"?".to_owned())
    );
    assert_eq!(
        explained("frobnicate"),
        Err("unknown directive \"frobnicate\"".to_owned())
    );
    assert!(explained("").is_err() && explain(b"\xff\0").is_err());
}

#[test]
fn reference_quotes_every_shipped_configuration() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf.d");
    for entry in fs::read_dir(folder).expect("conf.d") {
        let name = entry.expect("an entry").file_name();
        let name = format!("conf.d/{}", name.to_string_lossy());
        let known = examples::SHIPPED.iter().any(|(file, _)| *file == name);
        assert!(known || !name.ends_with(".conf"), "{name} is not quoted");
    }
}
