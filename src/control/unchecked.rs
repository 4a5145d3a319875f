//! The machine for those who only look for an address in the configuration: a name server that is down, or a certificate that was
//! replaced by a wrong one, must not keep an administrator from asking the gateway that still runs.

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::config::{ClientTls, Files, Names, TlsFault, TlsFile, TlsMaterial, TlsProbes, World};

/// How long all names of a configuration may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// The address of a name that has none (RFC 5737).
const PLACEHOLDER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A world where every name has an address, and TLS is not checked.
pub(super) struct Unchecked<'w> {
    world: &'w dyn World,
    /// When names are no longer waited for.
    deadline: Instant,
}

impl<'w> Unchecked<'w> {
    /// The same world without these checks.
    pub fn new(world: &'w dyn World) -> Self {
        Self {
            world,
            deadline: Instant::now() + PATIENCE,
        }
    }
}

impl Names for Unchecked<'_> {
    fn lookup(&self, host: &str) -> Vec<IpAddr> {
        let (found, wanted) = mpsc::channel();
        let name = host.to_owned();
        // The system's resolver has no time limit of this kind. The thread ends with the process.
        thread::spawn(move || {
            let addresses = (name, 0).to_socket_addrs().into_iter().flatten();
            found.send(addresses.map(|address| address.ip()).collect())
        });
        let left = self.deadline.saturating_duration_since(Instant::now());
        let mut found: Vec<_> = wanted.recv_timeout(left).unwrap_or_default();
        found.dedup();
        match found.is_empty() {
            true => vec![PLACEHOLDER],
            false => found,
        }
    }

    fn host_name(&self) -> String {
        self.world.host_name()
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        self.world.user(name)
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.world.group(name)
    }

    fn privileged(&self) -> bool {
        self.world.privileged()
    }

    fn processors(&self) -> usize {
        self.world.processors()
    }
}

impl TlsProbes for Unchecked<'_> {
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

impl Files for Unchecked<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.world.read(path)
    }

    fn read_shared(&self, path: &Path) -> io::Result<Arc<Vec<u8>>> {
        self.world.read_shared(path)
    }

    fn list(&self, folder: &Path) -> Vec<OsString> {
        self.world.list(folder)
    }

    fn exists(&self, path: &Path) -> bool {
        self.world.exists(path)
    }

    fn passes_over_denied(&self) -> bool {
        self.world.passes_over_denied()
    }
}
