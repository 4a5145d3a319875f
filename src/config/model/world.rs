//! Everything a configuration needs from the machine, behind one trait: a privileged process can answer it for another one,
//! and tests can answer it from memory.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::config::{ClientTls, TlsFault, TlsFile, TlsMaterial};

/// The machine as `load()` sees it.
pub trait World {
    /// The content of a file.
    ///
    /// # Errors
    /// What opening or reading says; the number of the error goes into nginx's message.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The files that a mask (glob(3)) names, sorted by their bytes. No match is an empty list.
    ///
    /// # Errors
    /// What glob(3) cannot read.
    fn glob(&self, mask: &Path) -> io::Result<Vec<PathBuf>>;

    /// The addresses of a host name, in the resolver's order; empty when it has none.
    fn lookup(&self, host: &str) -> Vec<IpAddr>;

    /// The name of this machine, in lower case.
    fn host_name(&self) -> String;

    /// The number of a user, and of its group.
    fn user(&self, name: &str) -> Option<(u32, u32)>;

    /// The number of a group.
    fn group(&self, name: &str) -> Option<u32>;

    /// Whether the process may switch users: `user` is ignored with a warning otherwise.
    fn privileged(&self) -> bool;

    /// How many processors there are, at least 1.
    fn processors(&self) -> usize;

    /// Whether a certificate can be used with a key, which one of the pass phrases may have to open.
    ///
    /// # Errors
    /// What is wrong with the first of the two that cannot be used, or that they do not belong together.
    fn check_pair(
        &self,
        certificate: &TlsFile,
        key: &TlsFile,
        passwords: &[Box<[u8]>],
    ) -> Result<(), TlsFault>;

    /// Whether certificates, keys and ciphers make a TLS server. Asked once for each server that uses TLS.
    ///
    /// # Errors
    /// The first fault, in nginx's order.
    fn check_tls(&self, material: &TlsMaterial) -> Result<(), TlsFault>;

    /// The same for a TLS client.
    ///
    /// # Errors
    /// The first fault.
    fn check_client_tls(&self, material: &ClientTls) -> Result<(), TlsFault>;
}

/// A machine without files, names and users: defaults are read in it.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl World for Nowhere {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::Error::from_raw_os_error(2))
    }
    fn glob(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }
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
    fn check_pair(&self, _: &TlsFile, _: &TlsFile, _: &[Box<[u8]>]) -> Result<(), TlsFault> {
        Ok(())
    }
    fn check_tls(&self, _: &TlsMaterial) -> Result<(), TlsFault> {
        Ok(())
    }
    fn check_client_tls(&self, _: &ClientTls) -> Result<(), TlsFault> {
        Ok(())
    }
}
