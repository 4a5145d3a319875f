//! One entry of the manual, made from a row of the directive table or from a block.

use super::examples::{self, Example};
use super::markup::{Piece, broken, pieces};
use crate::config::schema::nginx::{NginxDirective, in_nginx};
use crate::config::schema::{Contexts, Directive, Repeated};

/// One directive, or one block.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its complete syntax.
    pub syntax: String,
    /// Its default, as a directive.
    pub default: Option<String>,
    /// The contexts in which it is allowed.
    pub contexts: String,
    /// The nginx module that has it, or `portcullis`.
    pub module: &'static str,
    /// The description.
    pub text: Vec<Piece>,
    /// An example from a shipped configuration.
    pub example: Option<Example>,
}

impl From<&'static Directive> for Entry {
    fn from(row: &'static Directive) -> Self {
        let mut text = pieces(row.doc);
        text.extend(pieces(row.about));
        text.push(Piece::Paragraph(repeated(row).to_owned()));
        let nginx = in_nginx(row.name);
        let own = nginx.iter().find(|known| is_own(row, known));
        if own.is_none() {
            let addition = "The mail modules of nginx do not have this directive: nginx rejects a configuration that uses it in `mail {}`.";
            text.push(Piece::Paragraph(addition.to_owned()));
        }
        text.extend(elsewhere(nginx).map(Piece::Paragraph));
        Self {
            name: row.name,
            syntax: format!("{} {};", row.name, row.syntax),
            default: row
                .default
                .map(|default| format!("{} {default};", row.name)),
            contexts: row.contexts.names().collect::<Vec<_>>().join(", "),
            module: own.map_or("portcullis", |known| known.module),
            text,
            example: examples::of(row.name, row.contexts),
        }
    }
}

/// Whether nginx's directive is the one of the row, and not a namesake in another module.
fn is_own(row: &Directive, known: &NginxDirective) -> bool {
    if row.contexts.meets(Contexts::MAIL_SERVER) {
        known.module.starts_with("ngx_mail_")
            || known.contexts.split(',').any(|block| block == "mail")
    } else {
        known.module == "ngx_core_module"
    }
}

/// Names the modules of nginx with a directive of the same name in blocks that portcullis skips.
fn elsewhere(nginx: &[NginxDirective]) -> Option<String> {
    let modules: Vec<&str> = nginx
        .iter()
        .map(|known| known.module)
        .filter(|module| !module.starts_with("ngx_mail_") && *module != "ngx_core_module")
        .collect();
    (!modules.is_empty()).then(|| {
        format!(
            "nginx has a directive of this name in other modules too ({}), whose blocks portcullis skips.",
            modules.join(", ")
        )
    })
}

/// Describes repetition within a block, and inheritance.
fn repeated(row: &Directive) -> &'static str {
    let inherited = row.contexts.meets(Contexts::MAIL) && row.contexts.meets(Contexts::SERVER);
    match (row.repeated, inherited) {
        (Repeated::Duplicate, true) => {
            "The directive may appear once per block. In `server {}`, it overrides the one in `mail {}`."
        }
        (Repeated::Adds, true) => {
            "The directive may appear several times per block; the values are combined. A `server {}` with this directive inherits none of the values in `mail {}`."
        }
        (Repeated::Replaces, true) => {
            "If the directive appears several times in a block, the last one applies. In `server {}`, it overrides those in `mail {}`."
        }
        (Repeated::Duplicate, false) => "The directive may appear only once.",
        (Repeated::Adds, false) => "The directive may appear several times.",
        (Repeated::Replaces, false) => {
            "If the directive appears several times, the last one applies."
        }
    }
}

impl Entry {
    /// Formats the entry as `--explain` prints it.
    pub fn plain(&self) -> String {
        let mut page = format!("{}\n\n", self.name);
        let (first, further) = ("    Syntax:   ", "                  ");
        page.push_str(&broken(&self.syntax, first, further));
        let fields = [
            ("Default:", self.default.as_deref().unwrap_or("-")),
            ("Context:", &self.contexts),
            ("Module:", self.module),
        ];
        for (title, value) in fields {
            page.push_str(&format!("    {title:<9} {value}\n"));
        }
        for piece in &self.text {
            page.push_str(&piece.plain());
        }
        if let Some(example) = &self.example {
            let text = example.text.replace('\n', "\n        ");
            page.push_str(&format!("\n    {}:\n\n        {text}\n", example.file));
        }
        page
    }
}
