//! The machine as it was when the configuration in force was loaded, except for the TLS files that have changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{
    ClientTls, CommandFiles, Files, Names, TlsFault, TlsFile, TlsMaterial, TlsProbes, World,
    tls_files,
};
use crate::process::handover::{Answer, Recording};

/// A load's view of the machine: the answers of an earlier load with other files, and real checks of the TLS settings that use these.
pub struct Changed<'a> {
    answers: Recording,
    files: BTreeSet<PathBuf>,
    world: &'a dyn World,
}

impl<'a> Changed<'a> {
    /// The answers of a configuration that was accepted, except for these files.
    pub fn new(
        answers: &Recording,
        files: BTreeMap<PathBuf, Answer>,
        world: &'a dyn World,
    ) -> Self {
        Self {
            files: files.keys().cloned().collect(),
            answers: answers.with(files),
            world,
        }
    }

    fn is_changed(&self, file: &TlsFile) -> bool {
        self.files.contains(&file.path)
    }

    /// Whether settings with these files are to be checked. Files of commands are taken to have changed.
    fn uses_changed<'f>(
        &self,
        mut files: impl Iterator<Item = &'f TlsFile>,
        of_commands: &CommandFiles,
    ) -> bool {
        *of_commands != CommandFiles::default() || files.any(|file| self.is_changed(file))
    }
}

impl Files for Changed<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.answers.read(path)
    }

    fn read_shared(&self, path: &Path) -> io::Result<Arc<Vec<u8>>> {
        self.answers.read_shared(path)
    }

    fn list(&self, folder: &Path) -> Vec<OsString> {
        self.answers.list(folder)
    }

    fn exists(&self, path: &Path) -> bool {
        self.answers.exists(path)
    }

    fn warns_of(&self, path: &Path) -> bool {
        self.files.contains(path)
    }

    fn is_readable_by_all(&self, path: &Path) -> bool {
        self.world.is_readable_by_all(path)
    }
}

impl Names for Changed<'_> {
    fn lookup(&self, host: &str) -> Vec<IpAddr> {
        self.answers.lookup(host)
    }

    fn has_address(&self, address: IpAddr) -> bool {
        self.answers.has_address(address)
    }

    fn host_name(&self) -> String {
        self.answers.host_name()
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        self.answers.user(name)
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.answers.group(name)
    }

    fn privileged(&self) -> bool {
        self.answers.privileged()
    }

    fn processors(&self) -> usize {
        self.answers.processors()
    }
}

/// Settings whose files are the same passed these checks before.
impl TlsProbes for Changed<'_> {
    fn check_pair(
        &self,
        certificate: &TlsFile,
        key: &TlsFile,
        passwords: &[Box<[u8]>],
    ) -> Result<(), TlsFault> {
        match self.is_changed(certificate) || self.is_changed(key) {
            true => self.world.check_pair(certificate, key, passwords),
            false => Ok(()),
        }
    }

    fn check_tls(&self, material: &TlsMaterial) -> Result<(), TlsFault> {
        match self.uses_changed(tls_files::of_server(material), &material.command_files) {
            true => self.world.check_tls(material),
            false => Ok(()),
        }
    }

    fn check_client_tls(&self, material: &ClientTls) -> Result<(), TlsFault> {
        match self.uses_changed(tls_files::of_client(material), &material.command_files) {
            true => self.world.check_client_tls(material),
            false => Ok(()),
        }
    }
}
