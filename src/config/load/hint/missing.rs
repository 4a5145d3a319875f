//! Punctuation that is missing: `;`, `}`, a closing quote.

use super::text::Text;
use crate::config::schema::nginx::is_known;
use crate::config::schema::{Arity, Block, similar, table};
use crate::config::syntax::Span;

/// The `;` that is missing before one of the words of a faulty statement: a word that begins a line and is the name of a directive, or
/// a word that the directive before it cannot take.
pub fn semicolon(
    text: Text<'_>,
    block: Block,
    arity: Option<Arity>,
    message: &[u8],
) -> Option<String> {
    let is_too_much = arity.is_some_and(|arity| !arity.admits(text.words.len() - 1));
    text.arguments().find_map(|(index, word)| {
        let name = String::from_utf8_lossy(word);
        if takes(text.word(0), &name) {
            return None;
        }
        let is_name = block.knows(&name);
        if text.starts_line(index) {
            let is_complete = is_too_much && arity.is_some_and(|arity| arity.admits(index - 1));
            let is_new = is_name
                || is_known(&name)
                || similar(&name, block.names()).is_some()
                || is_complete;
            return is_new.then(|| at_end_of_line(text, index));
        }
        let is_refused = is_too_much || quotes(message, word);
        let has_arguments = index > 1 && index + 1 < text.words.len();
        (is_name && has_arguments && is_refused).then(|| {
            let line = text.line(text.end_before(index));
            format!("`;` is missing before \"{name}\" in line {line}")
        })
    })
}

/// The `;` that is missing where a block or the text ends inside a statement.
pub fn unfinished(text: Text<'_>, block: Block, end: usize) -> Option<String> {
    let last = text.words.len().checked_sub(1)?;
    if let Some(inside) = semicolon(text, block, None, b"") {
        return Some(inside);
    }
    let (name, after) = (text.word(0), text.end_before(last + 1));
    if last == 0 && block.opened_by(name).is_some() {
        let name = String::from_utf8_lossy(name);
        return Some(format!("`{{` is missing after \"{name}\""));
    }
    let line = text.line(after);
    let has_brace = last > 0 && text.word(last).ends_with(b"}");
    match has_brace || (text.bytes.get(end) == Some(&b'}') && text.line(end) == line) {
        true => Some(format!("`;` is missing before `}}` in line {line}")),
        false => Some(at_end_of_line(text, last + 1)),
    }
}

/// A directive that begins a line inside the arguments of another one, which accepts it: the `;` before it is probably missing.
pub fn swallowed(text: Text<'_>, block: Block) -> Option<(String, usize)> {
    let (first, last) = (text.words.first()?, text.words.last()?);
    memchr::memchr(b'\n', text.bytes.get(first.1..last.0)?)?;
    text.arguments().find_map(|(index, word)| {
        let name = String::from_utf8_lossy(word);
        let is_directive =
            text.starts_line(index) && !takes(text.word(0), &name) && block.knows(&name);
        is_directive.then(|| (name.into_owned(), text.line(text.end_before(index))))
    })
}

fn at_end_of_line(text: Text<'_>, index: usize) -> String {
    let line = text.line(text.end_before(index));
    format!("`;` is missing at the end of line {line}")
}

/// Whether the directive `name` has `word` as one of its parameters: `listen ... proxy_protocol`.
fn takes(name: &[u8], word: &str) -> bool {
    let rows = table::find(std::str::from_utf8(name).unwrap_or_default());
    let mut syntaxes = rows.iter().map(|entry| entry.directive().syntax);
    syntaxes.any(|syntax| {
        syntax
            .split([' ', '[', ']', '|'])
            .any(|known| known == word)
    })
}

/// Whether a sentence has a word in quotes.
fn quotes(message: &[u8], word: &[u8]) -> bool {
    let mut parts = message.split(|byte| *byte == b'"').skip(1).step_by(2);
    parts.any(|part| part == word)
}

/// The quote that a text leaves open, whose first byte is at `start`.
pub fn unclosed_quote(text: Text<'_>, start: usize) -> Option<String> {
    let quote = text
        .bytes
        .get(start)
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let (quote, line) = (char::from(*quote), text.line(start));
    Some(format!("the quote {quote} in line {line} is not closed"))
}

/// A quoted string of several lines before a byte that may not follow it: a quote may be missing where it begins.
pub fn long_quote(text: Text<'_>) -> Option<String> {
    let last = text.words.len().checked_sub(1)?;
    let word = text.word(last);
    let is_long = matches!(word, [b'"' | b'\'', ..]) && word.contains(&b'\n');
    is_long.then(|| {
        let line = text.line(text.words[last].0);
        format!(
            "the quoted string that ends here begins in line {line}: a quote may be missing there"
        )
    })
}

/// The blocks that are open where a text ends, the innermost first.
pub fn open_blocks<'a>(opened: impl Iterator<Item = &'a Span>) -> Vec<String> {
    let hint = |span: &Span| {
        format!(
            "`}}` is missing: \"{} {{\" in {span} is not closed",
            name(span)
        )
    };
    opened.take(3).map(hint).collect()
}

/// The name that opens a block.
pub fn name(opened: &Span) -> String {
    let name = opened.source.bytes.get(opened.start..opened.end);
    String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
}

/// A block whose `}` is indented less than its first line: one inside it may have lost its own.
#[derive(Clone, Debug)]
pub struct Askew {
    /// The directive that opens the block.
    pub opened: Span,
    /// The `}`.
    pub closed: Span,
}

impl Askew {
    /// Says which `}` closes which block.
    pub fn hint(&self) -> String {
        let (name, opened, line) = (name(&self.opened), self.opened.line, self.closed.line);
        format!(
            "the `}}` in line {line} closes \"{name} {{\" of line {opened}: `}}` may be missing before it"
        )
    }
}

/// Compares the indentation of a block's first line and of its `}`, where both begin their lines.
pub fn closed_askew(opened: &Span, closed: &Span) -> Option<Askew> {
    let outer = indentation(opened)?;
    (indentation(closed)? < outer).then(|| Askew {
        opened: opened.clone(),
        closed: closed.clone(),
    })
}

/// The number of blanks before a span; `None` where the line has something else there.
fn indentation(span: &Span) -> Option<usize> {
    let before = span.source.bytes.get(..span.start)?;
    let blanks = before.iter().rev().take_while(|byte| **byte != b'\n');
    let blanks: Vec<u8> = blanks.copied().collect();
    let is_blank = blanks.iter().all(|byte| matches!(byte, b' ' | b'\t'));
    is_blank.then_some(blanks.len())
}
