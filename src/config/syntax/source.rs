//! Configuration files in memory, and places in them.

use std::path::PathBuf;
use std::sync::Arc;

/// One configuration text: a file, or what `-g` gave.
#[derive(Debug)]
pub struct Source {
    /// The name that messages give it.
    pub name: Arc<str>,
    /// The file; `None` for the text of `-g`.
    pub path: Option<PathBuf>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The `include` that brought it in.
    pub included: Option<Box<Span>>,
}

/// Files include files to any depth: the chain is let go link by link, not by recursion.
impl Drop for Source {
    fn drop(&mut self) {
        let mut next = self.included.take();
        while let Some(span) = next {
            next = Arc::into_inner(span.source).and_then(|mut source| source.included.take());
        }
    }
}

impl Source {
    /// A text that is no file.
    #[must_use]
    pub fn of_text(name: &str, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            path: None,
            bytes,
            included: None,
        }
    }
}

/// A stretch of a source, and the line that messages give it: the line where the directive ends.
#[derive(Clone, Debug)]
pub struct Span {
    /// Which text.
    pub source: Arc<Source>,
    /// Line number, from 1.
    pub line: usize,
    /// First byte of the word that is meant.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
}

impl Span {
    /// The tail of nginx's messages: ` in FILE:LINE`, or ` in command line`.
    #[must_use]
    pub fn tail(&self) -> String {
        match self.source.path {
            Some(_) => format!(" in {}:{}", self.source.name, self.line),
            None => " in command line".to_owned(),
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where: the name of the directive.
    pub span: Span,
}
