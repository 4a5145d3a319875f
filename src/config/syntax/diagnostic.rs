//! A message about the configuration: nginx's line first; on a terminal the source line with a caret under the word follows.

use std::fmt;

use super::lint::Lint;
use super::source::Span;
use crate::base::Level;
use crate::base::paint::{Color, Paint};

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
        self.painted(program, Paint::Off)
    }

    /// The same with a coloured level.
    pub fn painted(&self, program: &str, paint: Paint) -> Vec<u8> {
        let level = paint.text(self.color(), &format!("[{}]", self.level));
        let mut line = format!("{program}: {level} ").into_bytes();
        line.extend_from_slice(&self.text());
        line.push(b'\n');
        line
    }

    /// Whether it is a fault, not a warning.
    pub fn is_error(&self) -> bool {
        self.level < Level::Warn
    }

    fn color(&self) -> Color {
        match self.is_error() {
            true => Color::Error,
            false => Color::Warning,
        }
    }

    /// The hints, one a line: what follows the line where source lines are not shown.
    pub fn hints(&self, program: &str) -> String {
        let hint = |help: &Help| match help {
            Help::Hint(text) => Some(format!("{program}: hint: {text}\n")),
            Help::Syntax(_) => None,
        };
        self.help.iter().filter_map(hint).collect()
    }

    /// The source line with carets, the hints, and the chain of includes. Empty without a position.
    pub fn block(&self, paint: Paint) -> String {
        let snippet = |span: &Span| span.snippet(paint, self.color());
        let mut block = self.span.as_ref().map(snippet).unwrap_or_default();
        for help in &self.help {
            let sign = paint.text(Color::Hint, "=");
            block.push_str(&format!("  {sign} {help}\n"));
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
