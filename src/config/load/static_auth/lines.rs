//! The lines of `http {}`, kept while the configuration is read: an auth server may be among them.

use std::fmt;

use crate::config::syntax::{Ending, Span, Statement};

/// The most lines that are kept. An `http {}` with more is not looked at.
const MOST_LINES: usize = 100_000;

/// The most blocks inside each other.
const DEEPEST: usize = 50;

/// A directive of `http {}`.
#[derive(Clone)]
pub struct HttpLine {
    /// The name and the arguments; never empty.
    words: Vec<Box<[u8]>>,
    /// The name.
    pub span: Span,
    /// The lines of its block; empty for a directive without one, and for a block whose lines do not matter.
    pub block: Vec<HttpLine>,
}

/// Prints the name: words may be secrets.
impl fmt::Debug for HttpLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpLine({})", self.shown())
    }
}

impl HttpLine {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        self.words.first().map_or(&[], |name| name)
    }

    /// Its name for messages.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(self.name()).into_owned()
    }

    /// Its arguments.
    pub fn args(&self) -> &[Box<[u8]>] {
        self.words.get(1..).unwrap_or_default()
    }

    /// One of its arguments, from 0; empty where there is none.
    pub fn arg(&self, index: usize) -> &[u8] {
        self.args().get(index).map_or(&[], |word| word)
    }
}

/// Collects the lines of `http {}`.
#[derive(Debug, Default)]
pub struct HttpLines {
    /// The open blocks, `http` first.
    open: Vec<HttpLine>,
    /// The complete `http`.
    http: Option<HttpLine>,
    /// The number of lines that are kept.
    count: usize,
    /// Whether some are left out that may matter.
    is_cut: bool,
}

impl HttpLines {
    /// `http {` begins.
    pub fn begin(&mut self, span: &Span) {
        self.open.push(HttpLine {
            words: vec![b"http".as_slice().into()],
            span: span.clone(),
            block: Vec::new(),
        });
    }

    /// Takes a statement in `http {}` or in one of its blocks. Statements elsewhere (`stream {}`) are left out.
    pub fn push(&mut self, statement: &Statement, span: &Span) {
        let Some(outer) = self.open.last_mut() else {
            return;
        };
        let is_block = statement.ending == Ending::Open;
        if matters(outer.name()) {
            self.count += 1;
            self.is_cut |= self.count > MOST_LINES;
        }
        if !is_block && (self.is_cut || !matters(outer.name())) {
            return;
        }
        let line = HttpLine {
            words: statement.words.clone(),
            span: span.clone(),
            block: Vec::new(),
        };
        match is_block {
            true => self.open.push(line),
            false => outer.block.push(line),
        }
    }

    /// A block ends.
    pub fn close(&mut self) {
        let Some(closed) = self.open.pop() else {
            return;
        };
        self.is_cut |= self.open.len() > DEEPEST;
        match self.open.last_mut() {
            None => self.http = Some(closed),
            Some(_) if self.is_cut => {}
            Some(outer) if matters(outer.name()) => outer.block.push(closed),
            Some(_) => {}
        }
    }

    /// The lines of `http {}`; none where there is none, or `None` where there are too many.
    pub fn lines(&self) -> Option<&[HttpLine]> {
        let lines = self.http.as_ref().map_or(&[][..], |http| &http.block);
        (!self.is_cut).then_some(lines)
    }
}

/// Whether the lines of a block of this name are kept.
fn matters(name: &[u8]) -> bool {
    matches!(
        name,
        b"http" | b"server" | b"location" | b"if" | b"map" | b"geo"
    )
}
