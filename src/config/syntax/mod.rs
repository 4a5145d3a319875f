//! The configuration language: source texts, tokens, statements, and the messages that point into them.
//!
//! The lowest layer of `config`. It knows what a word is, not what it means: directives and blocks are `schema`'s.

mod buffer;
mod diagnostic;
mod grammar;
mod parser;
mod quote;
mod source;
mod statement;
mod text;

pub use diagnostic::Diagnostic;
pub use parser::Parser;
pub use quote::quoted;
pub use source::{Source, Span, Spanned};
pub use statement::{Ending, Item, Resume, Statement, SyntaxError};
pub(crate) use text::{c_int, c_string, digits, message};
