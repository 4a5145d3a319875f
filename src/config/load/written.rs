//! The directives as they are written, block by block and in order, with their positions. `--dump-config` prints them after
//! inheritance.

use std::fmt;

use crate::config::schema::{Block, BlockDirective, Directive};
use crate::config::syntax::Span;

/// One directive.
#[derive(Clone)]
pub struct Line {
    /// The directive.
    pub directive: &'static Directive,
    /// Its arguments; names of files are absolute.
    pub words: Vec<Box<[u8]>>,
    /// Where it is written.
    pub span: Span,
}

/// Prints the name and the position: arguments may be private keys (`data:`).
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} at {})", self.directive.name, self.span)
    }
}

/// The directives of one block, without those of inner blocks.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The directive that opens the block; the file itself has none.
    pub opened: Option<Span>,
    /// The directives.
    pub lines: Vec<Line>,
}

impl Lines {
    /// The lines of one directive, in order.
    pub fn of<'a>(&'a self, directive: &'a Directive) -> impl Iterator<Item = &'a Line> {
        self.lines
            .iter()
            .filter(|line| line.directive.name == directive.name)
    }
}

/// All blocks.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The file itself.
    pub main: Lines,
    /// `events {}`
    pub events: Lines,
    /// `mail {}`
    pub mail: Option<Lines>,
    /// The servers in it, in order.
    pub servers: Vec<Lines>,
    /// The groups in it, in order, with their names.
    pub upstreams: Vec<(Box<[u8]>, Lines)>,
    /// `http {}` and `stream {}`: their position only.
    pub foreign: Vec<(BlockDirective, Span)>,
}

impl Written {
    /// Records the beginning of a block with these arguments.
    pub fn open(&mut self, block: BlockDirective, args: &[Box<[u8]>], span: &Span) {
        let opened = Lines {
            opened: Some(span.clone()),
            lines: Vec::new(),
        };
        match block {
            BlockDirective::Events => self.events = opened,
            BlockDirective::Mail => self.mail = Some(opened),
            BlockDirective::Server => self.servers.push(opened),
            BlockDirective::Upstream => {
                let name = args.first().cloned().unwrap_or_default();
                self.upstreams.push((name, opened));
            }
            BlockDirective::Http | BlockDirective::Stream => {
                self.foreign.push((block, span.clone()));
            }
        }
    }

    /// Records a directive of the innermost block.
    pub fn push(&mut self, block: Block, line: Line) {
        let lines = match block {
            Block::Main => Some(&mut self.main),
            Block::Events => Some(&mut self.events),
            Block::Mail => self.mail.as_mut(),
            Block::Server => self.servers.last_mut(),
            Block::Upstream => self.upstreams.last_mut().map(|(_, lines)| lines),
            Block::Foreign(_) | Block::Skipped => None,
        };
        if let Some(lines) = lines {
            lines.lines.push(line);
        }
    }
}
