//! `proxy_protocol_tlv`: its lines, what they replace, and what a session keeps for variables.

use std::sync::Arc;

use super::{Server, load_files, said, text_of};

fn text(mail: &str, server: &str) -> String {
    format!(
        "events {{}}\nmail {{\nproxy_pass 127.0.0.1:25; {mail}\nserver {{\nlisten 25; smtp_auth plain; {server}\n}} }}"
    )
}

/// The server of a configuration, and the warnings.
fn server(mail: &str, server: &str) -> (Arc<Server>, Vec<String>) {
    let text = text(mail, server);
    let (loaded, warnings) = load_files(&[("n.conf", text.as_bytes())]);
    let loaded = loaded.map_err(|why| text_of(&why)).expect("is loaded");
    (Arc::clone(&loaded.config.servers[0]), warnings)
}

/// The names and the values without variables.
fn sent(server: &Server) -> String {
    let tlvs = server.sent_tlvs().iter().map(|tlv| {
        let value = tlv.value.literal().unwrap_or_else(|| b"$".into());
        format!("{}={}", tlv.name, String::from_utf8_lossy(&value))
    });
    tlvs.collect::<Vec<_>>().join(" ")
}

#[test]
fn lines() {
    for (mail, lines, want) in [
        ("proxy_protocol v2;", "", ""),
        (
            "proxy_protocol v2;",
            "proxy_protocol_tlv 0xE1 a; proxy_protocol_tlv unique_id $session_id;",
            "0xe1=a unique_id=$",
        ),
        // The whole comes before its parts.
        (
            "proxy_protocol v2;",
            "proxy_protocol_tlv ssl_cn a; proxy_protocol_tlv ssl $proxy_protocol_tlv_ssl; proxy_protocol_tlv ssl_verify 0;",
            "ssl=$ ssl_cn=a ssl_verify=0",
        ),
        (
            "proxy_protocol v2; proxy_protocol_tlv 0xe1 a; proxy_protocol_tlv 0xe2 b;",
            "",
            "0xe1=a 0xe2=b",
        ),
        (
            "proxy_protocol v2; proxy_protocol_tlv 0xe1 a; proxy_protocol_tlv 0xe2 b;",
            "proxy_protocol_tlv 0xe3 c;",
            "0xe3=c",
        ),
        (
            "proxy_protocol v2; proxy_protocol_tlv 0xe1 \"\";",
            "",
            "0xe1=",
        ),
    ] {
        let (server, warnings) = server(mail, lines);
        assert_eq!(sent(&server), want, "{mail} {lines}");
        assert_eq!(warnings, [""; 0], "{mail} {lines}");
    }
}

#[test]
fn refusals() {
    let names = "the names are: alpn, authority, unique_id, netns, ssl, ssl_version, ssl_cn, ssl_cipher, ssl_sig_alg, ssl_key_alg, \
                 ssl_verify, or a type such as 0xe0 or ssl_0xe0";
    for (lines, want) in [
        (
            "proxy_protocol_tlv crc32c a;",
            format!("unknown PROXY protocol TLV \"crc32c\", {names}"),
        ),
        (
            "proxy_protocol_tlv 0x100 a;",
            format!("unknown PROXY protocol TLV \"0x100\", {names}"),
        ),
        (
            "proxy_protocol_tlv 0x03 a;",
            "PROXY protocol TLV \"0x03\" is the checksum, which every header of version 2 has"
                .into(),
        ),
        (
            "proxy_protocol_tlv alpn a; proxy_protocol_tlv 0x01 b;",
            "duplicate PROXY protocol TLV \"0x01\"".into(),
        ),
        (
            "proxy_protocol_tlv alpn $proxy_protocol_tlv_cn;",
            "unknown \"proxy_protocol_tlv_cn\" variable".into(),
        ),
        (
            "proxy_protocol_tlv alpn ${a;",
            "the closing bracket in \"a\" variable is missing".into(),
        ),
    ] {
        let text = text("proxy_protocol v2;", lines);
        let said = said(&[("n.conf", text.as_bytes())]);
        assert!(said.starts_with(&want), "{said} is not {want}");
    }
}

