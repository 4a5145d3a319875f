//! Where a TLS file is named, and who uses it: added to faults of the file, whose message in nginx's words names neither.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::files::TlsFiles;
use crate::config::load::scopes::ServerLines;
use crate::config::load::written::{Line, Lines};
use crate::config::schema::Directive;
use crate::config::syntax::{Diagnostic, Span};

/// The use of a file by one server.
#[derive(Clone, Copy)]
pub struct FileUse<'a> {
    /// The server.
    pub lines: ServerLines<'a>,
    /// The directive that names the file.
    pub directive: &'static Directive,
    /// The directive that switches TLS on, and its position.
    pub user: (&'static str, &'a Span),
}

impl TlsFiles<'_> {
    /// Adds the place of a file to a fault.
    pub fn placed(&self, fault: Diagnostic, file: &Path, usage: FileUse<'_>) -> Diagnostic {
        let (name, user) = usage.user;
        let Some(place) = self.place(file, usage) else {
            return fault;
        };
        let directive = usage.directive.name;
        let help = format!("`{directive}` in {place}, used by `{name}` in {user}");
        let fault = fault.with_help(help);
        Diagnostic {
            span: Some(place),
            ..fault
        }
    }

    /// The name of a file in the directive that names it: in the server, else in `mail {}`.
    pub fn place(&self, file: &Path, usage: FileUse<'_>) -> Option<Span> {
        let is_server = |block: &&Lines| {
            let opened = block.opened.as_ref();
            opened.is_some_and(|span| {
                (span.line, span.start) == (usage.lines.span.line, usage.lines.span.start)
                    && span.source.name == usage.lines.span.source.name
            })
        };
        let own = self.written.servers.iter().find(is_server);
        let blocks = own.into_iter().chain(&self.written.mail);
        let mut lines = blocks.flat_map(|block| block.of(usage.directive));
        let names_it = |line: &&Line| {
            let mut words = line.words.iter();
            words.any(|word| **word == *file.as_os_str().as_bytes())
        };
        lines.find(names_it).map(|line| argument(&line.span, file))
    }
}

/// The word after a directive's name that names a file, as far as it is on the following 4096 bytes.
fn argument(name: &Span, file: &Path) -> Span {
    let bytes = &name.source.bytes;
    let end = bytes.len().min(name.end + 4096);
    let rest = bytes.get(name.end..end).unwrap_or_default();
    let mut at = name.end;
    for word in rest.split(|byte| byte.is_ascii_whitespace() || *byte == b';') {
        let bare = word.strip_prefix(b"\"").or(word.strip_prefix(b"'"));
        let start = at + usize::from(bare.is_some());
        let bare = bare.unwrap_or(word);
        let bare = bare
            .strip_suffix(b"\"")
            .or(bare.strip_suffix(b"'"))
            .unwrap_or(bare);
        if !bare.is_empty() && file.ends_with(Path::new(std::ffi::OsStr::from_bytes(bare))) {
            return Span {
                start,
                end: start + bare.len(),
                ..name.clone()
            };
        }
        at += word.len() + 1;
    }
    name.clone()
}
