//! The directives as they are written, block by block and in order, with their positions. `--dump-config` prints them after
//! inheritance.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::config::schema::{Block, BlockDirective, Directive};
use crate::config::syntax::{Span, quoted};

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

/// A `map` or `geo` block. Its lines are in its text.
#[derive(Clone)]
pub struct VariableLines {
    /// Which of the two.
    pub block: BlockDirective,
    /// Its arguments.
    pub words: Vec<Box<[u8]>>,
    /// Its name in its file.
    pub opened: Span,
    /// The bytes between its braces.
    pub body: (usize, usize),
    /// The arguments of `include` in it, by their bytes, and the absolute names.
    pub includes: Vec<((usize, usize), PathBuf)>,
}

impl fmt::Debug for VariableLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VariableLines({} at {})", self.block.name(), self.opened)
    }
}

impl VariableLines {
    /// The text between its braces, with absolute names of files.
    pub fn text(&self) -> Vec<u8> {
        let bytes = &self.opened.source.bytes;
        let (mut at, end) = self.body;
        let mut text = Vec::new();
        for ((start, after), path) in &self.includes {
            text.extend_from_slice(bytes.get(at..*start).unwrap_or_default());
            text.extend_from_slice(&quoted(path.as_os_str().as_bytes()));
            at = *after;
        }
        text.extend_from_slice(bytes.get(at..end).unwrap_or_default());
        text.trim_ascii_start().to_vec()
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
    /// The `match` blocks in it, in order, with their names.
    pub matches: Vec<(Box<[u8]>, Lines)>,
    /// `map` and `geo` blocks, in order.
    pub variables: Vec<VariableLines>,
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
            BlockDirective::Match => {
                let name = args.first().cloned().unwrap_or_default();
                self.matches.push((name, opened));
            }
            BlockDirective::Map | BlockDirective::Geo => {}
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
            Block::Match => self.matches.last_mut().map(|(_, lines)| lines),
            Block::Map | Block::Geo | Block::Foreign(_) | Block::Skipped => None,
        };
        if let Some(lines) = lines {
            lines.lines.push(line);
        }
    }
}
