//! The Markdown pages in `docs/`: one for each module, one for the blocks, and the index.

use super::blocks::{self, LANGUAGE};
use super::markup::{markdown, pieces};
use super::{Entry, entries, names};
use crate::config::modules::table;

const NOTE: &str = "<!-- Written from the directive table by `cargo test -p portcullis reference`. Edits are lost. -->";

/// Every page: its name below `docs/`, and its text.
#[must_use]
pub fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), index())];
    let blocks = page(
        "Blocks",
        "What stands around the directives, and `include`.",
        blocks::entries(),
    );
    pages.push((file("blocks"), blocks));
    for (name, about) in table::MODULES {
        let rows = table::rows().map(|row| row.directive());
        let rows = rows.filter(|row| row.module == name).map(Entry::from);
        pages.push((file(name), page(&title(name), about, rows)));
    }
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
        "{NOTE}\n\n# Reference\n\nWhat may be written in a configuration. `portcullis --explain DIRECTIVE` prints the same \
         entries; [portcullis.8](portcullis.8) and [portcullis.conf.5](portcullis.conf.5) are the man pages, \
         [completions/](completions/) has what shells complete by.\n\n## The language\n\n{LANGUAGE}\n\n## Modules\n\n\
         | page | about |\n|---|---|\n| [blocks]({}) | What stands around the directives, and `include`. |\n",
        file("blocks")
    );
    for (name, about) in table::MODULES {
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        page.push_str(&format!("| [{name}]({}) | {about} |\n", file(name)));
    }
    page.push_str("\n## All names\n\n");
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
