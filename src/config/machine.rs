//! The machine itself as a [`World`].

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{TlsFault, TlsMaterial, World};

/// This machine. TLS material is given to `check_tls`, since configurations know no TLS library.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Says whether certificates, keys and ciphers make a TLS server.
    pub check_tls: fn(&TlsMaterial) -> Result<(), TlsFault>,
}

impl World for Machine {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn glob(&self, mask: &Path) -> io::Result<Vec<PathBuf>> {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let Some(text) = mask.to_str() else {
            return Ok(Vec::new());
        };
        // What is no mask to the crate is a name with odd characters to glob(3).
        let Ok(paths) = glob::glob_with(text, options) else {
            return Ok(mask.exists().then(|| mask.to_owned()).into_iter().collect());
        };
        let mut found = Vec::new();
        for path in paths {
            // glob(3) leaves out folders that it cannot read.
            found.extend(path);
        }
        found.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
        Ok(found)
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

    fn check_tls(&self, material: &TlsMaterial) -> Result<(), TlsFault> {
        (self.check_tls)(material)
    }
}
