//! HAProxy on loopback, in front of the gateway or behind it.

use std::fs;
use std::net::TcpStream;
use std::process::Child;

use crate::process::{run, stop};
use crate::{TempDir, wait_until};

/// A running HAProxy. It stops when dropped.
#[derive(Debug)]
pub struct HaProxy {
    folder: TempDir,
    child: Child,
}

impl HaProxy {
    /// Starts a TCP proxy. Each pair has the arguments of `bind` and of `server s`.
    pub fn start(pairs: &[(String, String)]) -> Self {
        Self::start_with(pairs, "")
    }

    /// The same with these lines for each pair.
    pub fn start_with(pairs: &[(String, String)], lines: &str) -> Self {
        let folder = TempDir::new("haproxy");
        let mut text = String::from(
            "defaults\n mode tcp\n timeout connect 60s\n timeout client 60s\n timeout server 60s\n",
        );
        for (number, (bind, server)) in pairs.iter().enumerate() {
            text.push_str(&format!(
                "listen l{number}\n bind {bind}\n server s {server}\n{lines}"
            ));
        }
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, text).expect("haproxy.cfg");
        let arguments = ["-db".as_ref(), "-f".as_ref(), file.as_ref()];
        let child = run(folder.path(), "haproxy", &arguments);
        let mut this = Self { folder, child };
        for (bind, _) in pairs {
            let address = bind.split(' ').next().expect("an address").to_string();
            wait_until("HAProxy", || {
                let ended = this.child.try_wait().expect("its state");
                assert!(ended.is_none(), "{}", this.output());
                TcpStream::connect(&address).is_ok()
            });
        }
        this
    }

    /// Its standard output and standard error.
    pub fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("haproxy.out")).unwrap_or_default()
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}
