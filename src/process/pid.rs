//! The pid file: written once the process serves, removed when it ends.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::getpid;

/// The pid file of this process. Dropping it removes the file, unless that names another process by then.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes `<pid>` and a line feed, and replaces the content left by an earlier process (mode 0644).
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .open(path)?;
        writeln!(file, "{}", getpid())?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Renames the file.
    ///
    /// # Errors
    /// rename(2) fails.
    pub fn rename(&mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.path = to.to_owned();
        Ok(())
    }

    /// Tests the pid file for `-t`: it must be writable, is created if it is missing, and keeps its content.
    ///
    /// # Errors
    /// The file cannot be opened for writing.
    pub fn probe(path: &Path) -> io::Result<()> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(path)?;
        Ok(())
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Another process may have replaced the content meanwhile.
        let is_own = fs::read_to_string(&self.path)
            .is_ok_and(|text| text.trim_end() == getpid().to_string());
        if is_own {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_over_a_stale_one_and_removed() {
        let path = std::env::temp_dir().join(format!("portcullis-pid-{}", std::process::id()));
        fs::write(&path, "4194304000 stale\n").unwrap();
        PidFile::probe(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "4194304000 stale\n");
        let file = PidFile::write(&path).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("{}\n", std::process::id())
        );
        drop(file);
        assert!(!path.exists());
        let file = PidFile::write(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(file);
        assert!(path.exists(), "the file of another process");
        fs::remove_file(path).unwrap();
    }
}
