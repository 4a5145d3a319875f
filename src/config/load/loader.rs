//! Reads statements and applies them one by one, in nginx's order, because scripts rely on which fault comes first.
//!
//! This file follows texts and blocks; `directive.rs` applies a statement, `include.rs` opens files.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use super::building::Building;
use super::files::OpenFiles;
use super::groups::Groups;
use super::hint::{self, Askew, Text};
use super::merge::merge;
use super::merged::MergedServer;
use super::messages::about_server;
use super::report::{Report, Stop};
use super::scopes::{Scopes, ServerLines};
use super::static_auth::lines::HttpLines;
use super::tainted::Tainted;
use super::written::Written;
use crate::base::Level;
use crate::config::model::{Options, World};
use crate::config::schema::modules::mail;
use crate::config::schema::{Block, BlockDirective, Folders, Variables};
use crate::config::syntax::{Diagnostic, Item, Resume, Span, SyntaxError};

/// A text or a block that has begun and not ended.
#[derive(Debug)]
pub enum Frame {
    /// The text of `-g`.
    CommandLine,
    /// A file, whose directives belong to a block.
    File(Block),
    /// A block, and the directive that opens it.
    Block(Block, Span),
    /// The files of a mask that are still to be read, and the `include`.
    Includes(Block, VecDeque<PathBuf>, Span),
}

/// A load in progress.
pub struct Loader<'a> {
    pub world: &'a dyn World,
    /// Warnings and faults.
    pub report: Report<'a>,
    pub folders: Folders,
    pub frames: Vec<Frame>,
    /// The directives outside the servers that a fault makes uncertain.
    pub tainted: Tainted,
    /// The first block whose `}` is not where its indentation says.
    pub askew: Option<Askew>,
    /// Whether a block was skipped because of a fault. Its `{` may have been meant to be a `;`.
    pub has_skipped: bool,
    /// The configuration files.
    pub files: OpenFiles,
    /// The values of all blocks.
    pub scopes: Scopes,
    /// The blocks that have been opened.
    pub opened: Vec<BlockDirective>,
    /// The servers, merged at the end of `mail {}`.
    pub servers: Vec<MergedServer>,
    /// The directives as written.
    pub written: Written,
    /// The lines of `http {}`.
    pub http: HttpLines,
    /// The variables that lines name and blocks define.
    pub variables: Variables,
    /// The `map` or `geo` block that is being read.
    pub building: Option<Building>,
    /// Whether a fault makes it uncertain which variables there are.
    pub tainted_variables: bool,
}

impl<'a> Loader<'a> {
    /// A load that has not begun.
    pub fn new(world: &'a dyn World, options: &Options, report: Report<'a>) -> Self {
        Self {
            world,
            report,
            folders: Folders {
                prefix: options.prefix.clone(),
                config: options.file.parent().map(PathBuf::from).unwrap_or_default(),
            },
            frames: Vec::new(),
            tainted: Tainted::default(),
            askew: None,
            has_skipped: false,
            files: OpenFiles::default(),
            scopes: Scopes::default(),
            opened: Vec::new(),
            servers: Vec::new(),
            written: Written::default(),
            http: HttpLines::default(),
            variables: Variables::default(),
            building: None,
            tainted_variables: false,
        }
    }

    /// Reads the text of `-g`, then the main file and all that it includes.
    pub fn run(&mut self, options: &Options) -> Result<(), Stop> {
        if let Some(text) = &options.globals {
            self.files.enter_text("command line", text.reveal().clone());
            self.frames.push(Frame::CommandLine);
            self.read_frames()?;
        }
        let entered = self.files.enter_file(self.world, &options.file, None);
        entered.map_err(|why| self.report.fatal(why.into()))?;
        self.frames.push(Frame::File(Block::Main));
        self.read_frames()
    }

    fn read_frames(&mut self) -> Result<(), Stop> {
        loop {
            let block = match self.frames.last_mut() {
                None => return Ok(()),
                Some(Frame::Includes(block, files, span)) => {
                    let (block, file, span) = (*block, files.pop_front(), span.clone());
                    match file {
                        Some(file) => self.include_next(block, &file, &span)?,
                        None => drop(self.frames.pop()),
                    }
                    continue;
                }
                Some(Frame::CommandLine) => Block::Main,
                Some(Frame::File(block) | Frame::Block(block, _)) => *block,
            };
            if matches!(block, Block::Map | Block::Geo) {
                self.plain_lines()?;
            }
            let Some(parser) = self.files.current() else {
                return Ok(());
            };
            match parser.next_item() {
                Err(error) => self.syntax_error(block, error)?,
                Ok(Item::Statement(statement)) => self.statement(block, &statement)?,
                Ok(Item::Close) => self.close(block)?,
                Ok(Item::End) => match self.frames.last() {
                    Some(Frame::Block(..)) if self.has_skipped => return Err(Stop),
                    Some(Frame::Block(..)) => return Err(self.unclosed()),
                    _ => {
                        self.frames.pop();
                        self.files.leave();
                    }
                },
            }
        }
    }

    fn syntax_error(&mut self, block: Block, error: SyntaxError) -> Result<(), Stop> {
        let span = self.span(error.line, error.span);
        let hints = syntax_hints(block, &error, &span);
        let fault = Diagnostic::new(Level::Emerg, error.message, &span);
        self.report
            .fault(hints.into_iter().fold(fault, Diagnostic::with_help))?;
        match error.resume {
            Resume::Never => Err(Stop),
            Resume::NextStatement => Ok(()),
            Resume::AfterBlock => {
                self.tainted(block).everything();
                self.close(block)
            }
        }
    }

