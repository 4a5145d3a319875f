//! Where one case runs: a folder of its own and a loopback address of its own, so that nothing meets anything else.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// How many cases may run at once in one process.
pub const SLOTS: u32 = 4;

/// A temporary folder and an address, given back on drop.
#[derive(Debug)]
pub struct Place {
    /// The folder, without a slash at the end.
    pub root: PathBuf,
    /// An address of 127.0.0.0/8 that only this process and slot use.
    pub address: Ipv4Addr,
}

impl Place {
    /// Makes the folder, with `logs/` and the certificates of `pki` in it.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(slot: u32, pki: &Path) -> io::Result<Self> {
        let pid = std::process::id();
        let root = std::env::temp_dir().join(format!(
            "conformance-{pid}-{}",
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir_all(root.join("logs"))?;
        let place = Self {
            root,
            address: address(pid, slot),
        };
        copy_tree(pki, &place.root.join("pki"))?;
        Ok(place)
    }

    /// A port that is free on this address now, and that nobody else looks for.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn free_port(&self) -> io::Result<u16> {
        Ok(TcpListener::bind((self.address, 0))?.local_addr()?.port())
    }

    /// The folder as text.
    pub fn root_text(&self) -> String {
        self.root.to_string_lossy().into_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::env::var_os("CONFORMANCE_KEEP").is_none() {
            // what cannot be removed is left to the system's own cleaning
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

/// Process numbers have 22 bits and slots 2: together the 24 that 127.0.0.0/8 leaves free.
fn address(pid: u32, slot: u32) -> Ipv4Addr {
    let host = ((pid << 2) | (slot % SLOTS)) & 0x00ff_ffff;
    Ipv4Addr::from(0x7f00_0000 | host)
}

/// Copies a folder with all that is in it; a folder that does not exist is empty.
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
    fn processes_and_slots_have_addresses_of_their_own() {
        assert_eq!(address(1, 0).to_string(), "127.0.0.4");
        assert_ne!(address(1, 3), address(2, 0));
        assert_eq!(address(4_194_302, 3).to_string(), "127.255.255.251");
    }
}
