//! Generates configurations: blocks and directives, valid and invalid ones.

use portcullis::config::rows;
use portcullis::config::{Contexts, Directive};

use super::node::Node;
use super::{listen, mutate};
use crate::arguments::{ArgumentTable, Arguments};
use crate::rng::Rng;
use crate::rows::{blocks_of, configuration};

/// Generates configurations from the table of directives. `errors` is the frequency of errors, in thousandths.
#[derive(Debug)]
pub struct Generator {
    rows: Vec<(&'static Directive, Arguments)>,
}

/// Arguments of `include`.
const INCLUDES: [&str; 9] = [
    "missing.conf",
    "missing*.conf",
    "\"\"",
    "pki",
    "a.conf b.conf",
    "[",
    "d",
    "*.none",
    "pki/garbage.pem",
];
/// Unknown directives, and directives of other modules.
const UNKNOWN: [&str; 17] = [
    "init_by_lua_block { \"}\" }",
    "set_by_lua_block $x { ",
    "if ($x = \"a;b\") { }",
    "smtp_timeout 5s",
    "nosuch",
    "Timeout 5s",
    "imap_client_bufer 4k",
    "root /",
    "location / ",
    "gzip on",
    "proxy_read_timeout 5s",
    "\"\" x",
    "'timeout' 5s",
    "ssl_verify on",
    "default_type text/plain",
    "server",
    "types x",
];

impl Generator {
    /// Uses all directives except those that `exclude` names.
    #[must_use]
    pub fn new(table: &ArgumentTable, exclude: impl Fn(&str) -> bool) -> Self {
        // Its arguments are checked only in builds of nginx with debugging.
        let exclude = |name: &str| name == "debug_connection" || exclude(name);
        let known = rows()
            .map(|entry| entry.directive())
            .filter(|row| !exclude(row.name) && !blocks_of(row).is_empty());
        Self {
            rows: known.map(|row| (row, table.of(row))).collect(),
        }
    }

    /// The contents of the main file.
    #[must_use]
    pub fn main(&self, rng: &mut Rng, errors: u32) -> Vec<Node> {
        let mut nodes = self.directives(rng, Contexts::MAIN, 3, errors);
        if !rng.permille(errors / 2 + 5) {
            nodes.push(Node::Block(
                "events".into(),
                self.directives(rng, Contexts::EVENTS, 2, errors),
            ));
        }
        if rng.permille(15) {
            nodes.push(Node::Block("http".into(), Vec::new()));
        }
        if !rng.permille(errors / 2 + 10) {
            let block = Node::Block(block_name(rng, "mail", errors), self.mail(rng, errors));
            let at = if rng.permille(200) {
                rng.below(nodes.len() + 1)
            } else {
                nodes.len()
            };
            nodes.insert(at, block);
            if rng.permille(errors / 4) {
                nodes.push(Node::Block("mail".into(), self.mail(rng, errors)));
            }
        }
        if rng.permille(100) {
            nodes.extend(self.directives(rng, Contexts::MAIN, 2, errors));
        }
        nodes
    }

    /// Directives of the main context, for `-g`.
    #[must_use]
    pub fn globals(&self, rng: &mut Rng, errors: u32) -> Vec<Node> {
        self.directives(rng, Contexts::MAIN, 2, errors)
    }

    /// A valid configuration except for one directive, whose arguments are mutated.
    #[must_use]
    pub fn single_directive(&self, rng: &mut Rng) -> String {
        let (row, arguments) = &self.rows[rng.below(self.rows.len())];
        let values: Vec<&String> = arguments.valid.iter().chain(&arguments.invalid).collect();
        let mut text = format!("{} {}", row.name, rng.pick(&values));
        mutate::change_arguments(rng, &mut text, row.name.len() + 1);
        let blocks = blocks_of(row);
        configuration(rng.pick(&blocks), &format!("{text};"))
    }

    fn mail(&self, rng: &mut Rng, errors: u32) -> Vec<Node> {
        let mut nodes = Vec::new();
        if !rng.permille(40 + errors / 2) {
            nodes.push(self.named(rng, "auth_http", errors));
        }
        if rng.permille(250) {
            self.certificate(rng, errors, &mut nodes);
        }
        nodes.extend(self.directives(rng, Contexts::MAIL, 3, errors));
        for _ in 0..rng.below(4) {
            let server = Node::Block(block_name(rng, "server", errors), self.server(rng, errors));
            let at = if rng.permille(100) {
                rng.below(nodes.len() + 1)
            } else {
                nodes.len()
            };
            nodes.insert(at, server);
        }
        nodes
    }

