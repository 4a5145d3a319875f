//! The walk over the statements, in nginx's order: look up, context, terminator, number of arguments, value. Its sentences are
//! nginx's. Includes and blocks go onto a stack of our own, so no depth costs any of the machine's.

use std::collections::VecDeque;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::block::Block;
use super::call::{Call, Folders, Refusal, full_name};
use super::directive::Arity;
use super::mail_block::MailBlock;
use super::modules::MainScope;
use super::modules::table::{self, Entry};
use super::reader::Readers;
use super::sentences::{check_form, misplaced, refusal};
use super::source::Place;
use super::statement::{Ending, Fault, Next, Statement};
use super::value::sentence;
use super::written::{Journal, Line};
use super::{Diagnostic, Errno, Level, Options, World};

/// What has been begun and not ended.
#[derive(Debug)]
enum Begun {
    /// The text of `-g`.
    Globals,
    /// A file.
    File(Block),
    /// A block.
    Block(Block),
    /// The files of a mask that are still to be read, and the `include`.
    Files(Block, VecDeque<PathBuf>, Place),
}

/// Which blocks there have been.
#[derive(Debug, Default)]
pub struct Seen {
    /// `events {}`
    pub events: bool,
    http: bool,
    stream: bool,
    mail: bool,
}

/// The walk and what it has filled.
#[expect(
    missing_debug_implementations,
    reason = "holds a trait object and a closure"
)]
pub struct Walk<'a> {
    world: &'a dyn World,
    notes: &'a mut dyn FnMut(Diagnostic),
    folders: Folders,
    begun: Vec<Begun>,
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
    pub fn new(
        world: &'a dyn World,
        options: &Options,
        notes: &'a mut dyn FnMut(Diagnostic),
    ) -> Self {
        let config = options.file.parent().map(PathBuf::from).unwrap_or_default();
        Self {
            world,
            notes,
            folders: Folders {
                prefix: options.prefix.clone(),
                config,
            },
            begun: Vec::new(),
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
    /// The first thing that is wrong.
    pub fn run(&mut self, options: &Options) -> Result<(), Diagnostic> {
        if let Some(text) = &options.globals {
            self.readers.enter_text("command line", text.clone());
            self.begun.push(Begun::Globals);
            self.go_on()?;
        }
        self.readers.enter_file(self.world, &options.file, None)?;
        self.begun.push(Begun::File(Block::Main));
        self.go_on()
    }

    fn go_on(&mut self) -> Result<(), Diagnostic> {
        loop {
            let block = match self.begun.last_mut() {
                None => return Ok(()),
                Some(Begun::Files(block, files, place)) => {
                    let (block, file, place) = (*block, files.pop_front(), place.clone());
                    match file {
                        Some(file) => {
                            self.readers.enter_file(self.world, &file, Some(&place))?;
                            self.begun.push(Begun::File(block));
                        }
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
                Err(fault) => return Err(self.fault(fault)),
                Ok(Next::Directive(statement)) => self.directive(block, &statement)?,
                Ok(Next::Close) => self.close(block)?,
                Ok(Next::End) => match self.begun.pop() {
                    Some(Begun::Block(_)) => {
                        return Err(self.here("unexpected end of file, expecting \"}\""));
                    }
                    _ => self.readers.leave(),
                },
            }
        }
    }

    fn fault(&mut self, fault: Fault) -> Diagnostic {
        let place = self
            .readers
            .current()
            .map_or_else(Place::nowhere, |reader| {
                reader.place_at(fault.line, fault.span)
            });
        Diagnostic::new(Level::Emerg, fault.message, &place)
    }

    /// A message about the token that was read last.
    fn here(&mut self, message: &str) -> Diagnostic {
        let place = self.last_place();
        Diagnostic::new(Level::Emerg, message, &place)
    }

    fn last_place(&mut self) -> Place {
        self.readers
            .current()
            .map_or_else(Place::nowhere, |reader| reader.place(reader.last_span()))
    }

    fn close(&mut self, block: Block) -> Result<(), Diagnostic> {
        if !matches!(self.begun.last(), Some(Begun::Block(_))) {
            return Err(self.here("unexpected \"}\""));
        }
        self.begun.pop();
        match block {
            Block::Server => self.mail.close_server(self.notes),
            Block::Mail => {
                let place = self.last_place();
                self.mail.close(self.world, &place)
            }
            _ => Ok(()),
        }
    }

    fn directive(&mut self, block: Block, statement: &Statement) -> Result<(), Diagnostic> {
        let [name, args @ ..] = statement.words.as_slice() else {
            return Ok(());
        };
        let span = statement.spans.first().copied().unwrap_or_default();
        let place = self
            .readers
            .current()
            .map_or_else(Place::nowhere, |reader| {
                reader.place_at(statement.line, span)
            });
        if matches!(self.begun.last(), Some(Begun::Globals))
            && statement.ending != Ending::Semicolon
        {
            return Err(Diagnostic::new(
                Level::Emerg,
                "block directives are not supported in -g option",
                &place,
            ));
        }
        if **name == *b"include"
            && (block != Block::Foreign || statement.ending == Ending::Semicolon)
        {
            check_form(statement, false, Arity::exactly(1), &place)?;
            return self.include(block, &args[0], &place);
        }
        if block == Block::Foreign {
            if statement.ending == Ending::Open {
                self.begun.push(Begun::Block(Block::Foreign));
            }
            return Ok(());
        }
        if let Some(inner) = block.opened_by(name) {
            check_form(statement, true, Arity::exactly(0), &place)?;
            return self.open(inner, name, &place);
        }
        let text = String::from_utf8_lossy(name);
        let fits = |entry: &&Entry| {
            block
                .contexts()
                .is_some_and(|here| entry.directive().contexts.meets(here))
        };
        let Some(entry) = table::find(&text).iter().find(fits) else {
            return Err(misplaced(&text, name, block, &place));
        };
        check_form(statement, false, entry.directive().arity, &place)?;
        self.set(block, *entry, statement, place)
    }

    fn open(&mut self, inner: Block, name: &[u8], place: &Place) -> Result<(), Diagnostic> {
        let before = match name {
            b"events" => &mut self.seen.events,
            b"mail" => &mut self.seen.mail,
            b"http" => &mut self.seen.http,
            b"stream" => &mut self.seen.stream,
            _ => &mut false,
        };
        if std::mem::replace(before, true) {
            let message = sentence(&[b"\"", name, b"\" directive is duplicate"]);
            return Err(Diagnostic::new(Level::Emerg, message, place));
        }
        match inner {
            Block::Server => self.mail.open_server(place),
            Block::Foreign => {
                let block = String::from_utf8_lossy(name);
                let message = format!("\"{block}\" is read over: nginx must go on serving it");
                (self.notes)(Diagnostic::new(Level::Warn, message, place));
            }
            _ => {}
        }
        self.journal.open(inner, name, place);
        self.begun.push(Begun::Block(inner));
        Ok(())
    }

    fn set(
        &mut self,
        block: Block,
        entry: Entry,
        statement: &Statement,
        place: Place,
    ) -> Result<(), Diagnostic> {
        let row = entry.directive();
        if row.name == "load_module"
            && (self.seen.events || self.seen.mail || self.seen.http || self.seen.stream)
        {
            return Err(refusal(
                Refusal::Directive("is specified too late"),
                row.name,
                &place,
            ));
        }
        let mut call = Call {
            name: row.name,
            args: &statement.words[1..],
            place: &place,
            world: self.world,
            folders: &self.folders,
            notes: self.notes,
        };
        let differs = match entry {
            Entry::Main(row) => (row.set)(&mut self.main, &mut call),
            Entry::Mail(row) => self.mail.set(block == Block::Server, row, &mut call),
        };
        let differs = differs.map_err(|why| refusal(why, row.name, &place))?;
        if row.name == "error_log" {
            self.note_log_file(&statement.words[1]);
        }
        if row.pending && differs {
            let message = format!("\"{}\" is not honoured yet", row.name);
            (self.notes)(Diagnostic::new(Level::Warn, message, &place));
        }
        let line = Line {
            name: row.name,
            words: (row.full)(&statement.words[1..], &self.folders),
            place,
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

    fn include(&mut self, block: Block, name: &[u8], place: &Place) -> Result<(), Diagnostic> {
        let path = full_name(&self.folders.config, name);
        let is_mask = path
            .as_os_str()
            .as_bytes()
            .iter()
            .any(|byte| matches!(byte, b'*' | b'?' | b'['));
        if !is_mask {
            self.readers.enter_file(self.world, &path, Some(place))?;
            self.begun.push(Begun::File(block));
            return Ok(());
        }
        let files = self.world.glob(&path).map_err(|error| {
            let mask = path.as_os_str().as_bytes();
            let message = sentence(&[
                b"glob() \"",
                mask,
                b"\" failed",
                Errno(&error).to_string().as_bytes(),
            ]);
            Diagnostic::new(Level::Emerg, message, place)
        })?;
        self.begun
            .push(Begun::Files(block, files.into(), place.clone()));
        Ok(())
    }
}
