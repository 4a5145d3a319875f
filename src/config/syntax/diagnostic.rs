//! A message about the configuration: nginx's line first; on a terminal the source line with a caret under the word follows.

use super::source::Span;
use crate::base::Level;

/// Longest message before its tail, in bytes (nginx cuts there).
const LONGEST: usize = 1024;

/// A message with a level and where it points.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// How bad it is: what ends the loading is `Emerg` (or `Crit`, from a file that cannot be read).
    pub level: Level,
    /// nginx's sentence, without place.
    pub message: Vec<u8>,
    /// Where it points.
    pub span: Option<Span>,
    /// Whether nginx writes the place behind the sentence; some sentences carry their own.
    pub tail: bool,
    /// What may help: a near name, a chain of includes. Shown on terminals only.
    pub help: Vec<String>,
    /// Whether the text as such was read to its end: nginx says "syntax is ok" before such an error.
    pub syntax_ok: bool,
}

impl Diagnostic {
    /// A message that ends in its place.
    #[must_use]
    pub fn new(level: Level, message: impl Into<Vec<u8>>, span: &Span) -> Self {
        Self {
            tail: true,
            span: Some(span.clone()),
            ..Self::bare(level, message)
        }
    }

    /// A message without a place.
    #[must_use]
    pub fn bare(level: Level, message: impl Into<Vec<u8>>) -> Self {
        let mut message = message.into();
        message.truncate(LONGEST);
        Self {
            level,
            message,
            span: None,
            tail: false,
            help: Vec::new(),
            syntax_ok: false,
        }
    }

    /// The same with one more line of help.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The same, found after the whole text was read.
    #[must_use]
    pub fn after_syntax(mut self) -> Self {
        self.syntax_ok = true;
        self
    }

    /// The sentence with its tail, as it goes into the log: everything after nginx's `[emerg] `.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = self.message.clone();
        if self.tail
            && let Some(span) = &self.span
        {
            text.extend_from_slice(span.tail().as_bytes());
        }
        text
    }

    /// The line for standard error: `PROGRAM: [LEVEL] TEXT` and a line end.
    #[must_use]
    pub fn line(&self, program: &str) -> Vec<u8> {
        let mut line = format!("{program}: [{}] ", self.level).into_bytes();
        line.extend_from_slice(&self.text());
        line.push(b'\n');
        line
    }

    /// The line, and on a terminal what it is about below it.
    #[must_use]
    pub fn shown(&self, program: &str, terminal: bool) -> Vec<u8> {
        let mut shown = self.line(program);
        if terminal {
            shown.extend_from_slice(self.block().as_bytes());
        }
        shown
    }

    /// The source line with carets under the word, what may help, and who included the file. Empty without a place.
    #[must_use]
    pub fn block(&self) -> String {
        let mut block = String::new();
        if let Some(span) = &self.span {
            block.push_str(&caret(span));
        }
        for help in &self.help {
            block.push_str(&format!("  = {help}\n"));
        }
        let mut included = self
            .span
            .as_ref()
            .and_then(|span| span.source.included.as_deref());
        while let Some(span) = included.filter(|_| block.len() < 4096) {
            block.push_str(&format!(
                "  = included from {}:{}\n",
                span.source.name, span.line
            ));
            included = span.source.included.as_deref();
        }
        block
    }
}

/// Longest piece of a source line that is shown, in bytes.
const WIDEST: usize = 160;

fn caret(span: &Span) -> String {
    let bytes = &span.source.bytes;
    let start = span.start.min(bytes.len());
    let begin = bytes[..start]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let end = bytes[start..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |newline| start + newline);
    if start - begin > WIDEST {
        return String::new();
    }
    let line = 1 + bytes[..begin].iter().filter(|byte| **byte == b'\n').count();
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let shown = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).replace('\t', " ");
        text.chars()
            .map(|letter| if letter.is_control() { '.' } else { letter })
            .collect::<String>()
    };
    let text = shown(&bytes[begin..end.min(begin + WIDEST)]);
    let before = shown(&bytes[begin..start]).chars().count();
    let word = shown(&bytes[start..span.end.clamp(start, end)])
        .chars()
        .count()
        .max(1);
    format!(
        "{margin} |\n{number} | {text}\n{margin} | {}{}\n",
        " ".repeat(before),
        "^".repeat(word)
    )
}
