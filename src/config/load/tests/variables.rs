//! `map` and `geo`: their lines, in nginx's words, and the values of their variables.

use super::{load_files, said, text_of};
use crate::config::model::{Found, ProxyPass, SessionVariable, Template, Variable, VariableSource};
use crate::config::schema::Variables;
use crate::config::syntax::Span;

/// A client with a login and an address.
struct Client(&'static str, &'static str);

impl VariableSource for Client {
    fn append(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let value = match variable {
            Variable::Session(SessionVariable::RemoteUser) => self.0,
            Variable::Session(SessionVariable::RemoteAddr) => self.1,
            _ => return false,
        };
        out.extend_from_slice(value.as_bytes());
        true
    }
}

fn text(mail: &str) -> String {
    format!("events {{}}\nmail {{\nauth_http 127.0.0.1:9;\nserver {{ listen 25; }}\n{mail}\n}}\n")
}

/// The route of the only server, whose blocks are these.
fn route(mail: &str, files: &[(&str, &[u8])]) -> Template {
    let text = text(&format!("proxy_pass $x;\n{mail}"));
    let all: Vec<(&str, &[u8])> = [("n.conf", text.as_bytes())]
        .into_iter()
        .chain(files.iter().copied())
        .collect();
    let loaded = load_files(&all)
        .0
        .map_err(|why| text_of(&why))
        .expect("is loaded");
    match loaded.config.servers[0].authenticator.proxy_pass() {
        Some(ProxyPass::Route(route)) => route.text.template.clone(),
        other => panic!("{other:?}"),
    }
}