#[test]
fn lines_without_effect_are_warned_of() {
    let warning = |line| {
        format!(
            "[no-effect] \"proxy_protocol_tlv\" has no effect without \"proxy_protocol v2\" in /c/n.conf:{line}"
        )
    };
    let line = "proxy_protocol_tlv 0xe1 a;";
    for (mail, server_lines, want) in [
        (String::new(), line.to_owned(), Some(5)),
        ("proxy_protocol on;".into(), line.to_owned(), Some(5)),
        (
            "proxy_protocol v2;".into(),
            format!("proxy_protocol off; {line}"),
            Some(5),
        ),
        (line.to_owned(), "proxy_protocol on;".into(), Some(3)),
        // The other server sends it.
        (
            format!("{line} server {{ listen 26; protocol smtp; proxy_protocol v2; }}"),
            "proxy_protocol on;".into(),
            None,
        ),
        // The only server that sends some has its own.
        (
            format!("{line} server {{ listen 26; protocol smtp; proxy_protocol v2; {line} }}"),
            "proxy_protocol on;".into(),
            Some(3),
        ),
        (line.to_owned(), "proxy_protocol v2;".into(), None),
    ] {
        let (_, warnings) = server(&mail, &server_lines);
        let want: Vec<String> = want.into_iter().map(warning).collect();
        assert_eq!(warnings, want, "{mail} {server_lines}");
    }
}

#[test]
fn what_depends_on_extensions() {
    let v1 = "log_format f '$proxy_protocol_tlv_alpn'; proxy_protocol on;";
    // The configuration; whether it needs the extensions of the client, a record of the session, and a new connection for another
    // login.
    for (mail, lines, want) in [
        ("proxy_protocol v2;", "", (false, false, false)),
        (
            "proxy_protocol v2;",
            "proxy_protocol_tlv 0xe1 a;",
            (false, false, false),
        ),
        (
            "proxy_protocol v2;",
            "proxy_protocol_tlv 0xe1 $remote_addr;",
            (false, true, false),
        ),
        (
            "proxy_protocol v2;",
            "proxy_protocol_tlv 0xe1 a$proxy_protocol_tlv_0xe1;",
            (true, true, false),
        ),
        (
            "proxy_protocol v2;",
            "proxy_protocol_tlv 0xe1 $remote_user_domain;",
            (false, true, true),
        ),
        (
            "proxy_protocol v2; map $proxy_protocol_tlv_0xe1 $x { a $session_login; }",
            "proxy_protocol_tlv 0xe1 $x;",
            (true, true, true),
        ),
        (
            "proxy_protocol on;",
            "proxy_protocol_tlv 0xe1 $proxy_protocol_tlv_0xe1$remote_user;",
            (false, false, false),
        ),
        (
            "geo $proxy_protocol_tlv_0xe1 $x { default 127.0.0.1:25; }",
            "proxy_pass $x;",
            (true, true, true),
        ),
        (v1, "", (false, false, false)),
        (v1, "mail_log /l f;", (true, false, false)),
        (
            v1,
            "mail_log /l if=$proxy_protocol_tlv_ssl_cn;",
            (true, false, false),
        ),
        (
            "limit_conn_zone $proxy_protocol_tlv_authority zone=a:1m;",
            "limit_conn a 9;",
            (true, false, false),
        ),
    ] {
        let (server, _) = server(mail, lines);
        let found = (
            server.uses_tlvs(),
            server.backend_varies(),
            server.backend_varies_by_login(),
        );
        assert_eq!(found, want, "{mail} {lines}");
    }
    let lines = "proxy_protocol_tlv 0xe1 $auth_http_x_tenant;";
    assert!(server("proxy_protocol v2;", lines).0.uses_auth_headers());
    assert!(!server("proxy_protocol on;", lines).0.uses_auth_headers());
}
