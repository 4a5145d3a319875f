//! Configuration texts in memory, and positions in them.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

/// One configuration text: a file, or the argument of `-g`.
pub struct Source {
    /// Its name in messages.
    pub name: Arc<str>,
    /// The file; `None` for the text of `-g`.
    pub path: Option<PathBuf>,
    /// Its content.
    pub bytes: Arc<Vec<u8>>,
    /// The `include` that named it.
    pub included: Option<Box<Span>>,
}

/// Files include files to any depth: the chain is dropped link by link, not by recursion.
impl Drop for Source {
    fn drop(&mut self) {
        let mut next = self.included.take();
        while let Some(span) = next {
            next = Arc::into_inner(span.source).and_then(|mut source| source.included.take());
        }
    }
}

/// Prints the name only: the text may contain a private key.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}

impl Source {
    /// A text that is not a file.
    pub fn of_text(name: &str, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            path: None,
            bytes: Arc::new(bytes),
            included: None,
        }
    }
}

/// A range of bytes in a source, with the line number used in messages: the line where the directive ends.
#[derive(Clone, Debug)]
pub struct Span {
    /// The text.
    pub source: Arc<Source>,
    /// Line number, from 1.
    pub line: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A span without a file, for values that are not read from one.
    pub fn nowhere() -> Self {
        static NOWHERE: LazyLock<Arc<Source>> =
            LazyLock::new(|| Arc::new(Source::of_text("default", Vec::new())));
        Self {
            source: Arc::clone(&NOWHERE),
            line: 1,
            start: 0,
            end: 0,
        }
    }

    /// The end of nginx's messages: ` in FILE:LINE`, or ` in command line`.
    pub fn tail(&self) -> String {
        match self.source.path {
            Some(_) => format!(" in {self}"),
            None => " in command line".to_owned(),
        }
    }
}

/// `FILE:LINE`
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source.name, self.line)
    }
}

/// A value and where it is written.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// The name of the directive.
    pub span: Span,
}
