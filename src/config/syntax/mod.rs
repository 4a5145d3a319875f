//! The configuration language: source files, tokens, statements, and messages that point into them.

pub mod buffer;
pub mod diagnostic;
pub mod grammar;
pub mod parser;
pub mod quote;
pub mod source;
