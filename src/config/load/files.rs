//! Opening configuration files: which text is being read, which come next, who included whom.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Errno, Level};
use crate::config::Diagnostic;
use crate::config::model::world::World;
use crate::config::schema::values::sentence;
use crate::config::syntax::parser::Statements;
use crate::config::syntax::source::{Source, Span};

/// How often a file may be open at a time. A file that includes itself is read once more than nginx must to find what a
/// second reading brings up (duplicates); then it is what it is: no end.
const MOST_OPEN: usize = 2;

/// Why a file is not read.
#[derive(Debug)]
pub enum Unread {
    /// It cannot be.
    Failed(Diagnostic),
    /// It includes itself, or one of those that include it: to go on would be to go round.
    Circle(Diagnostic),
}

impl From<Diagnostic> for Unread {
    fn from(fault: Diagnostic) -> Self {
        Self::Failed(fault)
    }
}

impl From<Unread> for Diagnostic {
    fn from(why: Unread) -> Self {
        match why {
            Unread::Failed(fault) | Unread::Circle(fault) => fault,
        }
    }
}

/// The texts that are open, the innermost last.
#[derive(Debug, Default)]
pub struct Readers {
    open: Vec<Statements>,
    /// Every file once, in the order opened.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    seen: HashSet<PathBuf>,
    /// How often each file is open.
    times: HashMap<PathBuf, usize>,
}

impl Readers {
    /// The text that is being read.
    pub fn current(&mut self) -> Option<&mut Statements> {
        self.open.last_mut()
    }

    /// Reads on where the file was included.
    pub fn leave(&mut self) {
        let left = self.open.pop().and_then(|open| open.source.path.clone());
        if let Some(times) = left.and_then(|path| self.times.get_mut(&path)) {
            *times -= 1;
        }
    }

    /// Starts on a text that is no file.
    pub fn enter_text(&mut self, name: &str, text: Vec<u8>) {
        self.open
            .push(Statements::new(Arc::new(Source::of_text(name, text))));
    }

    /// Starts on a file. `place` is where it is included; the main file is not.
    ///
    /// # Errors
    /// It cannot be opened or read.
    pub fn enter_file(
        &mut self,
        world: &dyn World,
        path: &Path,
        span: Option<&Span>,
    ) -> Result<(), Unread> {
        let again = self.times.get(path).copied().unwrap_or(0);
        if again >= MOST_OPEN {
            let message = format!("includes go round: {}", self.chain(path));
            let fault = match span {
                Some(span) => Diagnostic::new(Level::Emerg, message, span),
                None => Diagnostic::bare(Level::Emerg, message),
            };
            return Err(Unread::Circle(fault));
        }
        let bytes = world
            .read(path)
            .map_err(|error| refused(path, &error, span))?;
        if self.seen.insert(path.to_owned()) {
            self.files.push((path.to_owned(), bytes.clone()));
        }
        let source = Source {
            name: path.to_string_lossy().into(),
            path: Some(path.to_owned()),
            bytes,
            included: span.map(|span| Box::new(span.clone())),
        };
        self.open.push(Statements::new(Arc::new(source)));
        *self.times.entry(path.to_owned()).or_default() += 1;
        Ok(())
    }

    /// `a includes b includes a`
    fn chain(&self, path: &Path) -> String {
        let is_it = |open: &Statements| open.source.path.as_deref() == Some(path);
        let from = self.open.iter().rposition(is_it).unwrap_or(0);
        let around = self.open[from..]
            .iter()
            .map(|open| open.source.name.to_string());
        let chain: Vec<String> = around.chain([path.display().to_string()]).collect();
        match chain.as_slice() {
            [one, _] => format!("\"{one}\" includes itself"),
            _ => format!("\"{}\"", chain.join("\" includes \"")),
        }
    }
}

fn refused(path: &Path, error: &io::Error, span: Option<&Span>) -> Diagnostic {
    let name = path.as_os_str().as_bytes();
    let failed = |call: &[u8]| {
        sentence(&[
            call,
            b" \"",
            name,
            b"\" failed",
            Errno(error).to_string().as_bytes(),
        ])
    };
    if error.kind() == io::ErrorKind::IsADirectory {
        // It can be opened, not read.
        return Diagnostic::bare(Level::Crit, failed(b"pread()"));
    }
    match span {
        Some(span) => Diagnostic::new(Level::Emerg, failed(b"open()"), span),
        None => Diagnostic::bare(Level::Emerg, failed(b"open()")),
    }
}
