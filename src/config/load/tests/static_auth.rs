//! Which location of `http {}` answers an `auth_http`, and why others do not.

use super::load_files;

/// What is said about `auth_http` with this value, for these lines of `http {}`, which begin in line 1.
fn answer(url: &str, http: &str) -> String {
    let mail =
        format!("mail {{ auth_http {url}; server {{ listen 25; protocol smtp; }} }} events {{}}");
    let text = format!("http {{ {http}\n}}\n{mail}");
    let (loaded, _) = load_files(&[("n.conf", text.as_bytes())]);
    let loaded = loaded.expect("a configuration");
    let [answer] = loaded.config.auth_http.as_slice() else {
        panic!("one auth_http: {:?}", loaded.config.auth_http);
    };
    let said = answer.to_string();
    let (_, said) = said.split_once(" is ").expect("an answer");
    said.replace("/c/n.conf:", "")
}

/// As [`answer`], for `127.0.0.1:9/auth` and one server.
fn in_server(lines: &str) -> String {
    answer(
        "127.0.0.1:9/auth",
        &format!("server {{ listen 127.0.0.1:9;\n{lines} }}"),
    )
}

const BY_LOCATION: &str = "answered here by the location at 2";

#[test]
fn locations_that_answer_by_themselves() {
    for lines in [
        "location / { return 200; }",
        "add_header X-Id $request_id; location / { add_header X-Id $request_id; return 200; }",
        "location = /auth { add_header A B; return 204; }",
        "location /auth { proxy_pass http://x; auth_basic x; deny all; return 200; }",
        "location /auth { if ($http_auth_user = x) { return 403; } return 200; proxy_pass $nothing; }",
        "location /auth { if ($http_auth_user = x) { set $a b; } set $c $a; return 200 $c; }",
        "location ~ ^/(a.*)$ { return 200; } error_page 404 /x;",
        "location /auth { error_page 403 /x; return 403 text; }",
        "location /auth { return 200; } lua_package_path x; brotli on;",
        "location /auth { return 200; access_by_lua_block { x } }",
        "location /a { location /auth { return 200; } } location / { proxy_pass http://x; }",
    ] {
        assert_eq!(in_server(lines), BY_LOCATION, "{lines}");
    }
    let server = "answered here by the server at 1";
    assert_eq!(
        in_server("location / { proxy_pass http://x; } return 403;"),
        server
    );
    assert_eq!(in_server("if ($a) { set $a b; } return 200;"), server);
    let conditional = "if ($http_a) { return 403; } location / { return 200; }";
    assert_eq!(in_server(conditional), BY_LOCATION);
    let broken = "if ($http_a) { break; } return 403;\nlocation / { return 200; }";
    assert_eq!(in_server(broken), "answered here by the location at 3");
}

