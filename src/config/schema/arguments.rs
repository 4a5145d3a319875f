//! The arguments of one directive, as the reader of its value receives them, and how a reader refuses them.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::variables::Variables;
use crate::base::Level;
use crate::config::model::{Files, Names, Nowhere};
use crate::config::syntax::{Diagnostic, Lint, Span, c_string};

/// The folders that relative paths start from.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// `pid`, `error_log`, `lock_file`.
    pub prefix: PathBuf,
    /// Includes, certificates and keys: the folder of the main file.
    pub config: PathBuf,
}

/// The arguments of a directive and what their reader may use.
#[expect(
    missing_debug_implementations,
    reason = "holds trait objects and a closure"
)]
pub struct Arguments<'a> {
    /// The directive's name.
    pub name: &'a str,
    /// The arguments, without the name. Their number fits the directive's arity.
    pub words: &'a [Box<[u8]>],
    /// The directive's name in its file.
    pub span: &'a Span,
    /// Where files are read.
    pub files: &'a dyn Files,
    /// Where names are looked up.
    pub names: &'a dyn Names,
    /// Where relative paths start.
    pub folders: &'a Folders,
    /// The variables that the configuration defines.
    pub variables: &'a Variables,
    /// Receives warnings.
    pub warnings: &'a mut dyn FnMut(Diagnostic),
    /// Whether they are a row's default, not a line of a file.
    pub is_default: bool,
}

/// Why a value is refused. The loader completes the sentence, and appends the position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// The end of `"NAME" directive PREDICATE`.
    Predicate(&'static str),
    /// A whole sentence.
    Message(Vec<u8>),
}

/// Refuses a value with a whole sentence, whose parts are strings or bytes.
macro_rules! refuse {
    ($($part:expr),+ $(,)?) => {
        $crate::config::schema::ValueError::Message($crate::config::syntax::message!($($part),+))
    };
}
pub(crate) use refuse;

/// The value of a directive, or why it is refused.
pub type Parsed<T> = Result<T, ValueError>;

impl ValueError {
    /// A second line where only one is allowed.
    pub const DUPLICATE: Self = Self::Predicate("is duplicate");
}

impl<'a> Arguments<'a> {
    /// Calls `read` with the words of a default, in a world without files and names.
    pub fn of_default<T>(text: &str, read: impl FnOnce(&mut Arguments<'_>) -> T) -> T {
        static NO_FOLDERS: LazyLock<Folders> = LazyLock::new(Folders::default);
        let words = text.split_ascii_whitespace();
        let words: Vec<Box<[u8]>> = words.map(|word| word.as_bytes().into()).collect();
        read(&mut Arguments {
            name: "default",
            words: &words,
            span: &Span::nowhere(),
            files: &Nowhere,
            names: &Nowhere,
            folders: &NO_FOLDERS,
            variables: &Variables::default(),
            warnings: &mut |_| (),
            is_default: true,
        })
    }

    /// The first argument.
    pub fn first(&self) -> &'a [u8] {
        self.words.first().map_or(b"", |word| word)
    }

    /// The arguments after the first.
    pub fn rest(&self) -> &'a [Box<[u8]>] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Warns, with the position of the directive.
    pub fn warn(&mut self, message: impl Into<Vec<u8>>) {
        (self.warnings)(Diagnostic::new(Level::Warn, message, self.span));
    }

    /// Warns like [`warn`](Self::warn), with a warning that nginx does not have.
    pub fn warn_named(&mut self, lint: Lint, message: impl Into<Vec<u8>>) {
        (self.warnings)(Diagnostic::new(Level::Warn, message, self.span).named(lint));
    }
}

/// The path of `name` seen from `folder`; absolute names are unchanged. Bytes are concatenated as in nginx, nothing is normalised.
/// As for every system call, a name ends at its first NUL.
pub fn absolute(folder: &Path, name: &[u8]) -> PathBuf {
    let name = c_string(name);
    let mut path = Vec::new();
    if name.first() != Some(&b'/') {
        path.extend_from_slice(folder.as_os_str().as_bytes());
        if !path.is_empty() && path.last() != Some(&b'/') {
            path.push(b'/');
        }
    }
    path.extend_from_slice(name);
    PathBuf::from(OsString::from_vec(path))
}

/// Like [`absolute`], for a word of a directive: an empty word names no file and stays empty.
pub fn absolute_word(folder: &Path, name: &[u8]) -> Box<[u8]> {
    match name {
        b"" => Box::default(),
        name => absolute(folder, name).into_os_string().into_vec().into(),
    }
}
