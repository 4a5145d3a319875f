//! One open log file. A reopen replaces the descriptor for all lists that share the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: ArcSwap<File>,
}

impl LogFile {
    /// Opens a file for appending, and creates it if it is missing (mode 0644).
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::new(path.to_owned(), append_to(path)?))
    }

    /// A file that is already open.
    pub(super) fn new(path: PathBuf, file: File) -> Self {
        let file = ArcSwap::from_pointee(file);
        Self { path, file }
    }

    /// Writes to another descriptor from now on.
    pub(super) fn replace(&self, file: File) {
        self.file.store(Arc::new(file));
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the path again: after a rotation the lines go to the new file. On failure the old file stays in use.
    pub(super) fn reopen(&self) -> io::Result<()> {
        self.replace(append_to(&self.path)?);
        Ok(())
    }

    /// Writes a line with one write(2), so that with O_APPEND the lines of several threads and processes do not mix. A line is lost if the
    /// disk is full.
    pub(super) fn write(&self, line: &[u8]) {
        let _ = (&**self.file.load()).write(line);
    }

    /// The current descriptor.
    pub(super) fn descriptor(&self) -> Arc<File> {
        self.file.load_full()
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .open(path)
}
