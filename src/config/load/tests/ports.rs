//! The protocol that a port stands for, and the port that a protocol stands for.

use super::{load_files, text_of};

/// The protocol of a server with these directives, and the addresses of its backend.
fn of(server: &str) -> String {
    let text = format!(
        "events {{}} mail {{ upstream g {{ server 127.0.0.2; server 127.0.0.3:9; }} server {{ {server} }} }}"
    );
    let loaded = match load_files(&[("n.conf", text.as_bytes())]).0 {
        Ok(loaded) => loaded,
        Err(fault) => return text_of(&fault),
    };
    let server = &loaded.config.servers[0];
    let upstream = server.authenticator.upstream();
    let addresses = upstream
        .into_iter()
        .flat_map(|upstream| upstream.group.addresses());
    let addresses: Vec<_> = addresses.map(ToString::to_string).collect();
    format!("{} {}", server.protocol(), addresses.join(" "))
        .trim_end()
        .to_owned()
}

#[test]
fn of_managesieve() {
    for (server, want) in [
        ("listen 4190; proxy_pass 127.0.0.1;", "sieve 127.0.0.1:4190"),
        (
            "listen 127.0.0.1:4190; proxy_pass 127.0.0.1:2000;",
            "sieve 127.0.0.1:2000",
        ),
        ("listen [::1]:4190; proxy_pass [::1];", "sieve [::1]:4190"),
        (
            "listen 4190; proxy_pass backend;",
            "sieve 10.0.0.1:4190 10.0.0.2:4190",
        ),
        (
            "listen 4190; proxy_pass g;",
            "sieve 127.0.0.2:4190 127.0.0.3:9",
        ),
        ("listen 4190; auth_http 127.0.0.1:9;", "sieve"),
        (
            "listen 2000; protocol sieve; proxy_pass 127.0.0.1;",
            "sieve 127.0.0.1:4190",
        ),
        (
            "listen 2000; listen 4190; proxy_pass 127.0.0.1;",
            "sieve 127.0.0.1:4190",
        ),
        // The directive decides, and then the ports that nginx knows.
        (
            "listen 4190; protocol pop3; proxy_pass 127.0.0.1;",
            "pop3 127.0.0.1:110",
        ),
        (
            "listen 4190; listen 993; proxy_pass 127.0.0.1;",
            "imap 127.0.0.1:143",
        ),
        (
            "listen 143; protocol sieve; proxy_pass 127.0.0.1;",
            "sieve 127.0.0.1:4190",
        ),
        (
            "listen 2000; proxy_pass 127.0.0.1;",
            "unknown mail protocol for server in /c/n.conf:1",
        ),
        (
            "listen unix:/s; proxy_pass 127.0.0.1;",
            "unknown mail protocol for server in /c/n.conf:1",
        ),
        (
            "listen 4190; protocol Sieve; proxy_pass 127.0.0.1;",
            "unknown protocol \"Sieve\" in /c/n.conf:1",
        ),
    ] {
        assert_eq!(of(server), want, "{server}");
    }
}
