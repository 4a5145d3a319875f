//! HAProxy, started here on loopback: in front of the gateway, or behind it.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use super::{Scratch, wait_until};

/// A running HAProxy. It stops when dropped.
pub struct HaProxy {
    folder: Scratch,
    child: Child,
}

impl HaProxy {
    /// Passes connections on as they are: for each pair what stands behind `bind` and behind `server s`.
    pub fn start(pairs: &[(String, String)]) -> Self {
        let folder = Scratch::new("haproxy");
        let mut text = String::from(
            "defaults\n mode tcp\n timeout connect 60s\n timeout client 60s\n timeout server 60s\n",
        );
        for (number, (bind, server)) in pairs.iter().enumerate() {
            text.push_str(&format!(
                "listen l{number}\n bind {bind}\n server s {server}\n"
            ));
        }
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, text).expect("haproxy.cfg");
        let out = fs::File::create(folder.path().join("out")).expect("an output file");
        let path = std::env::var("PATH").unwrap_or_default();
        let child = Command::new("haproxy")
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .args(["-db", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("the output file"))
            .stderr(out)
            .spawn()
            .expect("haproxy");
        let mut this = HaProxy { folder, child };
        for (bind, _) in pairs {
            let address = bind.split(' ').next().expect("an address").to_string();
            wait_until("HAProxy", || {
                let over = this.child.try_wait().expect("its state");
                assert!(over.is_none(), "{}", this.words());
                TcpStream::connect(&address).is_ok()
            });
        }
        this
    }

    /// What it said.
    pub fn words(&self) -> String {
        fs::read_to_string(self.folder.path().join("out")).unwrap_or_default()
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
