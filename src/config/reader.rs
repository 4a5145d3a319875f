//! Opening configuration files: which text is being read, which come next, who included whom.

use std::collections::HashSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::source::{Place, Source};
use super::statement::Statements;
use super::value::sentence;
use super::world::World;
use super::{Diagnostic, Errno, Level};

/// How often a file may be open at a time. A file that includes itself is read once more than nginx must to find what a
/// second reading brings up (duplicates); then it is what it is: no end.
const MOST_OPEN: usize = 2;

/// The texts that are open, the innermost last.
#[derive(Debug, Default)]
pub struct Readers {
    open: Vec<Statements>,
    /// Every file once, in the order opened.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    seen: HashSet<PathBuf>,
}

impl Readers {
    /// The text that is being read.
    pub fn current(&mut self) -> Option<&mut Statements> {
        self.open.last_mut()
    }

    /// Reads on where the file was included.
    pub fn leave(&mut self) {
        self.open.pop();
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
        place: Option<&Place>,
    ) -> Result<(), Diagnostic> {
        let again = self
            .open
            .iter()
            .filter(|open| open.source.path.as_deref() == Some(path))
            .count();
        if again >= MOST_OPEN {
            let error = io::Error::from_raw_os_error(24);
            return Err(refused(path, &error, place).with_help(self.chain(path)));
        }
        let bytes = world
            .read(path)
            .map_err(|error| refused(path, &error, place))?;
        if self.seen.insert(path.to_owned()) {
            self.files.push((path.to_owned(), bytes.clone()));
        }
        let source = Source {
            name: path.to_string_lossy().into(),
            path: Some(path.to_owned()),
            bytes,
            included: place.map(|place| Box::new(place.clone())),
        };
        self.open.push(Statements::new(Arc::new(source)));
        Ok(())
    }

    /// `a includes b includes a`
    fn chain(&self, path: &Path) -> String {
        let names = self.open.iter().map(|open| open.source.name.to_string());
        let from = names.skip_while(|name| Path::new(name) != path);
        let mut chain: Vec<String> = from.collect();
        chain.dedup();
        chain.push(path.display().to_string());
        chain.dedup();
        match chain.as_slice() {
            [one] => format!("{one} includes itself"),
            _ => format!("a circle of includes: {}", chain.join(" -> ")),
        }
    }
}

fn refused(path: &Path, error: &io::Error, place: Option<&Place>) -> Diagnostic {
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
    match place {
        Some(place) => Diagnostic::new(Level::Emerg, failed(b"open()"), place),
        None => Diagnostic::bare(Level::Emerg, failed(b"open()")),
    }
}