    /// Reports a text that ends inside a block.
    fn unclosed(&mut self) -> Stop {
        let fault = "unexpected end of file, expecting \"}\"";
        let fault = Diagnostic::new(Level::Emerg, fault, &self.last_span());
        let blocks = self.blocks_of_file();
        let mut hints = hint::open_blocks(blocks.iter().map(|(_, opened)| opened));
        let here = self
            .files
            .current()
            .map(|parser| Arc::clone(&parser.source));
        let askew = self.askew.as_ref();
        let askew =
            askew.filter(|askew| here.is_some_and(|here| Arc::ptr_eq(&here, &askew.opened.source)));
        hints.extend(askew.map(Askew::hint));
        let fault = hints.into_iter().fold(fault, Diagnostic::with_help);
        self.report.fatal(fault)
    }

    /// The directive that opens the `http {}` or `stream {}` that is being skipped.
    pub fn foreign(&self) -> Option<&Span> {
        self.frames.iter().find_map(|frame| match frame {
            Frame::Block(Block::Foreign(_), opened) => Some(opened),
            _ => None,
        })
    }

    /// The open blocks of the current file, the innermost first.
    pub fn blocks_of_file(&self) -> Vec<(Block, Span)> {
        let frames = self.frames.iter().rev();
        let blocks = frames.map_while(|frame| match frame {
            Frame::Block(block, opened) => Some((*block, opened.clone())),
            Frame::CommandLine | Frame::File(_) | Frame::Includes(..) => None,
        });
        blocks.collect()
    }

    pub fn last_span(&mut self) -> Span {
        let parser = self.files.current();
        parser.map_or_else(Span::nowhere, |parser| parser.last_span())
    }

    /// A span in the current text.
    pub fn span(&mut self, line: usize, range: (usize, usize)) -> Span {
        let parser = self.files.current();
        parser.map_or_else(Span::nowhere, |parser| parser.span(line, range))
    }

    /// The uncertain directives of a block.
    pub fn tainted(&mut self, block: Block) -> &mut Tainted {
        match self.scopes.servers.last_mut() {
            Some(server) if block == Block::Server => &mut server.tainted,
            _ => &mut self.tainted,
        }
    }

    fn close(&mut self, block: Block) -> Result<(), Stop> {
        let closed = self.last_span();
        match self
            .frames
            .pop_if(|frame| matches!(frame, Frame::Block(..)))
        {
            Some(Frame::Block(_, opened)) => {
                self.askew = self
                    .askew
                    .take()
                    .or_else(|| hint::closed_askew(&opened, &closed));
            }
            _ => {
                let fault = Diagnostic::new(Level::Emerg, "unexpected \"}\"", &closed);
                let fault = fault.with_help("all blocks of this file are closed before this `}`");
                return Err(self.report.fatal(fault));
            }
        }
        match block {
            Block::Server => self.close_server(),
            Block::Upstream => self.close_upstream(&closed),
            Block::Mail => self.close_mail(),
            Block::Foreign(_) => {
                self.http.close();
                Ok(())
            }
            Block::Map | Block::Geo => {
                self.close_variable_block(&closed);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn close_server(&mut self) -> Result<(), Stop> {
        let Some(server) = self.scopes.servers.last() else {
            return Ok(());
        };
        let server = ServerLines::of(&self.scopes, &self.tainted, server);
        let listen = mail::directives::listen();
        if server.inner.mail.listen.is_none() && !server.is_tainted(listen) {
            let fault = about_server(server.span, "no \"listen\" is defined");
            self.report.fault(fault)?;
        }
        Ok(())
    }

    fn close_upstream(&mut self, closed: &Span) -> Result<(), Stop> {
        let group = self.scopes.groups.last();
        if group.is_some_and(|group| group.scope.upstream.server.is_none()) && !self.has_skipped {
            let fault = "no servers are inside upstream";
            let fault = Diagnostic::new(Level::Emerg, fault, closed);
            self.report.fault(fault)?;
        }
        Ok(())
    }

    fn close_mail(&mut self) -> Result<(), Stop> {
        self.resolve_variables()?;
        let end = self.last_span();
        let groups = Groups::resolve(self.world, &self.scopes, &mut self.report)?;
        let servers = self.scopes.servers.iter();
        let servers = servers.map(|server| ServerLines::of(&self.scopes, &self.tainted, server));
        let servers: Vec<ServerLines<'_>> = servers.collect();
        self.servers = merge(
            self.world,
            &self.scopes.mail,
            &servers,
            (&self.written, &end),
            groups,
            &mut self.report,
        )?;
        Ok(())
    }
}

/// The hints about a syntax error.
fn syntax_hints(block: Block, error: &SyntaxError, span: &Span) -> Vec<String> {
    let text = Text {
        bytes: &span.source.bytes,
        words: &error.words,
    };
    let is_file = span.source.path.is_some();
    let quote = || hint::unclosed_quote(text, error.span.0);
    let missing = match error.resume {
        Resume::AfterBlock => hint::unfinished(text, block, error.span.0),
        Resume::Never if is_file && error.message.starts_with(b"unexpected end") => {
            quote().or_else(|| hint::unfinished(text, block, span.source.bytes.len()))
        }
        Resume::Never => hint::long_quote(text),
        Resume::NextStatement => None,
    };
    missing
        .into_iter()
        .chain(hint::odd_characters(text))
        .collect()
}
