//! The cases of a directive, made from its row: where it may not stand, how it may not be written, values good and bad.

use portcullis::config::rows;
use portcullis::config::{Contexts, Directive};

use crate::values::Values;

/// A text in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub module: &'static str,
    pub directive: &'static str,
    pub block: &'static str,
    pub text: String,
}

/// Blocks, and configurations with a place for a text.
const BLOCKS: [(&str, &str); 5] = [
    ("main", "@X@\nevents {}\n"),
    ("events", "events {\n@X@\n}\n"),
    (
        "mail",
        "events {}\nmail {\nauth_http 127.0.0.1;\n@X@\nserver {\nlisten @IP@:2500;\nprotocol smtp;\n}\n}\n",
    ),
    (
        "server",
        "events {}\nmail {\nauth_http 127.0.0.1;\nserver {\nlisten @IP@:2500;\nprotocol smtp;\n@X@\n}\n}\n",
    ),
    // Where files for TLS are looked into. The certificate comes from outside, so that the text may name another.
    (
        "tls",
        "events {}\nmail {\nauth_http 127.0.0.1;\nssl_certificate pki/cert.pem;\nssl_certificate_key pki/key.pem;\nserver {\n\
             listen @IP@:2500 ssl;\nprotocol smtp;\n@X@\n}\n}\n",
    ),
];

const CONTEXTS: [(&str, Contexts); 4] = [
    ("server", Contexts::SERVER),
    ("mail", Contexts::MAIL),
    ("events", Contexts::EVENTS),
    ("main", Contexts::MAIN),
];

/// The blocks of a directive, the innermost first.
pub fn blocks_of(directive: &Directive) -> Vec<&'static str> {
    let fit = CONTEXTS
        .iter()
        .filter(|(_, context)| directive.contexts.meets(*context));
    fit.map(|(block, _)| *block).collect()
}

/// A configuration in which nothing is wrong, with a text in one of its blocks.
pub fn whole(block: &str, text: &str) -> String {
    let found = BLOCKS.iter().find(|(name, _)| *name == block);
    found.map_or("", |(_, whole)| whole).replace("@X@", text)
}

/// The cases of all directives, in the order of the table.
///
/// # Errors
/// As [`Values::ours`].
pub fn all() -> Result<Vec<Row>, String> {
    let values = Values::ours()?;
    Ok(rows()
        .flat_map(|entry| of(entry.directive(), &values))
        .collect())
}

fn of(directive: &'static Directive, values: &Values) -> Vec<Row> {
    let name = directive.name;
    let found = values.of(directive);
    let block = blocks_of(directive);
    let elsewhere = CONTEXTS
        .iter()
        .map(|(block, _)| *block)
        .filter(|other| !block.contains(other));
    let elsewhere: Vec<&str> = elsewhere.collect();
    let home = block.first().copied().unwrap_or("main");
    let value = found
        .good
        .first()
        .or(found.bad.first())
        .map_or("x", String::as_str);
    let second = found.good.get(1).map_or(value, String::as_str);
    let mut list: Vec<(&'static str, String)> = Vec::new();
    let values = || found.good.iter().chain(&found.bad);
    list.extend(values().map(|value| (home, format!("{name} {value};"))));
    if directive.module == "ssl" {
        list.extend(values().map(|value| ("tls", format!("{name} {value};"))));
        list.extend(values().map(|value| ("tls", format!("ssl_verify_client optional; ssl_client_certificate pki/cert.pem; {name} {value};")))
            .filter(|_| matches!(name, "ssl_crl" | "ssl_trusted_certificate" | "ssl_verify_depth")));
    }
    list.extend(
        block
            .iter()
            .skip(1)
            .map(|block| (*block, format!("{name} {value};"))),
    );
    list.extend(
        elsewhere
            .iter()
            .map(|block| (*block, format!("{name} {value};"))),
    );
    list.extend(
        [
            format!("{name};"),
            format!("{name} {value} {value} a b c d e f g h i j;"),
            format!("{name} {value} x;"),
            format!("{name} {value}; {name} {second};"),
            format!("{name} {value}; {name} {value};"),
            format!("{name} {value} {{}}"),
            format!("{name} {{ }}"),
            format!("{name} {value}"),
            format!("{name} {value} }}"),
            name.to_owned(),
            format!("{} {value};", name.to_uppercase()),
            format!("\"{name}\" '{}';", value.trim_matches('"')),
            format!("{name}\t\"{}\" ;", value.trim_matches('"')).replace('\t', "  "),
            format!("{name} \"{value};"),
            format!("{name} {value}\\;"),
            format!("\\{name} {value};"),
            format!("{name}x {value};"),
        ]
        .map(|text| (home, text)),
    );
    let mut rows: Vec<Row> = Vec::new();
    for (block, text) in list {
        let row = Row {
            module: directive.module,
            directive: name,
            block,
            text,
        };
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}