    fn server(&self, rng: &mut Rng, errors: u32) -> Vec<Node> {
        let mut nodes = Vec::new();
        for _ in 0..[1, 1, 1, 1, 2, 3][rng.below(6)] {
            let line = if rng.permille(500) {
                self.named(rng, "listen", errors)
            } else {
                Node::line(format!("listen {}", listen::arguments(rng)))
            };
            nodes.push(line);
        }
        if rng.permille(errors / 2) {
            nodes.clear();
        }
        if rng.permille(850) {
            nodes.push(self.named(rng, "protocol", errors));
        }
        if rng.permille(30) {
            nodes.push(self.named(rng, "auth_http", errors));
        }
        if rng.permille(300) {
            self.certificate(rng, errors, &mut nodes);
        }
        nodes.extend(self.directives(rng, Contexts::SERVER, 4, errors));
        if rng.permille(150) && !nodes.is_empty() {
            let at = rng.below(nodes.len());
            let moved = nodes.remove(at);
            nodes.insert(rng.below(nodes.len() + 1), moved);
        }
        nodes
    }

    fn certificate(&self, rng: &mut Rng, errors: u32, nodes: &mut Vec<Node>) {
        if rng.permille(800) {
            let kind = rng.pick(&["", "", "ec-"]);
            nodes.push(Node::line(format!("ssl_certificate pki/{kind}cert.pem")));
            nodes.push(Node::line(format!("ssl_certificate_key pki/{kind}key.pem")));
        } else {
            for name in ["ssl_certificate", "ssl_certificate_key"] {
                if !rng.permille(300) {
                    nodes.push(self.named(rng, name, errors + 200));
                }
            }
        }
    }

    /// The directive of this name.
    fn named(&self, rng: &mut Rng, name: &str, errors: u32) -> Node {
        let found = self.rows.iter().find(|(row, _)| row.name == name);
        found.map_or_else(|| Node::line(name), |row| self.directive(rng, row, errors))
    }

    /// Up to `most` directives of a context; with errors, also of other contexts.
    fn directives(&self, rng: &mut Rng, contexts: Contexts, most: usize, errors: u32) -> Vec<Node> {
        let fitting: Vec<_> = self
            .rows
            .iter()
            .filter(|(row, _)| row.contexts.meets(contexts) && row.name != "listen")
            .collect();
        let mut nodes: Vec<Node> = Vec::new();
        for _ in 0..rng.below(most + 1) {
            let row = if rng.permille(errors / 6) {
                &self.rows[rng.below(self.rows.len())]
            } else {
                rng.pick(&fitting)
            };
            let node = if rng.permille(errors / 10) {
                Node::line(rng.pick(&UNKNOWN))
            } else if rng.permille(errors / 10) {
                Node::line(format!("include {}", rng.pick(&INCLUDES)))
            } else {
                // Without valid arguments the directive is an error.
                if row.1.valid.is_empty() && !rng.permille(errors) {
                    continue;
                }
                self.directive(rng, row, errors)
            };
            let duplicate = rng.permille(errors / 5 + 20).then(|| node.clone());
            nodes.push(node);
            nodes.extend(duplicate);
        }
        nodes
    }

    fn directive(
        &self,
        rng: &mut Rng,
        (row, arguments): &(&'static Directive, Arguments),
        errors: u32,
    ) -> Node {
        let Arguments { valid, invalid } = arguments;
        let from = if valid.is_empty() || (rng.permille(errors) && !invalid.is_empty()) {
            invalid
        } else {
            valid
        };
        let mut text = format!("{} {}", row.name, from[rng.below(from.len())]);
        if rng.permille(errors * 2) {
            mutate::change_arguments(rng, &mut text, row.name.len() + 1);
        }
        if rng.permille(errors / 15) {
            text.push_str(rng.pick(&[" x", " \"\"", " on", " ;"]));
        }
        if rng.permille(errors / 15) {
            text = row.name.to_owned();
        }
        if rng.permille(errors / 30) {
            text = text.to_uppercase();
        }
        let end = if rng.permille(errors / 15) {
            rng.pick(&["", " {}", ";;", " { x; }", "}", ";}", " {"])
        } else {
            ";"
        };
        Node::Line(text, end)
    }
}

fn block_name(rng: &mut Rng, name: &str, errors: u32) -> String {
    if rng.permille(errors / 20) {
        format!("{name} x")
    } else {
        name.to_owned()
    }
}
