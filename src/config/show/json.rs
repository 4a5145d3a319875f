//! The result of a test as one JSON object (`--format=json`). The names of its members are documented in `cli::option` and do not
//! change; further ones may be added.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::settings::{Block, Origin, Setting, Settings};
use crate::base::{Address, Json, Level};
use crate::config::syntax::{Diagnostic, Span};

/// The result of a test.
#[derive(Debug)]
pub struct TestResult<'a> {
    /// The main configuration file.
    pub file: &'a Path,
    /// Whether the configuration is valid.
    pub valid: bool,
    /// Warnings and errors, in the order found.
    pub diagnostics: &'a [Diagnostic],
    /// The number of further errors.
    pub omitted: usize,
    /// The requested output.
    pub output: Output<'a>,
}

/// What a successful test prints.
#[derive(Debug)]
pub enum Output<'a> {
    /// Nothing.
    Nothing,
    /// The configuration files.
    Files(&'a [(PathBuf, Arc<Vec<u8>>)]),
    /// The settings in force.
    Settings(&'a Settings),
}

impl TestResult<'_> {
    /// The object, with a line end.
    pub fn json(&self) -> String {
        let mut json = Json::default();
        json.begin_object();
        json.name("file").string(self.file.as_os_str().as_bytes());
        json.name("valid").boolean(self.valid);
        json.name("diagnostics").begin_array();
        for one in self.diagnostics {
            diagnostic(&mut json, one);
        }
        json.end_array();
        json.name("omitted").number(self.omitted);
        match self.output {
            Output::Nothing => {}
            Output::Files(read) => files(&mut json, read),
            Output::Settings(settings) => configuration(&mut json, settings),
        }
        json.end_object();
        json.into_line()
    }
}

fn diagnostic(json: &mut Json, diagnostic: &Diagnostic) {
    let severity: &[u8] = match diagnostic.level {
        Level::Warn => b"warning",
        level if level > Level::Warn => b"note",
        _ => b"error",
    };
    let span = diagnostic.span.as_ref();
    let position = span.map(Span::position);
    json.begin_object();
    json.name("severity").string(severity);
    json.name("level")
        .string(diagnostic.level.word().as_bytes());
    json.name("file").string_or_null(span.and_then(file));
    json.name("line")
        .number_or_null(position.map(|(line, _)| line));
    json.name("column")
        .number_or_null(position.map(|(_, column)| column));
    json.name("word").string_or_null(span.and_then(word));
    json.name("message").string(&diagnostic.message);
    let name = diagnostic.lint.map(|lint| lint.to_string());
    json.name("name")
        .string_or_null(name.as_ref().map(String::as_bytes));
    json.name("hints").begin_array();
    for hint in &diagnostic.help {
        json.string(hint.to_string().as_bytes());
    }
    json.end_array();
    json.end_object();
}

/// The word in question. After `data:` it may be a private key, which is not shown.
fn word(span: &Span) -> Option<&[u8]> {
    match span.word() {
        b"" => None,
        inline if inline.starts_with(b"data:") => Some(b"data:"),
        word => Some(word),
    }
}

/// The file of a position. The text of `-g` has none.
fn file(span: &Span) -> Option<&[u8]> {
    span.source
        .path
        .as_deref()
        .map(|path| path.as_os_str().as_bytes())
}

fn files(json: &mut Json, files: &[(PathBuf, Arc<Vec<u8>>)]) {
    json.name("files").begin_array();
    for (path, text) in files {
        json.begin_object();
        json.name("file").string(path.as_os_str().as_bytes());
        json.name("text").string(text);
        json.end_object();
    }
    json.end_array();
}

