//! The machine itself as a [`World`].

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::config::model::glob;
use crate::config::{ClientTls, TlsFault, TlsFile, TlsMaterial, World};

/// Given a certificate, a key and pass phrases.
pub type CheckPair = fn(&TlsFile, &TlsFile, &[Box<[u8]>]) -> Result<(), TlsFault>;

/// This machine. TLS material is given to `check_tls`, since configurations know no TLS library.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Says whether a certificate and a key belong together.
    pub check_pair: CheckPair,
    /// Says whether certificates, keys and ciphers make a TLS server.
    pub check_tls: fn(&TlsMaterial) -> Result<(), TlsFault>,
    /// The same for a TLS client.
    pub check_client_tls: fn(&ClientTls) -> Result<(), TlsFault>,
}

impl World for Machine {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn glob(&self, mask: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found: Vec<Vec<u8>> = vec![Vec::new()];
        for (index, part) in mask
            .as_os_str()
            .as_bytes()
            .split(|byte| *byte == b'/')
            .enumerate()
        {
            found = found
                .into_iter()
                .flat_map(|folder| below(folder, index, part))
                .collect();
        }
        found.retain(|path| {
            Path::new(OsStr::from_bytes(path))
                .symlink_metadata()
                .is_ok()
        });
        found.sort_unstable();
        Ok(found
            .into_iter()
            .map(|path| PathBuf::from(OsString::from_vec(path)))
            .collect())
    }

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
        nix::unistd::geteuid().is_root()
    }

    fn processors(&self) -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

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

/// What one part of a mask names in a folder. Folders that cannot be read hold nothing, as glob(3) has it.
fn below(folder: Vec<u8>, index: usize, part: &[u8]) -> Vec<Vec<u8>> {
    let mut begin = folder;
    if index > 0 {
        begin.push(b'/');
    }
    if let Some(name) = glob::plain(part) {
        begin.extend_from_slice(&name);
        return vec![begin];
    }
    let endpoint = if begin.is_empty() {
        b"."
    } else {
        begin.as_slice()
    };
    let entries = std::fs::read_dir(OsStr::from_bytes(endpoint))
        .into_iter()
        .flatten()
        .flatten();
    let names = entries
        .map(|entry| entry.file_name().into_vec())
        .filter(|name| glob::matches(part, name));
    names
        .map(|name| [begin.as_slice(), &name].concat())
        .collect()
}
