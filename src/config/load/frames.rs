//! What the walk is in the middle of, and which blocks it has met.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::config::schema::block::Block;
use crate::config::syntax::source::Span;

/// What has been begun and not ended.
#[derive(Debug)]
pub enum Begun {
    /// The text of `-g`.
    Globals,
    /// A file.
    File(Block),
    /// A block.
    Block(Block),
    /// The files of a mask that are still to be read, and the `include`.
    Files(Block, VecDeque<PathBuf>, Span),
}

/// Which blocks there have been.
#[derive(Debug, Default)]
pub struct Seen {
    /// `events {}`
    pub events: bool,
    /// `http {}`
    pub http: bool,
    /// `stream {}`
    pub stream: bool,
    /// `mail {}`
    pub mail: bool,
}
