//! No secret of a configuration can be printed by `Debug`: not as text, not as a list of bytes, not in base64.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{InMemory, memory, options};
use crate::config::load::load;

const PASS_PHRASES: [&str; 2] = ["open sesame of the server", "open sesame of the client"];
const HEADER: &str = "shared-with-the-auth-server";
const INLINE_KEY: &str = "inline bytes of the first key";
const FILE_KEY: &str = "bytes in the file of the second key";
const BACKEND_KEY: &str = "inline bytes of the key towards backends";
const STORE_PASSWORD: &str = "password-of-the-limit-store";
const STORE_KEY: &str = "a key of all hashes in the store";
const TICKET_KEY: &str = "forty-eight bytes that encrypt session tickets..";

fn pem(label: &str, content: &str) -> String {
    format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n")
}

/// The ways in which bytes may be printed. A list is searched without its brackets, since other bytes may surround them; `{:#?}` has
/// one byte a line.
fn forms(secret: &str) -> [String; 4] {
    let list = format!("{:?}", secret.as_bytes());
    let list = list.trim_matches(['[', ']']).to_owned();
    // Three bytes at a time, so that what precedes the secret does not change its encoding.
    let encoded = STANDARD.encode(&secret.as_bytes()[..secret.len() / 3 * 3]);
    [
        secret.to_owned(),
        list.clone(),
        list.replace(", ", ",\n"),
        encoded,
    ]
}

/// Whether a text contains a secret in any form; indentation does not matter.
fn shows(text: &str, secret: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let unindented = lines.join("\n");
    let mut forms = forms(secret).into_iter();
    forms.any(|form| text.contains(&form) || unindented.contains(&form))
}

#[test]
fn debug_shows_no_secret() {
    let certificate = pem("CERTIFICATE", "MAA=");
    let (inline, backend) = (
        pem("PRIVATE KEY", &STANDARD.encode(INLINE_KEY)),
        pem("PRIVATE KEY", &STANDARD.encode(BACKEND_KEY)),
    );
    let text = format!(
        "events {{}}\nmail {{\n auth_http 127.0.0.1:9;\n auth_http_header X-Key {HEADER};\n proxy_pass 127.0.0.1:25;\n \
         limit_store redis://:{STORE_PASSWORD}@127.0.0.1 secret=store.key;\n limit_auth_zone $remote_addr zone=a:1m rate=5r/m;\n \
         limit_auth zone=a;\n \
         server {{\n listen 465 ssl;\n ssl_certificate a.crt;\n ssl_certificate_key \"data:{inline}\";\n \
         ssl_certificate a.crt;\n ssl_certificate_key a.key;\n ssl_password_file server.pass;\n ssl_session_ticket_key ticket.key;\n \
         proxy_ssl on;\n proxy_ssl_certificate a.crt;\n proxy_ssl_certificate_key \"data:{backend}\";\n \
         proxy_ssl_password_file client.pass;\n }}\n}}\n"
    );
    let files = [
        ("n.conf", text.clone()),
        ("a.crt", certificate),
        ("a.key", pem("PRIVATE KEY", &STANDARD.encode(FILE_KEY))),
        ("server.pass", format!("{}\n", PASS_PHRASES[0])),
        ("client.pass", format!("{}\n", PASS_PHRASES[1])),
        ("ticket.key", TICKET_KEY.to_owned()),
        ("store.key", STORE_KEY.to_owned()),
    ];
    let files = files.map(|(name, text)| (PathBuf::from("/c").join(name), text.into_bytes()));
    let world = memory(files.into_iter().collect());
    let mut warnings = Vec::new();
    let loaded = load(&world, &options(), &mut |warning| warnings.push(warning));
    let loaded = loaded.expect("a configuration");
    let secrets = PASS_PHRASES.into_iter().chain([
        HEADER,
        INLINE_KEY,
        FILE_KEY,
        BACKEND_KEY,
        TICKET_KEY,
        STORE_PASSWORD,
        STORE_KEY,
    ]);
    let texts = [
        format!("{:?}", loaded.config),
        format!("{:#?}", loaded.config),
        format!("{loaded:?} {warnings:?}"),
        format!("{loaded:#?} {:?}", loaded.written),
    ];
    for secret in secrets {
        // The search finds what is there, in each form.
        assert!(shows(&text, secret) || files_show(&world, secret));
        assert!(shows(&format!("{:#?}", secret.as_bytes()), secret));
        assert!(shows(&format!("{:?}", (0, secret.as_bytes())), secret));
        for text in &texts {
            assert!(!shows(text, secret), "{secret}:\n{text}");
        }
    }
    assert!(texts[0].contains("data:***") && texts[0].contains("a.key"));
}

fn files_show(world: &InMemory, secret: &str) -> bool {
    let mut files = world.files.values();
    files.any(|bytes| shows(&String::from_utf8_lossy(bytes), secret))
}
