//! nginx as a process in a directory of its own, to compare the gateway with.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use crate::process::{run, stop};
use crate::{TempDir, wait_until};

/// What all configurations begin with. Paths are relative to the directory.
const MAIN: &str = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid nginx.pid;
error_log error.log info;
events { worker_connections 4096; }
";

/// What an `http` block needs, so that nginx writes into its own directory only.
pub const HTTP: &str = "access_log off;
client_body_temp_path body;
proxy_temp_path proxy;
fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi;
scgi_temp_path scgi;
";

/// A running nginx with one worker. It is stopped when dropped.
#[derive(Debug)]
pub struct Nginx {
    folder: TempDir,
    child: Child,
}

impl Nginx {
    /// Starts nginx with these blocks, such as `stream {}`, and waits until it listens.
    pub fn start(blocks: &str) -> Self {
        let folder = TempDir::new("nginx");
        let file = folder.path().join("nginx.conf");
        fs::write(&file, format!("{MAIN}{blocks}")).expect("its configuration");
        let [prefix, configuration] = ["-p", "-c"].map(OsStr::new);
        let (path, file) = (folder.path().as_os_str(), file.as_os_str());
        let arguments = [prefix, path, configuration, file];
        let child = run(folder.path(), "nginx", &arguments);
        let mut this = Self { folder, child };
        let pid = this.folder.path().join("nginx.pid");
        wait_until("nginx", || {
            let ended = this.child.try_wait().expect("its state");
            let output = || fs::read_to_string(this.folder.path().join("nginx.out"));
            assert!(ended.is_none(), "nginx ended: {:?}", output());
            fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'))
        });
        this
    }

    /// The directory with `nginx.conf` and `error.log`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file of the error log, whose level is `info`.
    pub fn error_log(&self) -> PathBuf {
        self.folder().join("error.log")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}
