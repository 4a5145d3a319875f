//! The stack of texts and blocks that are being read. Includes and blocks nest to any depth without recursion.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::config::schema::Block;
use crate::config::syntax::Span;

/// A text or a block that has begun and not ended.
#[derive(Debug)]
pub enum Frame {
    /// The text of `-g`.
    CommandLine,
    /// A file, whose directives belong to a block.
    File(Block),
    /// A block.
    Block(Block),
    /// The files of a mask that are still to be read, and the `include`.
    Includes(Block, VecDeque<PathBuf>, Span),
}
