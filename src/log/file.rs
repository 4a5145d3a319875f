//! One open log file. A reopen replaces the descriptor under all that share it.

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
    /// Opens for appending; the file is made when it is missing (mode 0644).
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = ArcSwap::from_pointee(append_to(path)?);
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the path anew: after a rotation the lines go to the new file. On failure the old one stays in use.
    pub(super) fn reopen(&self) -> io::Result<()> {
        self.file.store(Arc::new(append_to(&self.path)?));
        Ok(())
    }

    /// One write(2); with O_APPEND lines of several threads and processes do not mix. A full disk loses the line.
    pub(super) fn write(&self, line: &[u8]) {
        let _ = (&**self.file.load()).write(line);
    }

    /// The descriptor of now, for handing standard error over to it.
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
