//! Generates the Markdown pages in `docs/`: one per module, one for the blocks, and the index.

use super::blocks::{self, LANGUAGE};
use super::entry::Entry;
use super::markup::{markdown, pieces};
use super::{entries, names, variables};
use crate::config::schema::table;

const NOTE: &str = "<!-- Generated from the directive table by `cargo test -p portcullis reference`. Do not edit. -->";

/// Generates all pages: their paths under `docs/` and their texts.
pub fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), index())];
    let blocks = page(
        "Blocks",
        "The blocks of a configuration, and `include`.",
        blocks::entries(),
    );
    pages.push((file("blocks"), blocks));
    for (name, about) in table::MODULES {
        let rows = table::rows().map(|row| row.directive());
        let rows = rows.filter(|row| row.module == name).map(Entry::from);
        pages.push((file(name), page(&title(name), about, rows)));
    }
    let variables = format!("{NOTE}\n\n# Variables\n{}", variables::text());
    pages.push((file("variables"), variables));
    pages
}

fn file(module: &str) -> String {
    format!("directives/{module}.md")
}

fn title(module: &str) -> String {
    format!("Directives: {module}")
}

fn page(title: &str, about: &str, entries: impl Iterator<Item = Entry>) -> String {
    let mut page = format!("{NOTE}\n\n# {title}\n{}", markdown(&pieces(about)));
    for entry in entries {
        page.push_str(&entry.markdown());
    }
    page
}

impl Entry {
    fn markdown(&self) -> String {
        let default = self.default.as_ref();
        let default = default.map_or("none".to_owned(), |line| format!("`{line}`"));
        let mut page = format!(
            "\n## {}\n\n- Syntax: `{}`\n- Default: {default}\n- Context: {}\n- Module: {}\n",
            self.name, self.syntax, self.contexts, self.module
        );
        page.push_str(&markdown(&self.text));
        if let Some(example) = &self.example {
            let (file, text) = (example.file, &example.text);
            page.push_str(&format!(
                "\nIn [`{file}`](../../{file}):\n\n```nginx\n{text}\n```\n"
            ));
        }
        page
    }
}

fn index() -> String {
    let mut page = format!(
        "{NOTE}\n\n# Reference\n\nThis is the reference of the configuration: its syntax, and all blocks and directives. \
         `portcullis --explain DIRECTIVE` prints a single entry. The [guide](guide/README.md) has pages for common tasks. [portcullis.8](portcullis.8) and \
         [portcullis.conf.5](portcullis.conf.5) are the man pages, and [completions/](completions/) has completion scripts for \
         bash, zsh and fish.\n\n## Syntax\n\n{LANGUAGE}\n\n## Modules\n\n\
         | page | content |\n|---|---|\n| [blocks]({}) | The blocks of a configuration, and `include`. |\n",
        file("blocks")
    );
    for (name, about) in table::MODULES {
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        page.push_str(&format!("| [{name}]({}) | {about} |\n", file(name)));
    }
    page.push_str(&format!(
        "| [variables]({}) | {} |\n",
        file("variables"),
        variables::ABOUT
    ));
    page.push_str("\n## Index\n\n");
    for name in names() {
        let rows = table::find(name);
        let mut modules: Vec<&str> = rows.iter().map(|row| row.directive().module).collect();
        if modules.len() < entries(name).len() {
            modules.push("blocks");
        }
        let links: Vec<String> = modules
            .iter()
            .map(|module| format!("[{module}]({}#{name})", file(module)))
            .collect();
        page.push_str(&format!("- `{name}`: {}\n", links.join(", ")));
    }
    page
}
