//! A message about the configuration: nginx's line first; on a terminal the source line with a caret under the word follows.

use std::fmt;

use super::lint::Lint;
use super::source::Span;
use crate::base::Level;

/// Longest message without its position, in bytes (nginx cuts there).
const LONGEST: usize = 1024;

/// A message with a level and a position.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Its level. An error that ends the loading is `Emerg`, or `Crit` for a file that cannot be read.
    pub level: Level,
    /// The name of a warning that `--allow` silences.
    pub lint: Option<Lint>,
    /// nginx's sentence, without the position.
    pub message: Vec<u8>,
    /// The position it is about.
    pub span: Option<Span>,
    /// Whether nginx appends the position to the sentence; some sentences contain their own.
    pub tail: bool,
    /// Hints, such as a similar name. They follow the line and are not logged.
    pub help: Vec<Help>,
    /// Whether the text was read to its end: nginx logs "syntax is ok" before such an error.
    pub syntax_ok: bool,
}

/// A line below a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Help {
    /// What was probably meant, or what to do.
    Hint(String),
    /// The syntax of a directive whose value is refused. Shown on terminals only.
    Syntax(String),
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hint(text) | Self::Syntax(text) => f.write_str(text),
        }
    }
}

impl Diagnostic {
    /// A message that ends in its position.
    pub fn new(level: Level, message: impl Into<Vec<u8>>, span: &Span) -> Self {
        Self {
            tail: true,
            ..Self::complete(level, message, span)
        }
    }

    /// A message that names its position itself, or none. A terminal shows `span` below it.
    pub fn complete(level: Level, message: impl Into<Vec<u8>>, span: &Span) -> Self {
        Self {
            span: Some(span.clone()),
            ..Self::bare(level, message)
        }
    }

    /// A message without a position.
    pub fn bare(level: Level, message: impl Into<Vec<u8>>) -> Self {
        let mut message = message.into();
        message.truncate(LONGEST);
        Self {
            level,
            lint: None,
            message,
            span: None,
            tail: false,
            help: Vec::new(),
            syntax_ok: false,
        }
    }

    /// Adds a hint.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help.push(Help::Hint(help.into()));
        self
    }

    /// Adds the syntax of the directive.
    pub fn with_syntax(mut self, name: &str, syntax: &str) -> Self {
        let text = format!("syntax: {name} {syntax};");
        self.help.push(Help::Syntax(text));
        self
    }

    /// Gives a warning its name.
    pub fn named(self, lint: Lint) -> Self {
        Self {
            lint: Some(lint),
            ..self
        }
    }

    /// Marks a message as found after the whole text was read.
    pub fn after_syntax(mut self) -> Self {
        self.syntax_ok = true;
        self
    }

    /// The sentence with its name and its position, as it goes into the log: everything after nginx's `[emerg] `.
    pub fn text(&self) -> Vec<u8> {
        let name = self.lint.map(|lint| format!("[{lint}] "));
        let mut text = name.unwrap_or_default().into_bytes();
        text.extend_from_slice(&self.message);
        if self.tail
            && let Some(span) = &self.span
        {
            text.extend_from_slice(span.tail().as_bytes());
        }
        text
    }

    /// The line for standard error: `PROGRAM: [LEVEL] TEXT` and a line end.
    pub fn line(&self, program: &str) -> Vec<u8> {
        let mut line = format!("{program}: [{}] ", self.level).into_bytes();
        line.extend_from_slice(&self.text());
        line.push(b'\n');
        line
    }

    /// The line, and what follows it.
    pub fn shown(&self, program: &str, terminal: bool) -> Vec<u8> {
        let mut shown = self.line(program);
        shown.extend_from_slice(self.explanation(program, terminal).as_bytes());
        shown
    }

    /// What follows the line: on a terminal the source line with the hints, elsewhere a line for each hint.
    pub fn explanation(&self, program: &str, terminal: bool) -> String {
        let hint = |help: &Help| match help {
            Help::Hint(text) => Some(format!("{program}: hint: {text}\n")),
            Help::Syntax(_) => None,
        };
        match terminal {
            true => self.block(),
            false => self.help.iter().filter_map(hint).collect(),
        }
    }

    /// The source line with carets, the hints, and the chain of includes. Empty without a position.
    pub fn block(&self) -> String {
        let mut block = self.span.as_ref().map(Span::snippet).unwrap_or_default();
        for help in &self.help {
            block.push_str(&format!("  = {help}\n"));
        }
        let included = |span: &Span| span.source.included.as_deref().cloned();
        let mut include = self.span.as_ref().and_then(included);
        while let Some(span) = include.filter(|_| block.len() < 4096) {
            block.push_str(&format!("  = included from {span}\n"));
            include = included(&span);
        }
        block
    }
}

/// Longest part of a source line that is shown, in bytes.
const WIDEST: usize = 160;

impl Span {
    /// The line with its number, and below it carets under the span. Empty where the span starts too far to the right.
    pub fn snippet(&self) -> String {
        let bytes = &self.source.bytes;
        let start = self.start.min(bytes.len());
        let begin = memchr::memrchr(b'\n', &bytes[..start]).map_or(0, |newline| newline + 1);
        let end =
            memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |newline| start + newline);
        if start - begin > WIDEST {
            return String::new();
        }
        let number = (1 + memchr::memchr_iter(b'\n', &bytes[..begin]).count()).to_string();
        let margin = " ".repeat(number.len());
        let line = &bytes[begin..end.min(begin + WIDEST)];
        let text = printable(line.strip_suffix(b"\r").unwrap_or(line));
        let before = printable(&bytes[begin..start]).chars().count();
        let word = printable(&bytes[start..self.end.clamp(start, end)]);
        let carets = "^".repeat(word.chars().count().max(1));
        format!(
            "{margin} |\n{number} | {text}\n{margin} | {:before$}{carets}\n",
            ""
        )
    }
}

/// Text without control characters, one column a character.
fn printable(bytes: &[u8]) -> String {
    let shown = |letter: char| match letter {
        '\t' => ' ',
        letter if letter.is_control() => '.',
        letter => letter,
    };
    String::from_utf8_lossy(bytes).chars().map(shown).collect()
}
