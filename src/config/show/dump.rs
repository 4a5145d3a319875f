//! `--dump-config`: the settings in force as a configuration. Each line ends in its origin. The output can be loaded again and means
//! the same, except for what it leaves out: the password of `limit_store`, and the blocks of `http {}` that answer an `auth_http`.

use super::selection::{NoSuchServer, Selection};
use super::settings::{Block, Origin, Setting, Settings, position, settings};
use crate::config::load::config::Loaded;
use crate::config::load::written::VariableLines;
use crate::config::model::Options;
use crate::config::syntax::{Span, quoted};

/// The column of the comments.
const COMMENTS: usize = 64;
/// The width of names.
const NAMES: usize = 28;

/// Writes the whole configuration down.
pub fn dump(loaded: &Loaded, options: &Options) -> Vec<u8> {
    page(&settings(loaded, options))
}

/// Writes a part of it down.
///
/// # Errors
/// The selected server does not exist.
pub fn dump_selected(
    loaded: &Loaded,
    options: &Options,
    selection: &Selection,
) -> Result<Vec<u8>, NoSuchServer> {
    Ok(page(&selection.apply(settings(loaded, options))?))
}

fn page(settings: &Settings) -> Vec<u8> {
    let mut page = Page::default();
    page.settings(&settings.main);
    if let Some(events) = &settings.events {
        page.block("events", events);
    }
    if let Some(mail) = &settings.mail {
        page.open("mail", mail.opened.as_ref());
        page.settings(&mail.settings);
        for block in &mail.variables {
            page.variables(block);
        }
        for (name, block) in &mail.matches {
            let name = String::from_utf8_lossy(&quoted(name)).into_owned();
            page.block(&format!("match {name}"), block);
        }
        for (name, group) in &mail.upstreams {
            let name = String::from_utf8_lossy(&quoted(name)).into_owned();
            page.block(&format!("upstream {name}"), group);
        }
        for server in &mail.servers {
            page.block("server", &server.block);
        }
        page.close();
    }
    for (block, span) in &settings.foreign {
        let (name, position) = (block.name(), position(span));
        page.text(&format!("# {name} {{}} is left to nginx: {position}\n"));
    }
    for sentence in &settings.answered {
        page.text(&format!("# {sentence}, which is not in this output\n"));
    }
    page.out
}

impl Origin {
    /// The comment at the end of a line.
    fn comment(&self) -> String {
        match self {
            Self::Line { level, span, note } => {
                let note = note
                    .as_ref()
                    .map_or(String::new(), |note| format!(", {note}"));
                format!("{level}, {}{note}", position(span))
            }
            Self::Default => "default".to_owned(),
            Self::Fallback => "default, unless learned".to_owned(),
            Self::Computed(reason) => (*reason).to_owned(),
        }
    }
}

#[derive(Default)]
struct Page {
    out: Vec<u8>,
    depth: usize,
}

impl Page {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn block(&mut self, name: &str, block: &Block) {
        self.open(name, block.opened.as_ref());
        self.settings(&block.settings);
        self.close();
    }

    /// A block whose lines are printed as they are written.
    fn variables(&mut self, block: &VariableLines) {
        let start = self.out.len();
        self.indent();
        self.text(block.block.name());
        for word in &block.words {
            self.out.push(b' ');
            let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"$_".contains(byte);
            match word.iter().all(is_plain) {
                true => self.out.extend_from_slice(word),
                false => self.out.extend_from_slice(&quoted(word)),
            }
        }
        self.text(" {");
        self.comment(start, &position(&block.opened));
        self.indent();
        self.out.extend_from_slice(&block.text());
        self.text("}\n");
    }

    fn open(&mut self, name: &str, opened: Option<&Span>) {
        let start = self.out.len();
        self.indent();
        self.text(name);
        self.text(" {");
        self.comment(start, &opened.map(position).unwrap_or_default());
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        self.text("}\n");
    }

    fn settings(&mut self, settings: &[Setting]) {
        for setting in settings {
            let start = self.out.len();
            self.indent();
            let name = setting.directive.name;
            match setting.origin {
                Origin::Fallback => self.text(&format!("{:<NAMES$}", format!("# {name}"))),
                _ => self.text(&format!("{name:<NAMES$}")),
            }
            for word in &setting.words {
                self.out.push(b' ');
                self.out.extend_from_slice(&quoted(word));
            }
            self.out.push(b';');
            self.comment(start, &setting.origin.comment());
        }
    }

    fn comment(&mut self, start: usize, text: &str) {
        if !text.is_empty() {
            let width = self.out.len() - start;
            let blanks = COMMENTS.saturating_sub(width).max(1);
            self.text(&format!("{:blanks$}# {text}", ""));
        }
        self.out.push(b'\n');
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n(b' ', 4 * self.depth));
    }
}
