//! The fenced blocks of a page.

use std::fs;
use std::path::{Path, PathBuf};

/// A block of a page.
#[derive(Clone, Debug)]
pub struct Block {
    /// What follows the backquotes.
    pub kind: String,
    pub text: String,
}

/// The names of all pages, without the index.
pub fn pages() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the guide").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != "README.md").collect();
    names.sort();
    names
}

/// The text of a page.
pub fn text(page: &str) -> String {
    fs::read_to_string(folder().join(page)).expect("a page")
}

/// The blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let text = text(page);
    let mut lines = text.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            continue;
        };
        let inside = lines.by_ref().take_while(|line| *line != "```");
        let text: String = inside.map(|line| format!("{line}\n")).collect();
        blocks.push(Block {
            kind: kind.to_owned(),
            text,
        });
    }
    assert!(!blocks.is_empty(), "no blocks in {page}");
    blocks
}

/// The only block of a page with this kind.
pub fn block(page: &str, kind: &str) -> String {
    let mut found = blocks(page).into_iter().filter(|block| block.kind == kind);
    match (found.next(), found.next()) {
        (Some(block), None) => block.text,
        (first, _) => panic!("{page}: not one block \"{kind}\": {first:?}"),
    }
}

/// A configuration with these lines in `mail {}`.
pub fn in_mail(lines: &str) -> String {
    format!(
        "pid /run/portcullis.pid;\nevents {{}}\nmail {{\nserver_name mail.example.com;\n{lines}}}\n"
    )
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide")
}
