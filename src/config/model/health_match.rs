//! `match {}`: what a health check sends, and what the backend must send.

use super::pattern::PlainPattern;
use crate::base::Secret;

/// A `match` block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HealthMatch {
    /// Its name.
    pub name: Box<[u8]>,
    /// `send`: the bytes that a check sends. They may contain a password.
    pub send: Option<Secret<Box<[u8]>>>,
    /// `expect`: what must arrive. Without it, nothing is read.
    pub expect: Option<Expectation>,
}

/// What must be found in the data that a backend sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expectation {
    /// These bytes, at least one.
    Literal(Box<[u8]>),
    /// A match of this regular expression.
    Pattern(PlainPattern),
}

impl Expectation {
    /// Whether it is found somewhere in `bytes`.
    pub fn is_found(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Literal(literal) => bytes
                .windows(literal.len().max(1))
                .any(|part| *part == **literal),
            Self::Pattern(pattern) => pattern.is_match(bytes),
        }
    }
}
