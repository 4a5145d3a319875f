//! The configuration files that are open: which is being read, which are read before, and which includes which.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Errno, Level};
use crate::config::model::Files;
use crate::config::syntax::{Diagnostic, Parser, Source, Span, message};

/// How often a file may be open at a time. A file that includes itself is read a second time, since nginx finds the faults of a
/// second reading (duplicates) before it runs out of descriptors.
const MOST_OPEN: usize = 2;

/// Why a file is not read.
#[derive(Debug)]
pub enum IncludeError {
    /// Opening or reading fails.
    Failed(Diagnostic),
    /// It includes itself, directly or not: loading must end.
    Cycle(Diagnostic),
}

impl From<Diagnostic> for IncludeError {
    fn from(fault: Diagnostic) -> Self {
        Self::Failed(fault)
    }
}

impl From<IncludeError> for Diagnostic {
    fn from(why: IncludeError) -> Self {
        match why {
            IncludeError::Failed(fault) | IncludeError::Cycle(fault) => fault,
        }
    }
}

/// The open texts, the innermost last.
#[derive(Debug, Default)]
pub struct OpenFiles {
    open: Vec<Parser>,
    /// Every file once, in the order opened.
    pub read: Vec<(PathBuf, Arc<Vec<u8>>)>,
    seen: HashSet<PathBuf>,
    /// How often each file is open.
    times: HashMap<PathBuf, usize>,
}

impl OpenFiles {
    /// The text that is being read.
    pub fn current(&mut self) -> Option<&mut Parser> {
        self.open.last_mut()
    }

    /// Ends the current text: the one that includes it continues.
    pub fn leave(&mut self) {
        let left = self.open.pop().and_then(|open| open.source.path.clone());
        if let Some(times) = left.and_then(|path| self.times.get_mut(&path)) {
            *times -= 1;
        }
    }

    /// Begins a text that is not a file.
    pub fn enter_text(&mut self, name: &str, text: Vec<u8>) {
        let source = Source::of_text(name, text);
        self.open.push(Parser::new(Arc::new(source)));
    }

    /// Begins a file. `include` is the directive that names it; the main file has none.
    ///
    /// # Errors
    /// It cannot be read, or it is open too often.
    pub fn enter_file(
        &mut self,
        files: &dyn Files,
        path: &Path,
        include: Option<&Span>,
    ) -> Result<(), IncludeError> {
        let times = self.times.get(path).copied().unwrap_or(0);
        if times >= MOST_OPEN {
            let message = format!("includes go round: {}", self.chain(path));
            return Err(IncludeError::Cycle(fault(message.into(), include)));
        }
        let bytes = files
            .read_shared(path)
            .map_err(|error| unreadable(path, &error, include))?;
        if self.seen.insert(path.to_owned()) {
            self.read.push((path.to_owned(), Arc::clone(&bytes)));
        }
        let source = Source {
            name: path.to_string_lossy().into(),
            path: Some(path.to_owned()),
            bytes,
            included: include.map(|include| Box::new(include.clone())),
        };
        self.open.push(Parser::new(Arc::new(source)));
        self.times.insert(path.to_owned(), times + 1);
        Ok(())
    }

    /// `"a" includes "b" includes "a"`
    fn chain(&self, path: &Path) -> String {
        let is_it = |open: &Parser| open.source.path.as_deref() == Some(path);
        let from = self.open.iter().rposition(is_it).unwrap_or(0);
        let names = self.open[from..].iter();
        let names = names.map(|open| open.source.name.to_string());
        let chain: Vec<String> = names.chain([path.display().to_string()]).collect();
        match chain.as_slice() {
            [one, _] => format!("\"{one}\" includes itself"),
            _ => format!("\"{}\"", chain.join("\" includes \"")),
        }
    }
}

fn fault(message: Vec<u8>, include: Option<&Span>) -> Diagnostic {
    match include {
        Some(span) => Diagnostic::new(Level::Emerg, message, span),
        None => Diagnostic::bare(Level::Emerg, message),
    }
}

fn unreadable(path: &Path, error: &io::Error, include: Option<&Span>) -> Diagnostic {
    let name = path.as_os_str().as_bytes();
    let errno = Errno(error).to_string();
    if let io::ErrorKind::IsADirectory | io::ErrorKind::NotSeekable = error.kind() {
        // A folder or a terminal can be opened, not read.
        let message = message!("pread() \"", name, "\" failed", errno);
        return Diagnostic::bare(Level::Crit, message);
    }
    fault(message!("open() \"", name, "\" failed", errno), include)
}
