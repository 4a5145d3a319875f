//! A configuration before it is written down: directives and blocks, right and wrong ones, in files that include each other.

use portcullis::config::rows;
use portcullis::config::{Contexts, Directive};

use super::dice::Dice;
use super::listen;
use crate::rows::{blocks_of, whole};
use crate::values::{Arguments, Values};

/// Something that stands in a block.
#[derive(Clone, Debug)]
pub enum Node {
    /// A directive: its name and arguments, and what ends it.
    Line(String, &'static str),
    /// A block: what opens it, and what is in it.
    Block(String, Vec<Node>),
}

/// What configurations are grown from.
#[derive(Debug)]
pub struct Seedbed {
    rows: Vec<(&'static Directive, Arguments)>,
}

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
const STRANGERS: [&str; 17] = [
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

impl Seedbed {
    /// All directives but those that `leave_out` names.
    #[must_use]
    pub fn new(values: &Values, leave_out: impl Fn(&str) -> bool) -> Self {
        // Of two nginx, one looks at its arguments and the other does not: nothing to compare.
        let leave_out = |name: &str| name == "debug_connection" || leave_out(name);
        let known = rows()
            .map(|entry| entry.directive())
            .filter(|row| !leave_out(row.name));
        Self {
            rows: known.map(|row| (row, values.of(row))).collect(),
        }
    }

    /// The main file's content. `wild` is how often a thing is wrong, in thousandths.
    #[must_use]
    pub fn main(&self, dice: &mut Dice, wild: usize) -> Vec<Node> {
        let mut nodes = self.some(dice, Contexts::MAIN, 3, wild);
        if !dice.chance(wild / 2 + 5) {
            nodes.push(Node::Block(
                "events".into(),
                self.some(dice, Contexts::EVENTS, 2, wild),
            ));
        }
        if dice.chance(15) {
            nodes.push(Node::Block("http".into(), Vec::new()));
        }
        if !dice.chance(wild / 2 + 10) {
            let block = Node::Block(block_name(dice, "mail", wild), self.mail(dice, wild));
            let at = if dice.chance(200) {
                dice.below(nodes.len() + 1)
            } else {
                nodes.len()
            };
            nodes.insert(at, block);
            if dice.chance(wild / 4) {
                nodes.push(Node::Block("mail".into(), self.mail(dice, wild)));
            }
        }
        if dice.chance(100) {
            nodes.extend(self.some(dice, Contexts::MAIN, 2, wild));
        }
        nodes
    }

    /// Directives of the file itself, for `-g`.
    #[must_use]
    pub fn globals(&self, dice: &mut Dice, wild: usize) -> Vec<Node> {
        self.some(dice, Contexts::MAIN, 2, wild)
    }

    /// One directive with bent arguments, in a block where it may stand and nothing else is wrong.
    #[must_use]
    pub fn alone(&self, dice: &mut Dice) -> String {
        let (row, arguments) = dice.pick(&self.rows);
        let values: Vec<&String> = arguments.good.iter().chain(&arguments.bad).collect();
        let mut text = format!("{} {}", row.name, dice.pick(&values));
        bend(dice, &mut text, row.name.len() + 1);
        let blocks = blocks_of(row);
        whole(dice.pick::<&str>(&blocks), &format!("{text};"))
    }

    fn mail(&self, dice: &mut Dice, wild: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        if !dice.chance(40 + wild / 2) {
            nodes.push(self.named(dice, "auth_http", wild));
        }
        if dice.chance(250) {
            self.certificate(dice, wild, &mut nodes);
        }
        nodes.extend(self.some(dice, Contexts::MAIL, 3, wild));
        for _ in 0..dice.below(4) {
            let server = Node::Block(block_name(dice, "server", wild), self.server(dice, wild));
            let at = if dice.chance(100) {
                dice.below(nodes.len() + 1)
            } else {
                nodes.len()
            };
            nodes.insert(at, server);
        }
        nodes
    }

    fn server(&self, dice: &mut Dice, wild: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        for _ in 0..[1, 1, 1, 1, 2, 3][dice.below(6)] {
            let line = if dice.chance(500) {
                self.named(dice, "listen", wild)
            } else {
                self.line(format!("listen {}", listen::line(dice)))
            };
            nodes.push(line);
        }
        if dice.chance(wild / 2) {
            nodes.clear();
        }
        if dice.chance(850) {
            nodes.push(self.named(dice, "protocol", wild));
        }
        if dice.chance(30) {
            nodes.push(self.named(dice, "auth_http", wild));
        }
        if dice.chance(300) {
            self.certificate(dice, wild, &mut nodes);
        }
        nodes.extend(self.some(dice, Contexts::SERVER, 4, wild));
        if dice.chance(150) && !nodes.is_empty() {
            let at = dice.below(nodes.len());
            let moved = nodes.remove(at);
            nodes.insert(dice.below(nodes.len() + 1), moved);
        }
        nodes
    }

    fn certificate(&self, dice: &mut Dice, wild: usize, nodes: &mut Vec<Node>) {
        if dice.chance(800) {
            let kind = *dice.pick(&["", "", "ec-"]);
            nodes.push(self.line(format!("ssl_certificate pki/{kind}cert.pem")));
            nodes.push(self.line(format!("ssl_certificate_key pki/{kind}key.pem")));
        } else {
            for name in ["ssl_certificate", "ssl_certificate_key"] {
                if !dice.chance(300) {
                    nodes.push(self.named(dice, name, wild + 200));
                }
            }
        }
    }

    fn line(&self, text: String) -> Node {
        Node::Line(text, ";")
    }

    fn named(&self, dice: &mut Dice, name: &str, wild: usize) -> Node {
        let found = self.rows.iter().find(|(row, _)| row.name == name);
        found.map_or_else(
            || self.line(name.to_owned()),
            |row| self.directive(dice, row, wild),
        )
    }

    /// Up to `most` directives of a block, now and then one that does not belong there.
    fn some(&self, dice: &mut Dice, contexts: Contexts, most: usize, wild: usize) -> Vec<Node> {
        let fitting: Vec<_> = self
            .rows
            .iter()
            .filter(|(row, _)| row.contexts.meets(contexts) && row.name != "listen")
            .collect();
        let mut nodes: Vec<Node> = Vec::new();
        for _ in 0..dice.below(most + 1) {
            let row = if dice.chance(wild / 6) {
                dice.pick(&self.rows)
            } else {
                *dice.pick(&fitting)
            };
            let node = if dice.chance(wild / 10) {
                self.line((*dice.pick(&STRANGERS)).to_owned())
            } else if dice.chance(wild / 10) {
                self.line(format!("include {}", dice.pick(&INCLUDES)))
            } else {
                // One that is never right comes where things are wrong.
                if row.1.good.is_empty() && !dice.chance(wild) {
                    continue;
                }
                self.directive(dice, row, wild)
            };
            let again = dice.chance(wild / 5 + 20).then(|| node.clone());
            nodes.push(node);
            nodes.extend(again);
        }
        nodes
    }

    fn directive(
        &self,
        dice: &mut Dice,
        (row, arguments): &(&'static Directive, Arguments),
        wild: usize,
    ) -> Node {
        let (good, bad) = (&arguments.good, &arguments.bad);
        let from = if good.is_empty() || (dice.chance(wild) && !bad.is_empty()) {
            bad
        } else {
            good
        };
        let mut text = format!("{} {}", row.name, dice.pick(from));
        if dice.chance(wild * 2) {
            bend(dice, &mut text, row.name.len() + 1);
        }
        if dice.chance(wild / 15) {
            text.push_str(dice.pick::<&str>(&[" x", " \"\"", " on", " ;"]));
        }
        if dice.chance(wild / 15) {
            text = row.name.to_owned();
        }
        if dice.chance(wild / 30) {
            text = text.to_uppercase();
        }
        let end = if dice.chance(wild / 15) {
            *dice.pick(&["", " {}", ";;", " { x; }", "}", ";}", " {"])
        } else {
            ";"
        };
        Node::Line(text, end)
    }
}

const BENDS: [&str; 34] = [
    "0",
    "1",
    "9",
    "99",
    "k",
    "m",
    "g",
    "s",
    "ms",
    "M",
    "h",
    "d",
    "w",
    "y",
    ":",
    "::",
    "-",
    "=",
    ".",
    ",",
    "*",
    "[",
    "]",
    "/",
    " ",
    "\"",
    "'",
    "\\",
    "?",
    "@IP@",
    "::1",
    "unix:",
    "localhost",
    "$",
];

/// Changes a sign or two of the arguments, which begin at `from`.
fn bend(dice: &mut Dice, text: &mut String, from: usize) {
    for _ in 0..=dice.below(2) {
        let signs: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .filter(|at| *at >= from)
            .collect();
        if signs.is_empty() {
            return;
        }
        let at = *dice.pick(&signs);
        match dice.below(4) {
            0 => drop(text.remove(at)),
            1 => text.replace_range(at..=at, dice.pick::<&str>(&BENDS)),
            _ => text.insert_str(at, dice.pick::<&str>(&BENDS)),
        }
    }
}

fn block_name(dice: &mut Dice, name: &str, wild: usize) -> String {
    if dice.chance(wild / 20) {
        format!("{name} x")
    } else {
        name.to_owned()
    }
}

/// Moves some of what stands in a block to files of their own.
pub fn cut_out(dice: &mut Dice, nodes: &mut Vec<Node>, files: &mut Vec<(&'static str, Vec<Node>)>) {
    let depth = dice.below(3);
    let inner = nodes.iter_mut().rev().find_map(|node| match node {
        Node::Block(_, inner) if depth > 0 => Some(inner),
        _ => None,
    });
    match inner {
        Some(inner) if depth > 0 => return cut_out(dice, inner, files),
        _ => {}
    }
    let from = dice.below(nodes.len() + 1);
    let to = from + dice.below(nodes.len() - from + 1);
    let mut cut: Vec<Node> = nodes.drain(from..to).collect();
    let line = |text: &str| Node::Line(text.to_owned(), ";");
    if dice.chance(300) {
        let second = cut.split_off(cut.len() / 2);
        files.extend([("d/1.conf", cut), ("d/2.conf", second)]);
        nodes.insert(
            from,
            line(dice.pick::<&str>(&[
                "include d/*.conf",
                "include d/?.conf",
                "include @ROOT@/d/[12].conf",
                "include */*.conf",
            ])),
        );
    } else {
        let name = if files.iter().any(|(name, _)| *name == "a.conf") {
            "b.conf"
        } else {
            "a.conf"
        };
        files.push((name, cut));
        let stem = name.trim_end_matches(".conf");
        nodes.insert(
            from,
            line(&format!(
                "include {}",
                dice.pick(&[
                    name.to_owned(),
                    format!("@ROOT@/{name}"),
                    format!("{stem}.c*"),
                    format!("\"{name}\"")
                ])
            )),
        );
    }
}
