//! The position of a directive, where logs name the line that decided.

use std::fmt;
use std::sync::Arc;

use crate::config::syntax::Span;

/// The position of a directive in the configuration. Displays as `file:line`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    file: Arc<str>,
    line: usize,
}

impl Origin {
    /// That of a span.
    pub fn of(span: &Span) -> Self {
        Self {
            file: Arc::clone(&span.source.name),
            line: span.line,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}
