//! The parts of a configuration before it is formatted.

/// A directive or a block.
#[derive(Clone, Debug)]
pub enum Node {
    /// The text of a directive, and what ends it.
    Line(String, &'static str),
    /// The head and the contents of a block.
    Block(String, Vec<Node>),
}

impl Node {
    /// A directive that ends in a semicolon.
    pub fn line(text: impl Into<String>) -> Self {
        Self::Line(text.into(), ";")
    }
}