#[test]
fn what_cannot_be_evaluated_is_named_with_its_line() {
    for (lines, reason) in [
        (
            "location / {\nproxy_pass http://x; }",
            "location / at 2 uses proxy_pass in 3",
        ),
        (
            "location ~ ^/a {\nfastcgi_pass x; }",
            "location ~ ^/a at 2 uses fastcgi_pass in 3",
        ),
        (
            "location / {\ncontent_by_lua_block { x } }",
            "location / at 2 uses content_by_lua_block in 3",
        ),
        ("location / { perl x; }", "location / at 2 uses perl in 2"),
        (
            "location / { js_content x; }",
            "location / at 2 uses js_content in 2",
        ),
        (
            "location / { auth_request /x; }",
            "location / at 2 uses auth_request in 2",
        ),
        (
            "location / { try_files /x =404; }",
            "location / at 2 uses try_files in 2",
        ),
        (
            "location / { add_header A B; }",
            "location / at 2 serves files",
        ),
        ("root /x;", "the server at 1 serves files"),
        (
            "location / { if ($http_a) { return 200; } }",
            "location / at 2 serves files",
        ),
        (
            "location / { if ($http_a) { break; } return 200; }",
            "location / at 2 serves files",
        ),
        (
            "location / { rewrite ^ /x last; return 200; }",
            "location / at 2 uses rewrite in 2",
        ),
        (
            "location / { return 200; more_set_headers 'A: b'; }",
            "location / at 2 uses more_set_headers in 2",
        ),
        (
            "location / { return 200; header_filter_by_lua x; }",
            "location / at 2 uses header_filter_by_lua in 2",
        ),
        (
            "location / { internal; return 200; }",
            "location / at 2 uses internal in 2",
        ),
        (
            "location / { return 403; } error_page 403 /x;",
            "location / at 2 uses error_page for the status 403 of 2",
        ),
        (
            "location / { if (-f /x) { return 403; } return 200; }",
            "location / at 2 uses \"if (-f …)\" in 2",
        ),
        (
            "location / { add_header Auth-User $upstream_addr; return 200; }",
            "location / at 2 uses the variable \"$upstream_addr\" in 2",
        ),
        (
            "location / { add_header Auth-User $remote_port; return 200; }",
            "location / at 2 uses the variable \"$remote_port\" in 2",
        ),
        (
            "set_real_ip_from 127.0.0.1; location / { add_header Auth-User $remote_addr; return 200; }",
            "location / at 2 uses the variable \"$remote_addr\" in 2",
        ),
        (
            "location / { if ($http_a ~ b++) { return 403; } return 200; }",
            "location / at 2 uses the regular expression \"b++\" (a possessive quantifier) in 2",
        ),
        (
            "location ~ ^/(?!b) { return 200; }",
            "location ~ ^/(?!b) at 2 uses the regular expression \"^/(?!b)\", which only PCRE has",
        ),
        (
            "location / { set_by_lua $a x; return 200; }",
            "location / at 2 uses set_by_lua in 2",
        ),
        (
            "location / { if ($http_a) {\nif ($http_b) { set $a b; } } return 200; }",
            "location / at 2 uses if in 3",
        ),
        (
            "unknown x; location / { return 200; }",
            "the server at 1 uses unknown in 2",
        ),
        (
            "location /auth/ { proxy_pass http://x; } location / { return 200; }",
            "location /auth/ at 2 redirects to the path with a slash",
        ),
    ] {
        let expected = format!(
            "not answered here: {reason}; nginx or another server must answer at 127.0.0.1:9"
        );
        assert_eq!(in_server(lines), expected, "{lines}");
    }
}

#[test]
fn maps_that_cannot_be_evaluated_are_named() {
    let http = "server { listen 9; location / { add_header Auth-User $a; return 200; } }\nmap $http_a $a { ~b++ c; }";
    assert_eq!(
        answer("127.0.0.1:9", http),
        "not answered here: location / at 1 uses \"$a\", whose map at 2 has the regular expression \"b++\" (a possessive quantifier) in 1; \
         nginx or another server must answer at 127.0.0.1:9"
    );
    let http = "server { listen 9; location / { add_header Auth-User $a; return 200; } }\nmap $http_a $a { b $msec; }";
    assert!(answer("127.0.0.1:9", http).contains("unknown \"msec\" variable"));
}

#[test]
fn a_geo_block_that_cannot_be_evaluated_is_named() {
    let http = "server { listen 9; location / { add_header Auth-User $a; return 200; } }\ngeo $a {\nproxy 127.0.0.1; }";
    let expected = "\"$a\", whose geo at 2 has invalid network \"proxy\" at 3";
    assert!(
        answer("127.0.0.1:9", http).contains(expected),
        "{}",
        answer("127.0.0.1:9", http)
    );
}

