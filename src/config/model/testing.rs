//! A machine for unit tests.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::{ClientTls, Files, Names, TlsFault, TlsFile, TlsMaterial, TlsProbes};

/// Files in memory, names of hosts, no privileges, and TLS that has no faults.
#[derive(Debug)]
pub struct InMemory {
    /// The content of each file.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// The name of the machine.
    pub host_name: &'static str,
    /// The addresses of a host.
    pub lookup: fn(&str) -> Vec<IpAddr>,
}

impl Files for InMemory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let found = self.files.get(path).cloned();
        found.ok_or_else(|| io::Error::from_raw_os_error(2))
    }
    fn list(&self, folder: &Path) -> Vec<OsString> {
        let names = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(folder).ok());
        let first = names.filter_map(|name| name.components().next());
        let mut names: Vec<_> = first.map(|name| name.as_os_str().to_owned()).collect();
        names.dedup();
        names
    }
    fn exists(&self, path: &Path) -> bool {
        self.files.keys().any(|file| file.starts_with(path))
    }
}

impl Names for InMemory {
    fn lookup(&self, host: &str) -> Vec<IpAddr> {
        (self.lookup)(host)
    }
    fn host_name(&self) -> String {
        self.host_name.to_owned()
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
        3
    }
}

impl TlsProbes for InMemory {
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
