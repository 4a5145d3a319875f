//! One use of a directive, as the reader of its value sees it, and how a reader says no.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use super::values::c_string;
use crate::base::Level;
use crate::config::Diagnostic;
use crate::config::model::world::World;
use crate::config::syntax::source::{Source, Span};

/// The folders that relative paths start from.
#[derive(Clone, Debug)]
pub struct Folders {
    /// `pid`, `error_log`, `lock_file`.
    pub prefix: PathBuf,
    /// Includes, certificates and keys: the folder of the main file.
    pub config: PathBuf,
}

/// Where defaults are read.
static NO_FOLDERS: LazyLock<Folders> = LazyLock::new(|| Folders {
    prefix: PathBuf::new(),
    config: PathBuf::new(),
});

/// The arguments of a directive and what its reader may use.
#[expect(
    missing_debug_implementations,
    reason = "holds a trait object and a closure"
)]
pub struct Call<'a> {
    /// The directive's name.
    pub name: &'a str,
    /// Its arguments, without the name.
    pub args: &'a [Box<[u8]>],
    /// Where it ends, and where its words are.
    pub span: &'a Span,
    /// The machine.
    pub world: &'a dyn World,
    /// Where relative paths start.
    pub folders: &'a Folders,
    /// Where warnings go.
    pub notes: &'a mut dyn FnMut(Diagnostic),
}

/// Why a directive is refused. The driver makes the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `"NAME" directive PREDICATE` and the place.
    Directive(&'static str),
    /// A sentence of its own, and the place.
    Says(Vec<u8>),
    /// A sentence of its own with nothing behind it, at this level.
    Bare(Level, Vec<u8>),
}

impl Refusal {
    /// A sentence of its own, and the place.
    #[must_use]
    pub fn says(message: impl Into<Vec<u8>>) -> Self {
        Self::Says(message.into())
    }
}

impl<'a> Call<'a> {
    /// A call of `name` with `args` where there is no file: defaults are read so.
    pub fn offline(
        name: &'a str,
        args: &'a [Box<[u8]>],
        span: &'a Span,
        world: &'a dyn World,
        notes: &'a mut dyn FnMut(Diagnostic),
    ) -> Self {
        Self {
            name,
            args,
            span,
            world,
            folders: &NO_FOLDERS,
            notes,
        }
    }

    /// Whether a default is being read.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        std::ptr::eq(self.folders, &*NO_FOLDERS)
    }

    /// The first argument; empty when there is none.
    #[must_use]
    pub fn first(&self) -> &'a [u8] {
        self.args.first().map_or(b"", |word| word)
    }

    /// Warns at the place of the directive.
    pub fn warn(&mut self, message: impl Into<Vec<u8>>) {
        (self.notes)(Diagnostic::new(Level::Warn, message, self.span));
    }
}

impl Span {
    /// The start of a text that is no file.
    #[must_use]
    pub fn nowhere() -> Self {
        static NOWHERE: LazyLock<Arc<Source>> =
            LazyLock::new(|| Arc::new(Source::of_text("default", Vec::new())));
        Self {
            source: Arc::clone(&NOWHERE),
            line: 1,
            start: 0,
            end: 0,
        }
    }
}

/// `name` seen from `folder`: absolute names stay as they are. Bytes are put together as nginx does, nothing is normalised.
/// As for every system call, a name ends at its first NUL.
#[must_use]
pub fn full_name(folder: &Path, name: &[u8]) -> PathBuf {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let name = c_string(name);
    if name.first() == Some(&b'/') {
        return PathBuf::from(OsString::from_vec(name.to_vec()));
    }
    let mut full = folder.as_os_str().as_bytes().to_vec();
    if !full.is_empty() && full.last() != Some(&b'/') {
        full.push(b'/');
    }
    full.extend_from_slice(name);
    PathBuf::from(OsString::from_vec(full))
}
