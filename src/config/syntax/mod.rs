//! The configuration language: source texts, tokens, statements, and the messages that point into them.
//!
//! The lowest layer of `config`. It knows what a word is, not what it means: directives and blocks are `schema`'s.

pub mod buffer;
pub mod diagnostic;
pub mod grammar;
pub mod parser;
pub mod quote;
pub mod snippet;
pub mod source;
pub mod statement;
pub mod text;
