//! Implements `config`'s view of this machine: its file system, its names and users, and the TLS library.

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, ToSocketAddrs, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::reading;
use crate::config::{ClientTls, Files, Names, TlsFault, TlsFile, TlsMaterial, TlsProbes};

/// Checks a certificate with a key, given pass phrases for the key.
pub type CheckPair = fn(&TlsFile, &TlsFile, &[Box<[u8]>]) -> Result<(), TlsFault>;

/// This machine. The checks of TLS settings are functions of `tls`.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Checks that a certificate and a key match.
    pub check_pair: CheckPair,
    /// Checks that certificates, keys and ciphers make a TLS server.
    pub check_tls: fn(&TlsMaterial) -> Result<(), TlsFault>,
    /// Checks the same for a TLS client.
    pub check_client_tls: fn(&ClientTls) -> Result<(), TlsFault>,
    /// The rights that a configuration is checked for.
    pub rights: Rights,
}

/// The rights that a configuration is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Those of this process.
    Own,
    /// Those of the service, which this process need not have (`--check`).
    OfTheService,
}

impl Files for Machine {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        reading::read(path)
    }

    fn list(&self, folder: &Path) -> Vec<OsString> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).collect()
    }

    fn is_readable_by_all(&self, path: &Path) -> bool {
        let metadata = std::fs::metadata(path);
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o004 != 0)
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn passes_over_denied(&self) -> bool {
        self.rights == Rights::OfTheService
    }
}

impl Names for Machine {
    fn lookup(&self, host: &str) -> Vec<IpAddr> {
        let mut found: Vec<IpAddr> = Vec::new();
        // A name with a colon would be read as a host with a port.
        if host.contains(':') {
            return found;
        }
        for address in (host, 0).to_socket_addrs().into_iter().flatten() {
            if !found.contains(&address.ip()) {
                found.push(address.ip());
            }
        }
        found
    }

    fn has_address(&self, address: IpAddr) -> bool {
        address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
    }

    fn host_name(&self) -> String {
        nix::unistd::gethostname()
            .map(|name| name.to_string_lossy().to_lowercase())
            .unwrap_or_default()
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        let user = nix::unistd::User::from_name(name).ok().flatten()?;
        Some((user.uid.as_raw(), user.gid.as_raw()))
    }

    fn group(&self, name: &str) -> Option<u32> {
        let group = nix::unistd::Group::from_name(name).ok().flatten()?;
        Some(group.gid.as_raw())
    }

    fn privileged(&self) -> bool {
        self.rights == Rights::OfTheService || nix::unistd::geteuid().is_root()
    }

    fn processors(&self) -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }
}

impl TlsProbes for Machine {
    fn check_pair(
        &self,
        certificate: &TlsFile,
        key: &TlsFile,
        passwords: &[Box<[u8]>],
    ) -> Result<(), TlsFault> {
        (self.check_pair)(certificate, key, passwords)
    }

    fn check_tls(&self, material: &TlsMaterial) -> Result<(), TlsFault> {
        (self.check_tls)(material)
    }

    fn check_client_tls(&self, material: &ClientTls) -> Result<(), TlsFault> {
        (self.check_client_tls)(material)
    }
}
