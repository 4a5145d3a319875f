//! The manual of the configuration. Its entries come from the rows of the directive table and from [`blocks`]; `--explain`, the
//! Markdown pages, the man page and the shell completions are generated from the entries.

pub mod blocks;
pub mod entry;
pub mod examples;
pub mod man;
pub mod markup;
pub mod pages;
mod variables;

use entry::Entry;
use markup::Piece;

use crate::config::schema::nginx::{NginxDirective, in_nginx};
use crate::config::schema::{similar, table};

/// All entries of a name: several if different blocks have different directives of the name.
pub fn entries(name: &str) -> Vec<Entry> {
    let rows = table::find(name).iter().map(|row| row.directive().into());
    blocks::entries()
        .filter(|entry| entry.name == name)
        .chain(rows)
        .collect()
}

/// The names of all entries, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    let rows = table::rows().map(|row| row.directive().name);
    let mut names: Vec<&str> = rows
        .chain(blocks::entries().map(|entry| entry.name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The output of `--explain`.
///
/// # Errors
/// The name is unknown; the message suggests a similar one.
pub fn explain(name: &[u8]) -> Result<String, Vec<u8>> {
    let text = String::from_utf8_lossy(name);
    let entries = entries(&text);
    if !entries.is_empty() {
        let pages: Vec<String> = entries.iter().map(Entry::plain).collect();
        return Ok(pages.join("\n"));
    }
    let nginx = in_nginx(&text);
    if !nginx.is_empty() {
        return Ok(foreign(&text, nginx));
    }
    let mut message = [b"unknown directive \"", name, b"\""].concat();
    if let Some(meant) = similar(&text, names().into_iter()) {
        message.extend_from_slice(format!(", did you mean \"{meant}\"?").as_bytes());
    }
    Err(message)
}

/// Describes a directive of nginx that portcullis does not have.
fn foreign(name: &str, nginx: &[NginxDirective]) -> String {
    let mut page = format!("{name}\n\n");
    for known in nginx {
        let contexts = known.contexts.replace(',', ", ");
        page.push_str(&format!(
            "    Context:  {contexts}\n    Module:   {}\n\n",
            known.module
        ));
    }
    let text = "This directive belongs to nginx and has no meaning for mail. portcullis skips it in `http {}` and `stream {}`, \
                and reports an error anywhere else, as nginx does for a directive in the wrong context.";
    page.push_str(
        Piece::Paragraph(text.to_owned())
            .plain()
            .trim_start_matches('\n'),
    );
    page
}

#[cfg(test)]
mod tests;
