//! Applies one statement: finds its directive in the block, checks its form, stores its value, or opens its block.

use super::files::IncludeError;
use super::hint::{self, Text, about_value};
use super::loader::{Frame, Loader};
use super::messages::{check_form, misplaced, refused};
use super::report::Stop;
use super::scopes::{GroupBlock, MatchBlock, ServerBlock};
use super::suspect;
use super::written::{Line, VariableLines};
use crate::base::Level;
use crate::config::schema::table::{self, Entry};
use crate::config::schema::{Arguments, Arity, Block, BlockDirective, Effect, ValueError};
use crate::config::syntax::{Diagnostic, Ending, Lint, Span, Statement, message};

/// `include` has neither a value nor a block.
const INCLUDE: &[u8] = b"include";

impl Loader<'_> {
    /// Applies a statement of a block.
    pub fn statement(&mut self, block: Block, statement: &Statement) -> Result<(), Stop> {
        if block == Block::Skipped {
            if statement.ending == Ending::Open {
                let opened = self.name_of(statement);
                self.frames.push(Frame::Block(Block::Skipped, opened));
            }
            return Ok(());
        }
        match self.apply(block, statement) {
            Ok(()) => {
                self.warn_of_suspect(block, statement);
                Ok(())
            }
            Err(IncludeError::Cycle(fault)) => Err(self.report.fatal(fault)),
            Err(IncludeError::Failed(fault)) => {
                let fault = self.explained(fault, block, statement);
                self.report.fault(fault)?;
                self.skip(block, statement)
            }
        }
    }

    /// Warns about an accepted line that probably means something else.
    fn warn_of_suspect(&mut self, block: Block, statement: &Statement) {
        let is_include = *statement.words[0] == *INCLUDE;
        if statement.ending != Ending::Semicolon || block.contexts().is_none() || is_include {
            return;
        }
        let span = self.name_of(statement);
        let name = String::from_utf8_lossy(&statement.words[0]);
        for warning in suspect::warnings(block, statement, &span) {
            self.report.warn_once(&name, warning);
        }
    }

    /// Adds hints to a fault of a statement.
    fn explained(&mut self, fault: Diagnostic, block: Block, statement: &Statement) -> Diagnostic {
        if matches!(block, Block::Map | Block::Geo) {
            return fault;
        }
        let name = String::from_utf8_lossy(&statement.words[0]);
        let is_allowed = |entry: &&Entry| block.allows(entry.directive().contexts);
        let entry = table::find(&name).iter().find(is_allowed);
        let source = self.name_of(statement).source;
        let text = Text {
            bytes: &source.bytes,
            words: &statement.spans,
        };
        let fault = match block.knows(&name) || *name.as_bytes() == *INCLUDE {
            true => fault,
            false => {
                let blocks = self.blocks_of_file();
                let hints = hint::misplaced(&name, block, &blocks, self.foreign());
                hints.into_iter().fold(fault, Diagnostic::with_help)
            }
        };
        hint::about_statement(
            fault,
            block,
            text,
            entry.map(|entry| entry.directive().arity),
        )
    }

    /// The name of a directive in the current text.
    fn name_of(&mut self, statement: &Statement) -> Span {
        let range = statement.spans.first().copied().unwrap_or_default();
        self.span(statement.line, range)
    }

    /// Skips a faulty statement with its block, and taints the directives that it may have been meant to set.
    fn skip(&mut self, block: Block, statement: &Statement) -> Result<(), Stop> {
        let name = &*statement.words[0];
        self.tainted(block).line(block, &statement.words);
        self.tainted_variables |= matches!(name, b"map" | b"geo") || name == INCLUDE;
        if name == INCLUDE {
            self.tainted(block).everything();
        }
        match statement.ending {
            // The directives of the block follow outside of it.
            Ending::Semicolon if block.opened_by(name).is_some() => Err(Stop),
            Ending::Open if self.is_command_line() => Err(Stop),
            Ending::Open => {
                self.has_skipped = true;
                let opened = self.name_of(statement);
                self.frames.push(Frame::Block(Block::Skipped, opened));
                Ok(())
            }
            Ending::Semicolon | Ending::Lua => Ok(()),
        }
    }

    fn is_command_line(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::CommandLine))
    }

    fn apply(&mut self, block: Block, statement: &Statement) -> Result<(), IncludeError> {
        let [name, args @ ..] = statement.words.as_slice() else {
            return Ok(());
        };
        let span = self.name_of(statement);
        if self.is_command_line() && statement.ending != Ending::Semicolon {
            let message = "block directives are not supported in -g option";
            return Err(Diagnostic::new(Level::Emerg, message, &span).into());
        }
        let is_foreign = matches!(block, Block::Foreign(_));
        if matches!(block, Block::Map | Block::Geo) {
            return self.line(block, statement, &span);
        }
        if **name == *INCLUDE && (!is_foreign || statement.ending == Ending::Semicolon) {
            check_form(statement, false, Arity::exactly(1), &span)?;
            return self.include(block, &args[0], &span);
        }
        if let Block::Foreign(foreign) = block {
            if foreign.refuses(&String::from_utf8_lossy(name)) {
                let message = message!("\"", name, "\" directive is not allowed here");
                return Err(Diagnostic::new(Level::Emerg, message, &span).into());
            }
            self.http.push(statement, &span);
            if statement.ending == Ending::Open {
                let inner = Block::Foreign(foreign.opened_by(name));
                self.frames.push(Frame::Block(inner, span));
            }
            return Ok(());
        }
        if let Some(inner) = block.opened_by(name) {
            check_form(statement, true, inner.arity(), &span)?;
            match inner {
                BlockDirective::Map => self.open_map(args, &span)?,
                BlockDirective::Geo => self.open_geo(args, &span)?,
                _ => {}
            }
            self.open(inner, args, &span)?;
            if matches!(inner, BlockDirective::Map | BlockDirective::Geo) {
                let start = self.last_span().end;
                self.written.variables.push(VariableLines {
                    block: inner,
                    words: args.to_vec(),
                    opened: span,
                    body: (start, start),
                    includes: Vec::new(),
                });
            }
            return Ok(());
        }
        let text = String::from_utf8_lossy(name);
        let is_allowed = |entry: &&Entry| block.allows(entry.directive().contexts);
        let Some(entry) = table::find(&text).iter().find(is_allowed) else {
            return Err(misplaced(&text, name, &span).into());
        };
        check_form(statement, false, entry.directive().arity, &span)?;
        Ok(self.set(block, *entry, args, span)?)
    }

    fn open(
        &mut self,
        block: BlockDirective,
        args: &[Box<[u8]>],
        span: &Span,
    ) -> Result<(), Diagnostic> {
        let name = block.name();
        if !block.is_repeated() && self.opened.contains(&block) {
            let message = message!("\"", name, "\" directive is duplicate");
            return Err(Diagnostic::new(Level::Emerg, message, span));
        }
        self.opened.push(block);
        match block.opens() {
            Block::Server => self.scopes.servers.push(ServerBlock::new(span)),
            Block::Upstream => {
                let name = args.first().map_or(&b""[..], |name| name);
                let mut groups = self.scopes.groups.iter();
                if groups.any(|group| group.name.eq_ignore_ascii_case(name)) {
                    let message = message!("duplicate upstream \"", name, "\"");
                    return Err(Diagnostic::new(Level::Emerg, message, span));
                }
                self.scopes.groups.push(GroupBlock::new(name));
            }
            Block::Match => {
                let name = args.first().map_or(&b""[..], |name| name);
                let mut matches = self.scopes.matches.iter();
                if matches.any(|block| *block.name == *name) {
                    let message = message!("duplicate match \"", name, "\"");
                    return Err(Diagnostic::new(Level::Emerg, message, span));
                }
                self.scopes.matches.push(MatchBlock::new(name));
            }
            Block::Foreign(_) => {
                let message = format!(
                    "{name} block is not served by portcullis, nginx must go on serving it"
                );
                let warning = Diagnostic::new(Level::Warn, message, span);
                self.report.warn(warning.named(Lint::NotServed));
                if block == BlockDirective::Http {
                    self.http.begin(span);
                }
            }
            _ => {}
        }
        self.written.open(block, args, span);
        self.frames.push(Frame::Block(block.opens(), span.clone()));
        Ok(())
    }

    fn set(
        &mut self,
        block: Block,
        entry: Entry,
        words: &[Box<[u8]>],
        span: Span,
    ) -> Result<(), Diagnostic> {
        let directive = entry.directive();
        let name = directive.name;
        if directive.effect == Effect::PrecedesBlocks && !self.opened.is_empty() {
            let late = ValueError::Predicate("is specified too late");
            return Err(refused(late, name, &span));
        }
        let mut args = Arguments {
            name,
            words,
            span: &span,
            files: self.world,
            names: self.world,
            folders: &self.folders,
            variables: &self.variables,
            // nginx repeats its own warnings for each line; it does not have `ssl` any more.
            warnings: &mut |warning| match directive.effect {
                Effect::SwitchesTlsOn => self.report.warn_once(name, warning),
                _ if warning.lint.is_some() => self.report.warn_once(name, warning),
                _ => self.report.warn(warning),
            },
            is_default: false,
        };
        let set = self.scopes.set(block, entry, &mut args);
        set.map_err(|why| match why {
            ValueError::DUPLICATE => refused(why, name, &span),
            why => about_value(refused(why, name, &span), directive, words),
        })?;
        let line = Line {
            directive,
            words: (directive.make_absolute)(words, &self.folders),
            span,
        };
        self.written.push(block, line);
        Ok(())
    }
}
