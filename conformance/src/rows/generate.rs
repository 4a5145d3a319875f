//! Generates the rows of a directive from the table of directives: contexts, forms, numbers of arguments, valid and invalid
//! values.

use portcullis::config::rows;
use portcullis::config::{Contexts, Directive};

use crate::arguments::ArgumentTable;

/// A text and the block that contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub module: &'static str,
    pub directive: &'static str,
    pub block: &'static str,
    pub text: String,
}

/// The names of blocks, with a configuration for each; `@X@` stands for the text.
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
    // A server with TLS, where files are read. The certificate is inherited, so the text may name another one.
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

/// The blocks in which a directive is allowed, the innermost first.
pub fn blocks_of(directive: &Directive) -> Vec<&'static str> {
    let fit = CONTEXTS
        .iter()
        .filter(|(_, context)| directive.contexts.meets(*context));
    fit.map(|(block, _)| *block).collect()
}

/// A valid configuration with this text in one of its blocks.
pub fn configuration(block: &str, text: &str) -> String {
    let found = BLOCKS.iter().find(|(name, _)| *name == block);
    found.map_or("", |(_, text)| text).replace("@X@", text)
}

/// The rows of all directives, in the order of the table.
///
/// # Errors
/// As [`ArgumentTable::own`].
pub fn all() -> Result<Vec<Row>, String> {
    let table = ArgumentTable::own()?;
    Ok(rows()
        .flat_map(|entry| of(entry.directive(), &table))
        .collect())
}

fn of(directive: &'static Directive, table: &ArgumentTable) -> Vec<Row> {
    let name = directive.name;
    let arguments = table.of(directive);
    let blocks = blocks_of(directive);
    let elsewhere = CONTEXTS
        .iter()
        .map(|(block, _)| *block)
        .filter(|other| !blocks.contains(other));
    let elsewhere: Vec<&str> = elsewhere.collect();
    let home = blocks.first().copied().unwrap_or("main");
    let value = arguments
        .valid
        .first()
        .or(arguments.invalid.first())
        .map_or("x", String::as_str);
    let second = arguments.valid.get(1).map_or(value, String::as_str);
    let mut list: Vec<(&'static str, String)> = Vec::new();
    let values = || arguments.valid.iter().chain(&arguments.invalid);
    list.extend(values().map(|value| (home, format!("{name} {value};"))));
    if directive.module == "ssl" {
        list.extend(values().map(|value| ("tls", format!("{name} {value};"))));
        list.extend(values().map(|value| ("tls", format!("ssl_verify_client optional; ssl_client_certificate pki/cert.pem; {name} {value};")))
            .filter(|_| matches!(name, "ssl_crl" | "ssl_trusted_certificate" | "ssl_verify_depth")));
    }
    list.extend(
        blocks
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
