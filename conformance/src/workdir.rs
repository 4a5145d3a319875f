//! Working directories: each case runs in a directory and on a loopback address of its own.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use support::TempDir;

use crate::parallel::THREADS;

/// A temporary directory and a loopback address. The directory is removed on drop, unless `CONFORMANCE_KEEP` is set.
#[derive(Debug)]
pub struct WorkDir {
    /// The path of the directory, without a slash at the end.
    pub root: PathBuf,
    /// An address of 127.0.0.0/8 that no other process or thread uses.
    pub address: Ipv4Addr,
    _folder: Option<TempDir>,
}

impl WorkDir {
    /// Creates a directory with `logs/` and a copy of the certificates in `pki`. `thread` is below [`THREADS`].
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new(thread: u32, pki: &Path) -> io::Result<Self> {
        let folder = TempDir::create("conformance")?;
        let root = folder.path().to_owned();
        fs::create_dir_all(root.join("logs"))?;
        copy_tree(pki, &root.join("pki"))?;
        let folder = match std::env::var_os("CONFORMANCE_KEEP") {
            None => Some(folder),
            Some(_) => {
                folder.keep();
                None
            }
        };
        Ok(Self {
            root,
            address: address(std::process::id(), thread),
            _folder: folder,
        })
    }

    /// As [`WorkDir::new`], with the certificates of this crate.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn with_own_pki(thread: u32) -> Result<Self, String> {
        let pki = Path::new(env!("CARGO_MANIFEST_DIR")).join("pki");
        Self::new(thread, &pki).map_err(|error| error.to_string())
    }

    /// A port that is free on this address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn free_port(&self) -> io::Result<u16> {
        Ok(TcpListener::bind((self.address, 0))?.local_addr()?.port())
    }

    /// The path of the directory as text.
    pub fn root_text(&self) -> String {
        self.root.to_string_lossy().into_owned()
    }
}

/// Process ids have 22 bits and threads 2: together the 24 bits of a host in 127.0.0.0/8.
fn address(pid: u32, thread: u32) -> Ipv4Addr {
    let host = ((pid << 2) | (thread % THREADS)) & 0x00ff_ffff;
    Ipv4Addr::from(0x7f00_0000 | host)
}

/// Copies a directory with all its contents. A missing directory counts as empty.
///
/// # Errors
/// When reading or writing fails.
pub fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn processes_and_threads_have_different_addresses() {
        assert_eq!(address(1, 0).to_string(), "127.0.0.4");
        assert_ne!(address(1, 3), address(2, 0));
        assert_eq!(address(4_194_302, 3).to_string(), "127.255.255.251");
    }
}