fn configuration(json: &mut Json, all: &Settings) {
    json.name("configuration").begin_object();
    json.name("main");
    settings(json, &all.main);
    json.name("events");
    settings(
        json,
        all.events.as_ref().map_or(&[], |events| &events.settings),
    );
    json.name("mail");
    settings(json, all.mail.as_ref().map_or(&[], |mail| &mail.settings));
    json.name("upstreams");
    let upstreams = all.mail.as_ref().map_or(&[][..], |mail| &mail.upstreams);
    named_blocks(json, upstreams);
    json.name("matches");
    let matches = all.mail.as_ref().map_or(&[][..], |mail| &mail.matches);
    named_blocks(json, matches);
    json.name("servers").begin_array();
    for server in all.mail.iter().flat_map(|mail| &mail.servers) {
        json.begin_object();
        opened(json, server.block.opened.as_ref());
        json.name("server_name").string(&server.name);
        json.name("listen").begin_array();
        for address in server.addresses.iter().map(Address::to_string) {
            json.string(address.as_bytes());
        }
        json.end_array();
        json.name("settings");
        settings(json, &server.block.settings);
        json.end_object();
    }
    json.end_array();
    json.name("left_to_nginx").begin_array();
    for (block, span) in &all.foreign {
        json.begin_object();
        json.name("block").string(block.name().as_bytes());
        opened(json, Some(span));
        json.end_object();
    }
    json.end_array();
    json.end_object();
}

/// Blocks with their names.
fn named_blocks(json: &mut Json, blocks: &[(Box<[u8]>, Block)]) {
    json.begin_array();
    for (name, block) in blocks {
        json.begin_object();
        json.name("name").string(name);
        opened(json, block.opened.as_ref());
        json.name("settings");
        settings(json, &block.settings);
        json.end_object();
    }
    json.end_array();
}

fn opened(json: &mut Json, span: Option<&Span>) {
    json.name("file").string_or_null(span.and_then(file));
    json.name("line").number_or_null(span.map(|span| span.line));
}

fn settings(json: &mut Json, settings: &[Setting]) {
    json.begin_array();
    for setting in settings {
        json.begin_object();
        json.name("name").string(setting.directive.name.as_bytes());
        json.name("arguments").begin_array();
        for word in &setting.words {
            json.string(word);
        }
        json.end_array();
        let (origin, span) = match &setting.origin {
            Origin::Line { level, span, .. } => (*level, Some(span)),
            Origin::Default => ("default", None),
            Origin::Fallback => ("default, unless learned", None),
            Origin::Computed(reason) => (*reason, None),
        };
        json.name("origin").string(origin.as_bytes());
        opened(json, span);
        json.end_object();
    }
    json.end_array();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::syntax::Source;

    #[test]
    fn an_inline_key_is_not_shown() {
        let text = "data:-----BEGIN";
        let span = Span {
            source: Arc::new(Source::of_text("n.conf", text.into())),
            line: 1,
            start: 0,
            end: text.len(),
        };
        assert_eq!(word(&span), Some(&b"data:"[..]));
    }

    #[test]
    fn a_diagnostic_has_its_position_and_word() {
        let source = Arc::new(Source {
            name: "/etc/x.conf".into(),
            path: Some("/etc/x.conf".into()),
            bytes: Arc::new(b"a;\n\tb \"q\" {\n}".to_vec()),
            included: None,
        });
        let span = Span {
            source,
            line: 2,
            start: 4,
            end: 5,
        };
        let bad = Diagnostic::new(Level::Emerg, "no \"b\"", &span).with_help("did you mean \"c\"?");
        let note = Diagnostic::bare(Level::Warn, "look");
        let result = TestResult {
            file: Path::new("/etc/x.conf"),
            valid: false,
            diagnostics: &[note, bad],
            omitted: 3,
            output: Output::Nothing,
        };
        assert_eq!(
            result.json(),
            "{\"file\":\"/etc/x.conf\",\"valid\":false,\"diagnostics\":[\
             {\"severity\":\"warning\",\"level\":\"warn\",\"file\":null,\"line\":null,\"column\":null,\"word\":null,\
             \"message\":\"look\",\"name\":null,\"hints\":[]},\
             {\"severity\":\"error\",\"level\":\"emerg\",\"file\":\"/etc/x.conf\",\"line\":2,\"column\":2,\"word\":\"b\",\
             \"message\":\"no \\\"b\\\"\",\"name\":null,\"hints\":[\"did you mean \\\"c\\\"?\"]}],\"omitted\":3}\n"
        );
    }
}
