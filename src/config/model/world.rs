//! The loader's interface to the machine, in three traits. A privileged process can implement the first for another process;
//! tests implement them in memory.

use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::TlsFile;
use super::glob;
use super::tls::{ClientTls, TlsFault, TlsMaterial};

/// The file system.
pub trait Files {
    /// The content of a file.
    ///
    /// # Errors
    /// Opening or reading fails; the number of the error goes into nginx's message.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The content of a file, which the implementation may keep too. A configuration may be large: it is in memory once.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    fn read_shared(&self, path: &Path) -> io::Result<Arc<Vec<u8>>> {
        self.read(path).map(Arc::new)
    }

    /// The names in a folder, in any order; none if it cannot be read.
    fn list(&self, folder: &Path) -> Vec<OsString>;

    /// Whether there is a file, a folder or a link of this name.
    fn exists(&self, path: &Path) -> bool;

    /// Whether TLS files that this process may not read are passed over, with a warning: `--check` needs no rights.
    fn passes_over_denied(&self) -> bool {
        false
    }

    /// Whether the load is to warn about this certificate or key. False where another load of the same file has done so.
    fn warns_of(&self, _path: &Path) -> bool {
        true
    }

    /// Whether every user may read a file. False where that is unknown.
    fn is_readable_by_all(&self, _path: &Path) -> bool {
        false
    }

    /// The files that a mask (glob(3)) matches, sorted by their bytes.
    fn glob(&self, mask: &Path) -> Vec<PathBuf> {
        glob::expand(mask, |folder| self.list(folder), |path| self.exists(path))
    }
}

/// Names, users and processors.
pub trait Names {
    /// The addresses of a host name, in the resolver's order; empty when it has none.
    fn lookup(&self, host: &str) -> Vec<IpAddr>;

    /// Whether this machine has the address.
    fn has_address(&self, address: IpAddr) -> bool {
        address.is_loopback()
    }

    /// The name of this machine, in lower case.
    fn host_name(&self) -> String;

    /// The number of a user, and of its group.
    fn user(&self, name: &str) -> Option<(u32, u32)>;

    /// The number of a group.
    fn group(&self, name: &str) -> Option<u32>;

    /// Whether the process may switch users: `user` is ignored with a warning otherwise.
    fn privileged(&self) -> bool;

    /// The number of processors, at least 1.
    fn processors(&self) -> usize;
}

/// Checks made with the TLS library, on which `config` does not depend.
pub trait TlsProbes {
    /// Checks that a certificate can be used with a key, which one of the pass phrases may have to decrypt.
    ///
    /// # Errors
    /// One of the two cannot be used, or they do not match.
    fn check_pair(
        &self,
        certificate: &TlsFile,
        key: &TlsFile,
        passwords: &[Box<[u8]>],
    ) -> Result<(), TlsFault>;

    /// Checks that the material makes a TLS server. Called once for each server that uses TLS.
    ///
    /// # Errors
    /// The first fault, in nginx's order.
    fn check_tls(&self, material: &TlsMaterial) -> Result<(), TlsFault>;

    /// Checks that the material makes a TLS client.
    ///
    /// # Errors
    /// The first fault.
    fn check_client_tls(&self, material: &ClientTls) -> Result<(), TlsFault>;
}

/// The machine as `load()` sees it.
pub trait World: Files + Names + TlsProbes {}

impl<T: Files + Names + TlsProbes> World for T {}

/// A machine without files and names, in which defaults are read.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Files for Nowhere {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn list(&self, _: &Path) -> Vec<OsString> {
        Vec::new()
    }
    fn exists(&self, _: &Path) -> bool {
        false
    }
}

impl Names for Nowhere {
    fn lookup(&self, _: &str) -> Vec<IpAddr> {
        Vec::new()
    }
    fn host_name(&self) -> String {
        "localhost".to_owned()
    }
    fn user(&self, _: &str) -> Option<(u32, u32)> {
        None
    }
    fn group(&self, _: &str) -> Option<u32> {
        None
    }
    fn privileged(&self) -> bool {
        false
    }
    fn processors(&self) -> usize {
        1
    }
}
