//! The configuration language: source texts, tokens, statements, and the messages that point into them.
//!
//! The lowest layer of `config`. It splits a text into words and statements; `schema` defines directives and blocks.

mod buffer;
mod diagnostic;
mod grammar;
mod lint;
mod parser;
mod quote;
mod scanner;
mod snippet;
mod source;
mod statement;
mod text;

pub use diagnostic::Diagnostic;
pub use lint::Lint;
pub use parser::{Parser, PlainPair};
pub use quote::quoted;
pub use source::{Source, Span, Spanned};
pub use statement::{Ending, Item, Resume, Statement, SyntaxError};
pub(crate) use text::{c_int, c_string, digits, message};
