//! portcullis.conf(5).

use super::Entry;
use super::blocks::{self, LANGUAGE};
use super::markup::{Piece, escaped, pieces, roff};
use crate::config::modules::table;

/// The first lines of a man page.
#[must_use]
pub fn header(name: &str, section: u8) -> String {
    format!(
        ".\\\" Written by `cargo test -p portcullis reference`. Edits are lost.\n.TH {} {section} \"\" \"portcullis {}\" \"portcullis\"\n",
        name.to_uppercase(),
        env!("CARGO_PKG_VERSION")
    )
}

/// Pieces one after the other; a paragraph behind a list is not part of it.
#[must_use]
pub fn body(pieces: &[Piece]) -> String {
    let text: String = pieces.iter().map(Piece::roff).collect();
    // Behind a heading a paragraph begins by itself.
    text.strip_prefix(".PP\n").unwrap_or(&text).to_owned()
}

/// A verbatim text.
#[must_use]
pub fn verbatim(text: &str) -> String {
    format!(".PP\n.nf\n.RS 4\n{}\n.RE\n.fi\n", escaped(text.trim_end()))
}

/// The page.
#[must_use]
pub fn page() -> String {
    let mut page = header("portcullis.conf", 5);
    page.push_str(
        ".SH NAME\nportcullis.conf \\- configuration of the mail gateway portcullis\n.SH DESCRIPTION\n",
    );
    let about = "portcullis reads nginx's configuration: by default `/etc/nginx/nginx.conf`, or what `portcullis -c` names. \
                 `portcullis -t` checks it, `portcullis --explain NAME` prints one entry of this page.";
    page.push_str(&body(&pieces(about)));
    page.push_str(".SH LANGUAGE\n");
    page.push_str(&body(&pieces(LANGUAGE)));
    page.push_str(".SH BLOCKS\n");
    for entry in blocks::entries() {
        page.push_str(&entry.roff());
    }
    for (name, about) in table::MODULES {
        page.push_str(&format!(
            ".SH {} DIRECTIVES\n",
            name.replace('_', " ").to_uppercase()
        ));
        page.push_str(&body(&pieces(about)));
        let rows = table::rows().map(|row| row.directive());
        for row in rows.filter(|row| row.module == name) {
            page.push_str(&Entry::from(row).roff());
        }
    }
    page.push_str(".SH SEE ALSO\n.BR portcullis (8),\n.BR nginx (8)\n");
    page
}

impl Entry {
    fn roff(&self) -> String {
        let mut page = format!(
            ".SS {}\nSyntax: \\fB{}\\fR\n.br\nDefault: {}\n.br\nContext: {}\n.br\nModule: {}\n",
            escaped(self.name),
            escaped(&self.syntax),
            match &self.default {
                Some(line) => format!("\\fB{}\\fR", escaped(line)),
                None => "none".to_owned(),
            },
            roff(&self.contexts),
            escaped(self.module)
        );
        page.extend(self.text.iter().map(Piece::roff));
        if let Some(example) = &self.example {
            page.push_str(&format!(".PP\nIn {}:\n", escaped(example.file)));
            page.push_str(&verbatim(&example.text));
        }
        page
    }
}
