//! The directives as they were written, block by block and in order, with their places: what `--dump-config` prints, once
//! inheritance is worked out. Nothing is judged here.

use crate::config::schema::block::Block;
use crate::config::syntax::source::Span;

/// One directive.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// Its arguments; names of files are full.
    pub words: Vec<Box<[u8]>>,
    /// Where it stands.
    pub span: Span,
}

/// One block and its directives, inner blocks left out.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Its name and `{`; the file itself has none.
    pub open: Option<(&'static str, Span)>,
    /// What is in it.
    pub lines: Vec<Line>,
}

impl Written {
    /// The lines of one directive, in order.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.name == name)
    }
}

/// All blocks.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The file itself.
    pub main: Written,
    /// `events {}`
    pub events: Option<Written>,
    /// `mail {}`
    pub mail: Option<Written>,
    /// The servers in it, in order.
    pub servers: Vec<Written>,
    /// `http {}` and `stream {}`, of which nothing is kept but where they are.
    pub foreign: Vec<Written>,
}

impl Journal {
    /// `name {`
    pub fn open(&mut self, block: Block, name: &[u8], span: &Span) {
        let opened = |name| Written {
            open: Some((name, span.clone())),
            lines: Vec::new(),
        };
        match (block, name) {
            (Block::Events, _) => self.events = Some(opened("events")),
            (Block::Mail, _) => self.mail = Some(opened("mail")),
            (Block::Server, _) => self.servers.push(opened("server")),
            (_, b"http") => self.foreign.push(opened("http")),
            (_, b"stream") => self.foreign.push(opened("stream")),
            _ => {}
        }
    }

    /// A directive in the innermost block.
    pub fn note(&mut self, block: Block, line: Line) {
        let written = match block {
            Block::Main => Some(&mut self.main),
            Block::Events => self.events.as_mut(),
            Block::Mail => self.mail.as_mut(),
            Block::Server => self.servers.last_mut(),
            Block::Foreign | Block::Skipped => None,
        };
        if let Some(written) = written {
            written.lines.push(line);
        }
    }
}
