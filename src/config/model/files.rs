//! Files that TLS needs: how the configuration names them, and their contents.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::Secret;

/// The pass phrases of a file, in the order written.
pub type PassPhrases = Secret<Vec<Box<[u8]>>>;

/// A file as a directive names it, or `data:` and the content itself.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// The word as written. After `data:` it is the content, which may be a private key.
    pub written: Box<[u8]>,
    /// Absolute; empty for `data:`.
    pub path: PathBuf,
}

impl NamedFile {
    /// The content, if the configuration itself contains it.
    pub fn inline(&self) -> Option<&[u8]> {
        self.written.strip_prefix(b"data:")
    }
}

/// Prints the path, never inline content.
impl fmt::Debug for NamedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inline() {
            Some(_) => f.write_str("NamedFile(data:***)"),
            None => f.debug_tuple("NamedFile").field(&self.path).finish(),
        }
    }
}

/// A file and its content, read when the configuration is loaded.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TlsFile {
    /// Its absolute path, for messages.
    pub path: PathBuf,
    /// Its content, shared by all servers that name it.
    pub bytes: Arc<[u8]>,
}

/// Prints the path, never the content, which may be a private key.
impl fmt::Debug for TlsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsFile").field(&self.path).finish()
    }
}
