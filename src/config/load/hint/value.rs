//! Hints shown on a terminal below nginx's sentence about a bad value: the faulty word and the syntax of the directive.

use super::moved;
use crate::config::schema::{Directive, similar};
use crate::config::syntax::{Diagnostic, Span};

/// The number of bytes after a directive's name that are searched for the faulty word.
const REACH: usize = 4096;

/// Points the error at the faulty argument, and adds the directive's syntax and the most similar valid word. nginx's
/// sentence and line are unchanged.
pub fn about_value(
    mut diagnostic: Diagnostic,
    directive: &Directive,
    arguments: &[Box<[u8]>],
) -> Diagnostic {
    let Some(span) = &diagnostic.span else {
        return diagnostic;
    };
    let Some(word) = quoted_argument(span, &diagnostic.message).or_else(|| first_argument(span))
    else {
        return diagnostic;
    };
    let text = String::from_utf8_lossy(&span.source.bytes[word.start..word.end]).into_owned();
    let mut words = arguments.iter().map(|word| String::from_utf8_lossy(word));
    if let Some(hint) = words.find_map(|word| moved::value(directive.name, &word)) {
        diagnostic = diagnostic.with_help(hint);
    } else if let Some(meant) = similar(&text.to_lowercase(), literals(directive.syntax)) {
        diagnostic = diagnostic.with_help(format!("did you mean \"{meant}\"?"));
    }
    let (name, syntax) = (directive.name, directive.syntax);
    diagnostic.span = Some(word);
    diagnostic.with_syntax(name, syntax)
}

/// The literal words of a syntax: `on`, `plain`, `ipv6only=`.
fn literals(syntax: &'static str) -> impl Iterator<Item = &'static str> {
    syntax
        .split([' ', '|', '[', ']', ':'])
        .filter(|word| !word.is_empty() && *word != "...")
}

/// The argument that the sentence quotes.
fn quoted_argument(span: &Span, message: &[u8]) -> Option<Span> {
    let own = span.source.bytes.get(span.start..span.end)?;
    let arguments = arguments(span);
    message
        .split(|byte| *byte == b'"')
        .skip(1)
        .step_by(2)
        .filter(|quoted| !quoted.is_empty() && *quoted != own)
        .find_map(|quoted| {
            let at = memchr::memmem::find(arguments, quoted)?;
            Some(after_name(span, at, at + quoted.len()))
        })
}

/// The first argument.
fn first_argument(span: &Span) -> Option<Span> {
    let arguments = arguments(span);
    let start = arguments
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())?;
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b';' | b'{');
    let length = arguments[start..].iter().position(ends)?;
    (length > 0).then(|| after_name(span, start, start + length))
}

/// The text after the name, up to the end of the directive.
fn arguments(span: &Span) -> &[u8] {
    let rest = &span.source.bytes[span.end.min(span.source.bytes.len())..];
    let rest = &rest[..rest.len().min(REACH)];
    let end = memchr::memchr2(b';', b'{', rest).map_or(rest.len(), |at| at + 1);
    &rest[..end]
}

fn after_name(span: &Span, start: usize, end: usize) -> Span {
    Span {
        start: span.end + start,
        end: span.end + end,
        ..span.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::{Level, Paint};
    use crate::config::schema::table::find;
    use crate::config::syntax::Source;

    /// The caret block below an error about `text`, whose first word is a directive.
    fn block(text: &str, message: &str) -> String {
        let name = text.split([' ', ';']).next().expect("a name");
        let span = Span {
            source: Arc::new(Source::of_text("n.conf", text.into())),
            line: 1,
            start: 0,
            end: name.len(),
        };
        let diagnostic = Diagnostic::new(Level::Emerg, message, &span);
        let row = find(name).first().expect("a row").directive();
        about_value(diagnostic, row, &[]).block(Paint::Off)
    }

    #[test]
    fn the_caret_stands_under_the_value() {
        assert_eq!(
            block("starttls  onyl;", "invalid value \"onyl\""),
            "  |\n1 | starttls  onyl;\n  |           ^^^^\n  = did you mean \"only\"?\n  \
             = syntax: starttls on | off | only;\n"
        );
        assert_eq!(
            block("timeout 1y;", "\"timeout\" directive invalid value"),
            "  |\n1 | timeout 1y;\n  |         ^^\n  = syntax: timeout time;\n"
        );
    }

    #[test]
    fn what_cannot_be_found_stays_at_the_name() {
        for text in ["timeout", "timeout;", "timeout {"] {
            let shown = block(text, "\"timeout\" directive invalid value");
            assert!(shown.contains("\n  | ^^^^^^^\n"), "{shown}");
        }
    }
}
