//! Temporary directories.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

/// A directory below the system's temporary directory; removed with all its contents when dropped.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Creates a directory with a unique name that contains `name`.
    ///
    /// # Panics
    /// When it cannot be created.
    pub fn new(name: &str) -> Self {
        Self::create(name).expect("a temporary directory")
    }

    /// As [`TempDir::new`].
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(name: &str) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("portcullis-{name}-{}-{next}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Keeps the directory instead of removing it.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // The system cleans up what cannot be removed.
        let _ = fs::remove_dir_all(&self.0);
    }
}