fn values(mail: &str, cases: &[(&'static str, &str)]) {
    let route = route(mail, &[]);
    for (login, wanted) in cases {
        let value = route.evaluate(&Client(login, "192.0.2.7"));
        assert_eq!(
            String::from_utf8_lossy(&value),
            *wanted,
            "{login} in {mail}"
        );
    }
}

#[test]
fn keys_of_maps() {
    values(
        r#"map $remote_user $x {
            default d; Alice@A.example 1; "q w" "2 3"; esc\"aped 4; \default 5; ~^b(.)(?<rest>.*)@ $1-$rest:$remote_addr; ~*^CC 6;
            '' empty; \~x 7; ~^esc 8; t\ab 9;
        }"#,
        &[
            ("alice@a.example", "1"),
            ("ALICE@a.EXAMPLE", "1"),
            ("q w", "2 3"),
            ("esc\"aped", "4"),
            ("default", "5"),
            ("bob@x", "o-b:192.0.2.7"),
            ("ccx", "6"),
            ("", "empty"),
            ("~x", "7"),
            ("escape", "8"),
            ("t\u{9}ab", "d"),
            ("Bob@x", "d"),
        ],
    );
    values("map $remote_user $x { a 1; }", &[("a", "1"), ("b", "")]);
    values(
        "map $remote_user $x { hostnames; default d; a.example 1; .b.example 2; *.c.example 3; *.d.c.example 4; e.* 5; e.f.* 6; }",
        &[
            ("a.example.", "1"),
            ("b.example", "2"),
            ("x.B.example", "2"),
            ("c.example", "d"),
            ("x.c.example", "3"),
            ("y.d.c.example", "4"),
            ("d.c.example", "3"),
            ("e.example", "5"),
            ("e.f.example", "6"),
            ("e", "d"),
        ],
    );
}

#[test]
fn maps_of_maps() {
    values(
        "map $Kind $x { one 1; two $remote_user; } map $remote_user $kind { a one; b two; }",
        &[("a", "1"), ("b", "b"), ("c", "")],
    );
    // Definitions that refer to themselves have no value, and end soon.
    values(
        "map $y $x { default $y$y; a $x; } map $x $y { default a$x$x; }",
        &[("a", "")],
    );
    values(
        "map $remote_user $x { a 1; } map $remote_user $x { a 2; }",
        &[("a", "2")],
    );
}

#[test]
fn networks() {
    let blocks = "geo $x { default d; 192.0.2.0/24 1; 192.0.2.7 2; 192.0.2.8/31 3; 2001:db8::/32 6; 255.255.255.255 none; delete 192.0.2.8/31; }";
    let route = route(blocks, &[]);
    let cases = [
        ("192.0.2.7", "2"),
        ("192.0.2.8", "1"),
        ("198.51.100.1", "d"),
        ("2001:db8::1", "6"),
        ("2001:db9::1", "d"),
        ("::ffff:192.0.2.7", "2"),
        ("unix:", "none"),
    ];
    for (address, wanted) in cases {
        let value = route.evaluate(&Client("", address));
        assert_eq!(String::from_utf8_lossy(&value), wanted, "{address}");
    }
    let blocks = "geo $remote_user $x { ranges; default d; 10.0.0.0-10.2.0.9 1; 10.0.0.5-10.0.0.6 2; 10.1.0.0-10.1.255.255 3; }";
    values(
        blocks,
        &[
            ("10.0.0.4", "1"),
            ("10.0.0.5", "2"),
            ("10.0.0.7", "1"),
            ("10.1.2.3", "3"),
            ("10.2.0.9", "1"),
            ("10.2.0.10", "d"),
            ("::1", "d"),
            ("x", "d"),
        ],
    );
}

#[test]
fn refusals() {
    let cases = [
        (
            "map $remote_user x { }",
            "invalid variable name \"x\" in /c/n.conf:5",
        ),
        (
            "map $remote_user { }",
            "invalid number of arguments in \"map\" directive in /c/n.conf:5",
        ),
        (
            "map a $x;",
            "directive \"map\" has no opening \"{\" in /c/n.conf:5",
        ),
        (
            "map $remote_user $remote_addr { }",
            "the duplicate \"remote_addr\" variable in /c/n.conf:5",
        ),
        (
            "map $remote_user $ { }",
            "invalid variable name \"$\" in /c/n.conf:5",
        ),
        ("map $ $x { }", "invalid variable name in /c/n.conf:5"),
        (
            "map ${a $x { }",
            "the closing bracket in \"a\" variable is missing in /c/n.conf:5",
        ),
        ("map $y $x { }", "unknown \"y\" variable in /c/n.conf:5"),
        (
            "map a $x {\n a $y; }",
            "unknown \"y\" variable in /c/n.conf:6",
        ),
        (
            "map a $x {\n a b c; }",
            "invalid number of the map parameters in /c/n.conf:6",
        ),
        (
            "map a $x {\n a; }",
            "invalid number of the map parameters in /c/n.conf:6",
        ),
        (
            "map a $x { a 1;\n A 2; }",
            "conflicting parameter \"a\" in /c/n.conf:6",
        ),
        (
            "map a $x { 'a' 1;\n a 2; }",
            "conflicting parameter \"a\" in /c/n.conf:6",
        ),
        (
            "map a $x { default 1;\n default 2; }",
            "duplicate default map parameter in /c/n.conf:6",
        ),
        (
            "map a $x { hostnames; a.b 1; .a.b 2; }",
            "conflicting parameter \".a.b\" in /c/n.conf:5",
        ),
        (
            "map a $x { hostnames; .a.b 1; *.a.b 2; }",
            "conflicting parameter \"*.a.b\" in /c/n.conf:5",
        ),
        (
            "map a $x { hostnames; a..b 1; }",
            "invalid hostname or wildcard \"a..b\" in /c/n.conf:5",
        ),
        (
            "map a $x { hostnames; *a 1; }",
            "invalid hostname or wildcard \"*a\" in /c/n.conf:5",
        ),
        ("map a $x { a { } }", "unexpected \"{\" in /c/n.conf:5"),
        ("map a $x { a 1 }", "unexpected \"}\" in /c/n.conf:5"),
        (
            "map a $x { include none; }",
            "open() \"/c/none\" failed (2: No such file or directory) in /c/n.conf:5",
        ),
        ("geo x { }", "invalid variable name \"x\" in /c/n.conf:5"),
        (
            "geo $remote_addr x { }",
            "invalid variable name \"x\" in /c/n.conf:5",
        ),
        (
            "geo $x {\n a; }",
            "invalid number of the geo parameters in /c/n.conf:6",
        ),
        (
            "geo $x {\n 1.2.3.4/33 a; }",
            "invalid network \"1.2.3.4/33\" in /c/n.conf:6",
        ),
        (
            "geo $x { 1.2.3.4 a; ranges; }",
            "the \"ranges\" directive must be the first directive inside \"geo\" block in /c/n.conf:5",
        ),
        (
            "geo $x { ranges; 1.2.3.4 a; }",
            "invalid range \"1.2.3.4\" in /c/n.conf:5",
        ),
        (
            "geo $x { ranges; 1.2.3.4-1.2.3.3 a; }",
            "invalid range \"1.2.3.4-1.2.3.3\" in /c/n.conf:5",
        ),
        (
            "geo $x { ranges; 1.2.3.4-1.2.3.9 a; 1.2.3.8-1.2.3.10 b; }",
            "range \"1.2.3.8-1.2.3.10\" overlaps \"1.2.3.4-1.2.3.9\" in /c/n.conf:5",
        ),
        (
            "map_hash_max_size x;",
            "\"map_hash_max_size\" directive invalid number in /c/n.conf:5",
        ),
        ("map_hash_max_size 4096; map_hash_bucket_size 128;", "ok"),
        ("proxy_pass $x;", "unknown \"x\" variable in /c/n.conf:5"),
        (
            "upstream g { server 1.1.1.1; hash $x consistent; }",
            "unknown \"x\" variable in /c/n.conf:5",
        ),
        (
            "upstream g { server 1.1.1.1; hash $ consistent; }",
            "invalid variable name in /c/n.conf:5",
        ),
        (
            "upstream g { server 1.1.1.1; hash $x; } map $remote_addr $x { default 1; } proxy_pass G;",
            "ok",
        ),
        (
            "upstream g { server 1.1.1.1; } upstream G { server 1.1.1.1; }",
            "duplicate upstream \"G\" in /c/n.conf:5",
        ),
        (
            "upstream g {\n server 1.1.1.1;\n health_check match=n; }\n match m { }",
            "unknown match \"n\" in /c/n.conf:7",
        ),
        (
            "upstream g { server 1.1.1.1; health_check match=m; }\n match m { send a; expect ~* b; } proxy_pass g;",
            "ok",
        ),
        (
            "match m { }\n match m { }",
            "duplicate match \"m\" in /c/n.conf:6",
        ),
        (
            "match m {\n expect ~ \"(\"; }",
            "invalid regular expression \"(\": error: unclosed group in /c/n.conf:6",
        ),
        (
            "match m {\n send \"\\x8\"; }",
            "no two hexadecimal digits after \"\\x\" in \"\\x8\" in /c/n.conf:6",
        ),
        (
            "match m {\n send a; send b; }",
            "\"send\" directive is duplicate in /c/n.conf:6",
        ),
        (
            "send a;",
            "\"send\" directive is not allowed here in /c/n.conf:5",
        ),
    ];
    for (mail, wanted) in cases {
        assert_eq!(said(&[("n.conf", text(mail).as_bytes())]), wanted, "{mail}");
    }
}

#[test]
fn warnings_of_geo() {
    let blocks = [
        (
            "geo $x { 1.2.3.4 a; 1.2.3.4 b; }",
            "duplicate network \"1.2.3.4\", value: \"b\", old value: \"a\"",
        ),
        (
            "geo $x { delete 1.2.3.4; }",
            "no network \"1.2.3.4\" to delete",
        ),
        (
            "geo $x { 1.2.3.4/8 a; }",
            "low address bits of 1.2.3.4/8 are meaningless",
        ),
        (
            "geo $x { ranges; delete 1.2.3.4-1.2.3.5; }",
            "no address range \"1.2.3.4-1.2.3.5\" to delete",
        ),
        (
            "geo $x { ranges; default a; default b; }",
            "duplicate default geo range value: \"b\", old value: \"a\"",
        ),
        (
            "geo $x { ranges; 1.2.3.4-1.2.3.5 a; 1.2.3.4-1.2.3.5 b; }",
            "duplicate range \"1.2.3.4-1.2.3.5\", value: \"b\", old value: \"a\"",
        ),
    ];
    for (block, wanted) in blocks {
        let (loaded, notes) = load_files(&[("n.conf", text(block).as_bytes())]);
        assert!(loaded.is_ok(), "{block}");
        assert_eq!(notes, [format!("{wanted} in /c/n.conf:5")], "{block}");
    }
}

/// An entry is traced to its file and line, whether it was read as a plain pair or as a statement.
#[test]
fn traces() {
    let users = b"# users\nalice 1;\n\"bo b\" 2;\ncarol\n 3; default 4;";
    let route = route(
        "map $remote_user $x { include users; }",
        &[("users", users)],
    );
    let cases = [
        ("alice", "line /c/users:2"),
        ("bo b", "line /c/users:3"),
        ("carol", "line /c/users:4"),
        ("dave", "default /c/users:5"),
    ];
    for (login, wanted) in cases {
        let (_, steps) = route.trace(&Client(login, ""));
        let step = steps.last().expect("has a step");
        assert_eq!((&*step.variable, &*step.key), ("x", login.as_bytes()));
        let shown = match &step.found {
            Found::Line(span) => format!("line {span}"),
            Found::Default(span) => format!("default {span}"),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(shown, wanted, "{login}");
    }
}

/// A file of many lines has the same value whatever the form of its lines.
#[test]
fn plain_lines_and_statements_agree() {
    let mut plain = String::new();
    let mut quoted = String::new();
    for number in 0..300 {
        plain.push_str(&format!("user{number} backend{};\n", number % 7));
        quoted.push_str(&format!(
            "\"user{number}\" 'backend{}' ; # {number}\n",
            number % 7
        ));
    }
    let block = "map $remote_user $x { include users; }";
    for text in [plain, quoted] {
        let route = route(block, &[("users", text.as_bytes())]);
        for (login, wanted) in [
            ("user0", "backend0"),
            ("USER299", "backend5"),
            ("user300", ""),
        ] {
            let value = route.evaluate(&Client(login, ""));
            assert_eq!(String::from_utf8_lossy(&value), wanted);
        }
    }
}

#[test]
fn names_are_equal_in_any_case() {
    let variables = Variables::default();
    assert!(variables.template(b"$a$A", &Span::nowhere()).is_ok());
    let unknown = variables.resolve();
    assert_eq!(unknown.len(), 1);
}
