//! The walk over the statements, in nginx's order: look up, context, terminator, number of arguments, value. Its sentences are
//! nginx's. Includes and blocks go onto a stack of our own, so no depth costs any of the machine's.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::files::{Readers, Unread};
use super::frames::{Begun, Seen};
use super::hint::about_value;
use super::mail_block::MailBlock;
use super::messages::{check_form, misplaced, refusal};
use super::record::{Journal, Line};
use super::report::{Report, Stop};
use super::tainted::Doubt;
use crate::base::{Errno, Level};
use crate::config::schema::arguments::{Call, Folders, Refusal, full_name};
use crate::config::schema::block::Block;
use crate::config::schema::modules::MainScope;
use crate::config::schema::row::Arity;
use crate::config::schema::table;
use crate::config::schema::table::Entry;
use crate::config::schema::values::sentence;
use crate::config::syntax::parser::{Behind, Ending, Fault, Next, Statement};
use crate::config::syntax::source::Span;
use crate::config::{Diagnostic, Options, World};

/// The walk and what it has filled.
#[expect(
    missing_debug_implementations,
    reason = "holds a trait object and a closure"
)]
pub struct Walk<'a> {
    world: &'a dyn World,
    /// What is found.
    pub report: Report<'a>,
    folders: Folders,
    begun: Vec<Begun>,
    /// What went wrong outside the servers.
    pub doubt: Doubt,
    /// Whether a block was passed over. Its `{` may have been meant to be a `;`.
    passed: bool,
    /// The texts, and what `-T` prints.
    pub readers: Readers,
    /// Main and events.
    pub main: MainScope,
    /// `mail {}`
    pub mail: MailBlock,
    /// Which blocks there have been.
    pub seen: Seen,
    /// The files of all `error_log` lines.
    pub log_files: Vec<PathBuf>,
    /// All that was applied.
    pub journal: Journal,
}

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    pub fn new(world: &'a dyn World, options: &Options, report: Report<'a>) -> Self {
        let config = options.file.parent().map(PathBuf::from).unwrap_or_default();
        Self {
            world,
            report,
            folders: Folders {
                prefix: options.prefix.clone(),
                config,
            },
            begun: Vec::new(),
            doubt: Doubt::default(),
            passed: false,
            readers: Readers::default(),
            main: MainScope::default(),
            mail: MailBlock::default(),
            seen: Seen::default(),
            log_files: Vec::new(),
            journal: Journal::default(),
        }
    }

    /// Walks over the text of `-g`, then over the main file and all it includes.
    ///
    /// # Errors
    /// There is something wrong behind which nothing is looked at.
    pub fn run(&mut self, options: &Options) -> Result<(), Stop> {
        if let Some(text) = &options.globals {
            self.readers.enter_text("command line", text.clone());
            self.begun.push(Begun::Globals);
            self.go_on()?;
        }
        let entered = self.readers.enter_file(self.world, &options.file, None);
        entered.map_err(|why| self.report.last(why.into()))?;
        self.begun.push(Begun::File(Block::Main));
        self.go_on()
    }

    fn go_on(&mut self) -> Result<(), Stop> {
        loop {
            let block = match self.begun.last_mut() {
                None => return Ok(()),
                Some(Begun::Files(block, files, span)) => {
                    let (block, file, span) = (*block, files.pop_front(), span.clone());
                    match file {
                        Some(file) => self.enter(block, &file, &span)?,
                        None => {
                            self.begun.pop();
                        }
                    }
                    continue;
                }
                Some(Begun::Globals) => Block::Main,
                Some(Begun::File(block) | Begun::Block(block)) => *block,
            };
            let Some(reader) = self.readers.current() else {
                return Ok(());
            };
            match reader.read() {
                Err(fault) => self.broken(block, fault)?,
                Ok(Next::Directive(statement)) => self.directive(block, &statement)?,
                Ok(Next::Close) => self.close(block)?,
                Ok(Next::End) => match self.begun.pop() {
                    Some(Begun::Block(_)) if self.passed => return Err(Stop),
                    Some(Begun::Block(_)) => {
                        let fault = self.here("unexpected end of file, expecting \"}\"");
                        return Err(self.report.last(fault));
                    }
                    _ => self.readers.leave(),
                },
            }
        }
    }

    /// What is no statement. Most of it leaves nobody knowing which block the rest belongs to.
    fn broken(&mut self, block: Block, fault: Fault) -> Result<(), Stop> {
        let span = self.readers.current().map_or_else(Span::nowhere, |reader| {
            reader.place_at(fault.line, fault.span)
        });
        self.report
            .fault(Diagnostic::new(Level::Emerg, fault.message, &span))?;
        match fault.behind {
            Behind::Nothing => Err(Stop),
            Behind::NextStatement => Ok(()),
            Behind::Close => {
                self.doubt_of(block).everything();
                self.close(block)
            }
        }
    }

    /// A message about the token that was read last.
    fn here(&mut self, message: &str) -> Diagnostic {
        let span = self.last_place();
        Diagnostic::new(Level::Emerg, message, &span)
    }

    fn last_place(&mut self) -> Span {
        self.readers
            .current()
            .map_or_else(Span::nowhere, |reader| reader.span(reader.last_span()))
    }

    fn close(&mut self, block: Block) -> Result<(), Stop> {
        if !matches!(self.begun.last(), Some(Begun::Block(_))) {
            let fault = self.here("unexpected \"}\"");
            return Err(self.report.last(fault));
        }
        self.begun.pop();
        match block {
            Block::Server => self.mail.close_server(&self.doubt, &mut self.report),
            Block::Mail => {
                let span = self.last_place();
                self.mail
                    .close(self.world, &span, &self.doubt, &mut self.report)
            }
            _ => Ok(()),
        }
    }

    fn directive(&mut self, block: Block, statement: &Statement) -> Result<(), Stop> {
        if block == Block::Skipped {
            if statement.ending == Ending::Open {
                self.begun.push(Begun::Block(Block::Skipped));
            }
            return Ok(());
        }
        match self.apply(block, statement) {
            Ok(()) => Ok(()),
            Err(Unread::Circle(fault)) => Err(self.report.last(fault)),
            Err(Unread::Failed(fault)) => {
                self.report.fault(fault)?;
                self.pass(block, statement)
            }
        }
    }

    /// Passes over a directive that is wrong: what is in its braces is not looked at, and nothing is said that only follows.
    fn pass(&mut self, block: Block, statement: &Statement) -> Result<(), Stop> {
        let name = &*statement.words[0];
        self.doubt_of(block).words(block, &statement.words);
        if name == b"include" {
            self.doubt_of(block).everything();
        }
        match statement.ending {
            // What belongs into the block follows without it.
            Ending::Semicolon if block.opened_by(name).is_some() => Err(Stop),
            Ending::Open if matches!(self.begun.last(), Some(Begun::Globals)) => Err(Stop),
            Ending::Open => {
                self.passed = true;
                self.begun.push(Begun::Block(Block::Skipped));
                Ok(())
            }
            Ending::Semicolon | Ending::Lua => Ok(()),
        }
    }

    fn doubt_of(&mut self, block: Block) -> &mut Doubt {
        match self.mail.last_doubt() {
            Some(doubt) if block == Block::Server => doubt,
            _ => &mut self.doubt,
        }
    }

    fn apply(&mut self, block: Block, statement: &Statement) -> Result<(), Unread> {
        let [name, args @ ..] = statement.words.as_slice() else {
            return Ok(());
        };
        let span = statement.spans.first().copied().unwrap_or_default();
        let span = self.readers.current().map_or_else(Span::nowhere, |reader| {
            reader.place_at(statement.line, span)
        });
        if matches!(self.begun.last(), Some(Begun::Globals))
            && statement.ending != Ending::Semicolon
        {
            let message = "block directives are not supported in -g option";
            return Err(Diagnostic::new(Level::Emerg, message, &span).into());
        }
        if **name == *b"include"
            && (block != Block::Foreign || statement.ending == Ending::Semicolon)
        {
            check_form(statement, false, Arity::exactly(1), &span)?;
            return self.include(block, &args[0], &span);
        }
        if block == Block::Foreign {
            if statement.ending == Ending::Open {
                self.begun.push(Begun::Block(Block::Foreign));
            }
            return Ok(());
        }
        if let Some(inner) = block.opened_by(name) {
            check_form(statement, true, Arity::exactly(0), &span)?;
            return Ok(self.open(inner, name, &span)?);
        }
        let text = String::from_utf8_lossy(name);
        let fits = |entry: &&Entry| {
            block
                .contexts()
                .is_some_and(|here| entry.directive().contexts.meets(here))
        };
        let Some(entry) = table::find(&text).iter().find(fits) else {
            return Err(misplaced(&text, name, block, &span).into());
        };
        check_form(statement, false, entry.directive().arity, &span)?;
        Ok(self.set(block, *entry, statement, span)?)
    }

    fn open(&mut self, inner: Block, name: &[u8], span: &Span) -> Result<(), Diagnostic> {
        let before = match name {
            b"events" => &mut self.seen.events,
            b"mail" => &mut self.seen.mail,
            b"http" => &mut self.seen.http,
            b"stream" => &mut self.seen.stream,
            _ => &mut false,
        };
        if std::mem::replace(before, true) {
            let message = sentence(&[b"\"", name, b"\" directive is duplicate"]);
            return Err(Diagnostic::new(Level::Emerg, message, span));
        }
        match inner {
            Block::Server => self.mail.open_server(span),
            Block::Foreign => {
                let block = String::from_utf8_lossy(name);
                let message = format!("\"{block}\" is read over: nginx must go on serving it");
                self.report
                    .warn(Diagnostic::new(Level::Warn, message, span));
            }
            _ => {}
        }
        self.journal.open(inner, name, span);
        self.begun.push(Begun::Block(inner));
        Ok(())
    }

    fn set(
        &mut self,
        block: Block,
        entry: Entry,
        statement: &Statement,
        span: Span,
    ) -> Result<(), Diagnostic> {
        let row = entry.directive();
        if row.name == "load_module"
            && (self.seen.events || self.seen.mail || self.seen.http || self.seen.stream)
        {
            return Err(refusal(
                Refusal::Directive("is specified too late"),
                row.name,
                &span,
            ));
        }
        let mut call = Call {
            name: row.name,
            args: &statement.words[1..],
            span: &span,
            world: self.world,
            folders: &self.folders,
            notes: &mut |note| self.report.warn(note),
        };
        let differs = match entry {
            Entry::Main(row) => (row.set)(&mut self.main, &mut call),
            Entry::Mail(row) => self.mail.set(block == Block::Server, row, &mut call),
        };
        let differs = differs.map_err(|why| {
            let is_value = !matches!(why, Refusal::Directive("is duplicate"));
            let diagnostic = refusal(why, row.name, &span);
            match is_value {
                true => about_value(diagnostic, row),
                false => diagnostic,
            }
        })?;
        if row.name == "error_log" {
            self.note_log_file(&statement.words[1]);
        }
        if row.pending && differs {
            let message = format!("\"{}\" is not honoured yet", row.name);
            self.report
                .warn(Diagnostic::new(Level::Warn, message, &span));
        }
        let line = Line {
            name: row.name,
            words: (row.full)(&statement.words[1..], &self.folders),
            span,
        };
        self.journal.note(block, line);
        Ok(())
    }

    fn note_log_file(&mut self, name: &[u8]) {
        let elsewhere = name.is_empty()
            || name == b"stderr"
            || name.starts_with(b"syslog:")
            || name.starts_with(b"memory:");
        let path = full_name(&self.folders.prefix, name);
        if !elsewhere && !self.log_files.contains(&path) {
            self.log_files.push(path);
        }
    }

    fn include(&mut self, block: Block, name: &[u8], span: &Span) -> Result<(), Unread> {
        let path = full_name(&self.folders.config, name);
        let is_mask = path
            .as_os_str()
            .as_bytes()
            .iter()
            .any(|byte| matches!(byte, b'*' | b'?' | b'['));
        if !is_mask {
            self.readers.enter_file(self.world, &path, Some(span))?;
            self.begun.push(Begun::File(block));
            return Ok(());
        }
        let files = self.world.glob(&path).map_err(|error| {
            let mask = path.as_os_str().as_bytes();
            let errno = Errno(&error).to_string();
            let message = sentence(&[b"glob() \"", mask, b"\" failed", errno.as_bytes()]);
            Diagnostic::new(Level::Emerg, message, span)
        })?;
        self.begun
            .push(Begun::Files(block, files.into(), span.clone()));
        Ok(())
    }

    /// Starts on a file that a mask has found.
    fn enter(&mut self, block: Block, file: &Path, span: &Span) -> Result<(), Stop> {
        match self.readers.enter_file(self.world, file, Some(span)) {
            Ok(()) => {
                self.begun.push(Begun::File(block));
                Ok(())
            }
            Err(Unread::Circle(fault)) => Err(self.report.last(fault)),
            Err(Unread::Failed(fault)) => {
                self.doubt_of(block).everything();
                self.report.fault(fault)
            }
        }
    }
}
