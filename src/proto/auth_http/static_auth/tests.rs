//! Responses to requests, from lines of a configuration.

use std::sync::Arc;

use super::respond;
use crate::base::Secret;
use crate::config::testing::InMemory;
use crate::config::{self, LogDestination, Options, PidOption, StaticAuth};

/// The auth location that these lines of `http {}` have for `http://auth.test:9/auth?a=1&b=2`.
fn answer(http: &str) -> Arc<StaticAuth> {
    let text = format!(
        "events {{}} http {{ {http} }}
         mail {{ auth_http http://auth.test:9/auth?a=1&b=2; server {{ listen 25; protocol smtp; }} }}"
    );
    let options = Options {
        program: "portcullis",
        prefix: "/".into(),
        file: "/file".into(),
        globals: None,
        error_log: LogDestination::Stderr,
        allowed: Vec::new(),
        pid: PidOption::BuiltIn("/pid".into()),
        typed: None,
        messages: Default::default(),
    };
    let world = InMemory {
        files: [("/file".into(), text.into_bytes())].into(),
        host_name: "machine",
        lookup: |_| vec![[127, 0, 0, 1].into()],
    };
    let loaded = config::load(&world, &options, &mut |_| {});
    let loaded = loaded.expect("a configuration");
    let answer = &loaded.config.auth_http[0];
    answer.answer.clone().unwrap_or_else(|_| panic!("{answer}"))
}

/// The headers of the response to a request with these headers, or `closed`.
fn asked(http: &str, headers: &str) -> String {
    let request = format!("GET /auth?a=1&b=2 HTTP/1.0\nHost: auth.test\n{headers}\n\n");
    let request = Secret::new(request.replace('\n', "\r\n").into_bytes());
    let mut out = Vec::new();
    respond(&answer(http), &request, &mut out);
    let out = String::from_utf8(out).expect("text");
    match out.is_empty() {
        true => "closed".to_owned(),
        false => out
            .replace("HTTP/1.1 ", "")
            .replace(" \r\n", "\n")
            .replace("\r\n", "\n")
            .trim_end()
            .to_owned(),
    }
}

/// As [`asked`], for one location.
fn in_location(lines: &str, headers: &str) -> String {
    let http = format!("server {{ listen 9; location /auth {{ {lines} }} }}");
    asked(&http, headers)
}

/// The value of a text with variables.
fn value(text: &str, headers: &str) -> String {
    let lines = format!("add_header V \"{text}\"; return 200;");
    let response = in_location(&lines, headers);
    response
        .strip_prefix("200")
        .expect("200")
        .trim_start_matches("\nV: ")
        .to_owned()
}

#[test]
fn variables() {
    for (text, expected) in [
        (
            "$host $http_host ${host}x",
            "auth.test auth.test auth.testx",
        ),
        ("$uri$is_args$args $document_uri", "/auth?a=1&b=2 /auth"),
        ("$arg_a$arg_B-$arg_c", "12-"),
        ("$request_uri $query_string", "/auth?a=1&b=2 a=1&b=2"),
        (
            "$request_method $scheme $https$server_protocol",
            "GET http HTTP/1.0",
        ),
        ("$request", "GET /auth?a=1&b=2 HTTP/1.0"),
        (
            "$remote_addr $server_addr $server_port",
            "127.0.0.1 127.0.0.1 9",
        ),
        ("$server_name.$hostname", ".machine"),
        ("$http_auth_user-$HTTP_X_Y", "jo%20e-1, 2"),
        ("$http_missing-$1", "-"),
        ("$http_x_odd", ""),
    ] {
        let headers = "Auth-User: jo%20e\nX-Y: 1\nx-y:  2 \nX_Odd: 3";
        assert_eq!(value(text, headers), expected, "{text}");
    }
    let http = "server { listen 9; underscores_in_headers on; location / { add_header V $http_x_odd; return 200; } }";
    assert_eq!(asked(http, "X_Odd: 3"), "200\nV: 3");
}

#[test]
fn headers_depend_on_the_status_and_the_block() {
    let lines = |status: &str| {
        in_location(
            &format!("add_header A a; add_header B b always; add_header C \"\"; return {status};"),
            "",
        )
    };
    for status in [
        "200", "201", "204", "206", "301", "302", "303", "304", "307", "308",
    ] {
        assert_eq!(lines(status), format!("{status}\nA: a\nB: b"));
    }
    for status in ["202", "300", "305", "400", "403", "500", "503 text"] {
        let code = &status[..3];
        assert_eq!(lines(status), format!("{code}\nB: b"));
    }
    assert_eq!(lines("https://elsewhere/"), "302\nA: a\nB: b");
    assert_eq!(lines("497"), "400\nB: b");
    assert_eq!(lines("497 text"), "497\nB: b");
    assert_eq!(lines("444"), "closed");
    assert_eq!(lines("444 text"), "444\nB: b");
    let inherited = "add_header A http; server { listen 9; add_header B server; location /auth { location /auth { return 200; } } }";
    assert_eq!(asked(inherited, ""), "200\nB: server");
    let replaced =
        "add_header A a; if ($http_x) { add_header B b; } if ($http_y) { set $c d; } return 200;";
    assert_eq!(in_location(replaced, ""), "200\nA: a");
    assert_eq!(in_location(replaced, "X: 1"), "200\nB: b");
    assert_eq!(in_location(replaced, "X: 1\nY: 1"), "200\nA: a");
    let server = "add_header A http; server { listen 9; if ($http_x) { return 403; } return 204; }";
    assert_eq!(asked(server, "X: 0"), "204\nA: http");
    assert_eq!(asked(server, "X: 1"), "403");
    let merged = "add_header A a; server { listen 9; add_header_inherit merge; add_header B b; return 200; }";
    assert_eq!(asked(merged, ""), "200\nB: b\nA: a");
    let off = "add_header A a; server { listen 9; add_header_inherit off; return 200; }";
    assert_eq!(asked(off, ""), "200");
}

#[test]
fn conditions() {
    for (condition, user, holds) in [
        ("($http_auth_user)", "", false),
        ("($http_auth_user)", "0", false),
        ("($http_auth_user)", "00", true),
        ("($http_auth_user = a)", "a", true),
        ("( $http_auth_user = \"a\" )", "a", true),
        ("($http_auth_user = \"\")", "", true),
        ("($http_auth_user = $http_host)", "auth.test", true),
        ("($http_auth_user != a)", "A", true),
        ("($http_auth_user ~ \"^(a|b)$\")", "b", true),
        ("($http_auth_user ~ ^(a|b)$)", "B", false),
        ("($http_auth_user ~* ^(a|b)$)", "B", true),
        ("($http_auth_user !~ ^a)", "b", true),
        ("($http_auth_user !~* ^a)", "A", false),
    ] {
        let lines = format!("if {condition} {{ return 201; }} return 200;");
        let response = in_location(&lines, &format!("Auth-User: {user}"));
        assert_eq!(response == "201", holds, "{condition} {user}");
    }
}

#[test]
fn assignments_and_groups() {
    let lines = "add_header V \"$a-$user-$1\"; if ($http_auth_user ~ ^(?<user>[^@]+)@(.*)$) { set $a $2; } return 200;";
    assert_eq!(in_location(lines, "Auth-User: joe@x"), "200\nV: x-joe-joe");
    assert_eq!(in_location(lines, "Auth-User: joe"), "200\nV: --");
    let lines = "set $a 1; if ($http_x) { set $a \"${a}2\"; set $a \"$a.\"; } if ($http_y) { set $a \"$a$http_y\"; } add_header V $a; return 200;";
    assert_eq!(in_location(lines, ""), "200\nV: 1");
    assert_eq!(in_location(lines, "X: 1"), "200\nV: 12.");
    assert_eq!(in_location(lines, "X: 1\nY: 3"), "200\nV: 12.3");
    let of_location = "server { listen 9; server_name ~^(?<name>.*)\\.test$;
        set $before $1; location ~ ^/(..)(?<rest>.*) { add_header V \"$name $before $1 $rest\"; return 200; } }";
    assert_eq!(asked(of_location, ""), "200\nV: auth auth au th");
    let broken = "server { listen 9; set $a 1; if ($http_x) { break; } set $a 2; location / { add_header V $a; return 200; } }";
    assert_eq!(asked(broken, ""), "200\nV: 2");
    assert_eq!(asked(broken, "X: 1"), "200\nV: 1");
}

#[test]
fn addresses() {
    let http = "geo $http_client_ip $site { default a; 10.0.0.0/8 b; 10.1.0.0/16 c; ::1 d; }
        geo $own { 127.0.0.1 yes; default no; }
        geo $http_client_ip $of_range { ranges; 10.0.0.1-10.0.0.9 e; }
        server { listen 9; location / { add_header V $site$own$of_range; return 200; } }";
    for (address, value) in [
        ("192.0.2.1", "ayes"),
        ("10.0.0.1", "byese"),
        ("10.1.0.1", "cyes"),
        ("::1", "dyes"),
    ] {
        assert_eq!(
            asked(http, &format!("Client-IP: {address}")),
            format!("200\nV: {value}")
        );
    }
}

#[test]
fn maps() {
    let http = "map $http_auth_user $port { default 1; joe 2; ~*^(.)x(?<rest>.*)$ \"$1-$rest\"; bob $other; }
        map $http_host $other { hostnames; *.test $arg_a; }
        server { listen 9; location / { add_header V $port; return 200; } }";
    for (user, port) in [("", "1"), ("JOE", "2"), ("aXb", "a-b"), ("bob", "1")] {
        assert_eq!(
            asked(http, &format!("Auth-User: {user}")),
            format!("200\nV: {port}"),
            "{user}"
        );
    }
}
