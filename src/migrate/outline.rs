//! The blocks of a configuration and the lines that a plan needs, read without the rules of any module: a file with faults has an
//! outline too.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Ending, Files, Item, Parser, Source, Span, Statement, absolute};

/// The largest number of files that are read: a file may include itself.
const MOST_FILES: usize = 4096;

/// A directive, as written.
#[derive(Clone)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its first argument; empty if there is none.
    pub value: String,
    /// Its place.
    pub span: Span,
}

/// A block of the main context.
pub struct TopBlock {
    /// `mail`, `http`, `stream`, …
    pub name: String,
    /// The directive that opens it.
    pub opened: Span,
    /// The line of its `}`, in the same file.
    pub end: usize,
    /// The number of its `server` blocks.
    pub servers: usize,
    /// The directives in it that a plan needs (`listen`, `auth_http`), at any depth.
    pub lines: Vec<Line>,
    /// The files that are included in it, in the order read.
    pub files: Vec<PathBuf>,
}

/// The outline of a configuration.
#[derive(Default)]
pub struct Outline {
    /// The blocks of the main context, in order.
    pub blocks: Vec<TopBlock>,
    /// The directives of the main context.
    pub main: Vec<Line>,
}

impl Outline {
    /// Reads a configuration. What cannot be read or parsed is left out: the test of the configuration reports it.
    pub fn read(files: &dyn Files, file: &Path) -> Self {
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        let mut reader = Reader {
            files,
            folder,
            outline: Self::default(),
            depth: 0,
            open: HashSet::new(),
            left: MOST_FILES,
        };
        reader.file(file);
        reader.outline
    }

    /// The blocks of this name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a TopBlock> {
        self.blocks.iter().filter(move |block| block.name == name)
    }

    /// The first argument of the last such directive of the main context.
    pub fn main_value(&self, name: &str) -> Option<&str> {
        let mut lines = self.main.iter().rev();
        let line = lines.find(|line| line.name == name);
        line.map(|line| line.value.as_str())
    }
}

struct Reader<'a> {
    files: &'a dyn Files,
    /// Where relative names of included files start.
    folder: PathBuf,
    outline: Outline,
    /// The number of open blocks.
    depth: usize,
    /// The files that are being read.
    open: HashSet<PathBuf>,
    /// How many more files may be read.
    left: usize,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path) {
        if self.left == 0 || !self.open.insert(path.to_owned()) {
            return;
        }
        self.left -= 1;
        if let Ok(bytes) = self.files.read_shared(path) {
            let source = Source {
                name: path.to_string_lossy().into(),
                path: Some(path.to_owned()),
                bytes,
                included: None,
            };
            let depth = self.depth;
            self.text(&mut Parser::new(Arc::new(source)));
            // A file whose braces do not match ends its own blocks only.
            self.depth = depth;
        }
        self.open.remove(path);
    }

    fn text(&mut self, parser: &mut Parser) {
        let outer = self.depth;
        loop {
            match parser.next_item() {
                Ok(Item::Statement(statement)) => self.statement(parser, &statement),
                Ok(Item::Close) if self.depth > outer => {
                    self.depth -= 1;
                    if self.depth == 0
                        && let Some(block) = self.outline.blocks.last_mut()
                    {
                        block.end = parser.last_span().line;
                    }
                }
                Ok(Item::Close | Item::End) | Err(_) => return,
            }
        }
    }

    fn statement(&mut self, parser: &Parser, statement: &Statement) {
        let [name, arguments @ ..] = statement.words.as_slice() else {
            return;
        };
        let first = arguments.first().map(|word| &**word).unwrap_or_default();
        let range = statement.spans.first().copied().unwrap_or_default();
        let span = parser.span(statement.line, range);
        match statement.ending {
            Ending::Open => self.begin(name, span),
            Ending::Semicolon if **name == *b"include" && arguments.len() == 1 => {
                self.include(first);
            }
            Ending::Semicolon => self.line(name, first, span),
            Ending::Lua => {}
        }
    }

    fn begin(&mut self, name: &[u8], opened: Span) {
        match self.outline.blocks.last_mut() {
            _ if self.depth == 0 => self.outline.blocks.push(TopBlock {
                name: lossy(name),
                end: opened.line,
                opened,
                servers: 0,
                lines: Vec::new(),
                files: Vec::new(),
            }),
            Some(block) if self.depth == 1 => block.servers += usize::from(name == b"server"),
            _ => {}
        }
        self.depth += 1;
    }

    fn line(&mut self, name: &[u8], value: &[u8], span: Span) {
        let line = Line {
            name: lossy(name),
            value: lossy(value),
            span,
        };
        match self.outline.blocks.last_mut() {
            _ if self.depth == 0 => self.outline.main.push(line),
            Some(block) if matches!(name, b"listen" | b"auth_http") => block.lines.push(line),
            _ => {}
        }
    }

    fn include(&mut self, name: &[u8]) {
        let path = absolute(&self.folder, name);
        let is_wildcard = |byte: &u8| matches!(byte, b'*' | b'?' | b'[');
        let found = match name.iter().any(is_wildcard) {
            true => self.files.glob(&path),
            false => vec![path],
        };
        for path in found {
            if self.depth > 0
                && let Some(block) = self.outline.blocks.last_mut()
                && !block.files.contains(&path)
            {
                block.files.push(path.clone());
            }
            self.file(&path);
        }
    }
}

fn lossy(word: &[u8]) -> String {
    OsStr::from_bytes(word).to_string_lossy().into_owned()
}
