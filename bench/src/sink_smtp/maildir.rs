//! A Maildir: each message is written to `tmp/` and moved to `new/`, so that readers never see an incomplete one.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// An existing Maildir.
#[derive(Debug)]
pub struct Maildir {
    root: PathBuf,
    /// Makes the names of this process unique.
    delivered: AtomicU64,
}

impl Maildir {
    /// Creates the folder with `tmp`, `new` and `cur` if they are missing.
    pub fn create(root: &Path) -> io::Result<Self> {
        for part in ["tmp", "new", "cur"] {
            fs::create_dir_all(root.join(part))?;
        }
        Ok(Self {
            root: root.to_owned(),
            delivered: AtomicU64::new(0),
        })
    }

    /// Stores the message unchanged and returns its path in `new/`. Blocks until it is on disk.
    pub fn deliver(&self, message: &[u8]) -> io::Result<PathBuf> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let count = self.delivered.fetch_add(1, Ordering::Relaxed);
        let name = format!(
            "{}.M{}P{}Q{count}.localhost",
            now.as_secs(),
            now.subsec_micros(),
            std::process::id()
        );
        let (tmp, new) = (
            self.root.join("tmp").join(&name),
            self.root.join("new").join(&name),
        );
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&tmp)?;
        let written = file
            .write_all(message)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&tmp, &new));
        if let Err(e) = written {
            // The first error is reported.
            let _ = fs::remove_file(&tmp);
            return Err(e);
        }
        Ok(new)
    }
}