#[test]
fn servers_are_chosen_by_address_and_name() {
    let server = |line: usize| format!("answered here by the server at {line}");
    let elsewhere =
        "not answered here: no server of this file listens there; another server must answer at ";
    let two = "server { listen 9; return 200; }\nserver { listen 127.0.0.1:9; return 200; }";
    assert_eq!(answer("127.0.0.1:9", two), server(2));
    assert_eq!(answer("127.0.0.2:9", two), server(1));
    // Backends are on another machine, although the address has a listener for all addresses.
    assert!(answer("10.0.0.1:9", two).starts_with(elsewhere));
    assert!(answer("127.0.0.1:8", two).starts_with(elsewhere));
    assert!(answer("[::1]:9", two).starts_with(elsewhere));
    let both = "server { listen [::]:9 ipv6only=off; return 200; }";
    assert_eq!(answer("127.0.0.1:9", both), server(1));
    assert_eq!(answer("[::1]:9", both), server(1));
    let named = "server { listen 10.0.0.1:9; server_name a; return 200; }\n\
        server { listen 10.0.0.1:9 default_server; return 200; }\n\
        server { listen 10.0.0.1:9; server_name .end Backend; return 200; }\n\
        server { listen 10.0.0.1:9; server_name ~^back; return 200; }";
    assert_eq!(answer("backend:9", named), server(3));
    assert_eq!(answer("10.0.0.1:9", named), server(2));
    assert_eq!(
        answer(
            "unix:/run/a:/x",
            "server { listen unix:/run/a; return 200; }"
        ),
        server(1)
    );
    assert_eq!(answer("127.0.0.1", "server { return 200; }"), server(1));
    let range = "server { listen 127.0.0.1:8-10; return 200; }";
    assert_eq!(answer("127.0.0.1:9", range), server(1));
}

#[test]
fn connections_that_fail_in_nginx_are_not_answered_here() {
    for (url, parameter) in [
        ("127.0.0.1:9", "ssl"),
        ("https://127.0.0.1:9", ""),
        ("127.0.0.1:9", "proxy_protocol"),
        ("127.0.0.1:9/../x", ""),
    ] {
        let http = format!("server {{ listen 9 {parameter}; return 200; }}");
        let text = answer(url, &http);
        assert!(
            text.starts_with("not answered here: "),
            "{url} {parameter}: {text}"
        );
    }
}

#[test]
fn lines_of_included_files_count() {
    let main = b"events {} http { include servers/*; } mail { auth_http 127.0.0.1:9; server { listen 25; protocol smtp; } }";
    let server = b"server {\nlisten 9;\ninclude location;\n}";
    let files = [
        ("n.conf", main.as_slice()),
        ("servers/a", server),
        ("location", b"location / { return 200; }"),
    ];
    let (loaded, _) = load_files(&files);
    let answers = loaded.expect("a configuration").config.auth_http;
    let said = answers[0].to_string();
    assert!(
        said.ends_with("answered here by the location at /c/location:1"),
        "{said}"
    );
}

#[test]
fn deep_blocks_and_long_chains_are_not_followed() {
    let deep = format!("{}{}", "location /a {\n".repeat(200), "}\n".repeat(200));
    let text = answer(
        "127.0.0.1:9",
        &format!("server {{ listen 9; return 200; {deep} }}"),
    );
    assert!(
        text.starts_with("not answered here: http is too large"),
        "{text}"
    );
    let maps = (0..1000).map(|at| format!("map $m{} $m{at} {{ a b; }}", at + 1));
    let maps: String = maps.collect();
    let server = "server { listen 9; location / { add_header Auth-User $m0; return 200; } }";
    let text = answer("127.0.0.1:9", &format!("{server} {maps}"));
    assert!(text.contains("too many maps"), "{text}");
    let round = "map $b $a { c d; } map $a $b { c d; }";
    let server = "server { listen 9; location / { add_header Auth-User $a; return 200; } }";
    let text = answer("127.0.0.1:9", &format!("{server} {round}"));
    assert!(text.starts_with("answered here"), "{text}");
}

#[test]
fn a_large_http_block_is_not_looked_at() {
    let many = "charset x;".repeat(100_001);
    let text = answer(
        "127.0.0.1:9",
        &format!("server {{ listen 9; return 200; }} {many}"),
    );
    assert!(
        text.starts_with("not answered here: http is too large"),
        "{text}"
    );
}
