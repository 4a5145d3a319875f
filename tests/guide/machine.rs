//! A directory that stands for the machine of the guide: its paths, ports and commands lead into it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::certificate::self_signed;
use support::{TempDir, free_port, wait_until};

const NGINX: &str = "/usr/sbin/nginx";
/// The ports that clients of the guide connect to, and the one of the status pages.
const PUBLIC: [u16; 7] = [25, 587, 465, 143, 993, 4190, 9180];
/// The pid files of masters.
const PID_FILES: [&str; 3] = [
    "run/portcullis.pid",
    "run/nginx.pid",
    "run/nginx.pid.oldbin",
];

/// The machine. Its servers end when it is dropped.
pub struct Machine {
    folder: TempDir,
    /// Ports of the guide, and those that stand for them.
    ports: BTreeMap<u16, u16>,
}

impl Machine {
    pub fn new() -> Self {
        let this = Self {
            folder: TempDir::new("guide"),
            ports: PUBLIC.into_iter().map(|port| (port, free_port())).collect(),
        };
        for folder in [
            "etc/nginx",
            "etc/default",
            "etc/fail2ban/filter.d",
            "etc/fail2ban/jail.d",
            "etc/letsencrypt/live/mail.example.com",
            "var/log/portcullis",
            "logs",
            "etc/prometheus",
            "run/portcullis",
            "sbin",
            "bin",
        ] {
            fs::create_dir_all(this.path(folder)).expect("a directory");
        }
        let live = "letsencrypt/live/mail.example.com/";
        for (names, certificate, key) in [
            ("mail.example.com", "nginx/mail.pem", "nginx/mail.key"),
            (
                "mail.example.com",
                "nginx/mail.example.com.pem",
                "nginx/mail.example.com.key",
            ),
            (
                "mail.example.org",
                "nginx/mail.example.org.pem",
                "nginx/mail.example.org.key",
            ),
            (
                "mail.example.com",
                &format!("{live}fullchain.pem"),
                &format!("{live}privkey.pem"),
            ),
        ] {
            let (chain, private) = self_signed(&[names]).expect("a certificate");
            this.write(&format!("etc/{certificate}"), &chain);
            this.write(&format!("etc/{key}"), &private);
            let key = this.path(&format!("etc/{key}"));
            fs::set_permissions(key, PermissionsExt::from_mode(0o600)).expect("its mode");
        }
        // Files that commands of the guide make, for pages that are only tested with -t.
        for (name, text) in [
            ("mailboxes", ""),
            ("status.token", "a-token-of-the-test\n"),
            ("limits.key", "a key of the test, long enough\n"),
        ] {
            let file = this.path("etc/nginx").join(name);
            fs::write(&file, text).expect("a file");
            fs::set_permissions(file, PermissionsExt::from_mode(0o600)).expect("its mode");
        }
        let root = this.folder.path().display();
        let gateway = support::binary().expect("portcullis is built");
        let options = format!("-p {root}/ -e {root}/early.log -c {root}/etc/nginx/nginx.conf");
        this.command(
            "portcullis",
            &format!("exec {} {options} \"$@\"", gateway.display()),
        );
        this.command("nginx", &format!("exec {root}/sbin/nginx {options} \"$@\""));
        // A start reads what /etc/default has, as the unit does.
        this.command(
            "systemctl",
            &format!(
                ". {root}/etc/default/portcullis\ncase \"$*\" in\n\
                 'start --no-block portcullis') portcullis $PORTCULLIS_OPTIONS & ;;\n\
                 'enable portcullis') ;;\n*) echo \"systemctl $*\" >&2; exit 1 ;;\nesac"
            ),
        );
        this.command(
            "dpkg-divert",
            "case \"$*\" in\n\
             '--local --rename --add '*) mv \"$4\" \"$4.distrib\" ;;\n\
             '--local --rename --remove '*) mv \"$4.distrib\" \"$4\" ;;\n*) exit 1 ;;\nesac",
        );
        this.write("etc/default/portcullis", "PORTCULLIS_OPTIONS=\n");
        this
    }

    /// Makes a port of the guide stand for another one.
    pub fn map(&mut self, port: u16, to: u16) {
        self.ports.insert(port, to);
    }

    /// The port that stands for one of the guide.
    pub fn port(&self, port: u16) -> u16 {
        self.ports[&port]
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a command");
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("its mode");
    }

    /// Writes a file of the guide.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), self.here(text)).expect("a file");
    }

    /// A text of the guide with this machine's paths and ports.
    pub fn here(&self, text: &str) -> String {
        let root = self.folder.path().display().to_string();
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/fail2ban");
        let gateway = support::binary().expect("portcullis is built");
        let mut text = text
            .replace(
                "/usr/share/doc/portcullis/examples/fail2ban",
                &own.display().to_string(),
            )
            .replace("/usr/sbin/portcullis", &gateway.display().to_string())
            .replace(NGINX, &format!("{root}/sbin/nginx"));
        for folder in [
            "/etc/nginx",
            "/etc/default",
            "/etc/letsencrypt",
            "/etc/fail2ban",
            "/etc/prometheus",
            "/var/log/portcullis",
            "/run",
        ] {
            text = text.replace(&format!(" {folder}/"), &format!(" {root}{folder}/"));
        }
        text = text.replace("unix:/run/", &format!("unix:{root}/run/"));
        for (port, to) in &self.ports {
            for blanks in [" ", "   ", "     "] {
                for end in [";", " ssl;"] {
                    text = text.replace(
                        &format!("listen{blanks}{port}{end}"),
                        &format!("listen 127.0.0.1:{to}{end}"),
                    );
                }
            }
            for end in [";", "/", "\"", " ", "\n"] {
                text = text.replace(
                    &format!("127.0.0.1:{port}{end}"),
                    &format!("127.0.0.1:{to}{end}"),
                );
            }
            text = text.replace(
                &format!("(\"127.0.0.1\", {port})"),
                &format!("(\"127.0.0.1\", {to})"),
            );
            text = text.replace(&format!(": \"{port}\""), &format!(": \"{to}\""));
        }
        let tls = self.ports[&993];
        text.replace("imaps://127.0.0.1/", &format!("imaps://127.0.0.1:{tls}/"))
    }

    /// Installs Debian's nginx where the guide has it.
    pub fn install_nginx(&self) {
        fs::copy(NGINX, self.path("sbin/nginx")).expect("nginx");
        let modules = self.path("modules");
        symlink("/usr/lib/nginx/modules", modules).expect("its modules");
    }

    /// Runs commands of the guide, which must succeed. Returns what they print.
    pub fn run(&self, commands: &str) -> String {
        let output = self.output(commands);
        let [out, err] =
            [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        assert!(
            output.status.success(),
            "{}\n{commands}{out}{err}{}",
            output.status,
            self.log()
        );
        format!("{out}{err}")
    }

    fn output(&self, commands: &str) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", &self.here(commands)])
            .current_dir(self.folder.path())
            .env(
                "PATH",
                format!("{}:{path}:/usr/sbin:/sbin", self.path("bin").display()),
            )
            .output()
            .expect("bash")
    }

    /// Starts the gateway with the configuration, as a daemon.
    pub fn start(&self) {
        self.run("portcullis");
        wait_until("portcullis", || self.pid("run/portcullis.pid").is_some());
    }

    /// All logs.
    pub fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.path(name)).unwrap_or_default();
        read("early.log") + &read("var/log/portcullis/error.log")
    }

    /// The process that a pid file names.
    pub fn pid(&self, file: &str) -> Option<Pid> {
        let text = fs::read_to_string(self.path(file)).ok()?;
        let pid = Pid::from_raw(text.strip_suffix('\n')?.parse().ok()?);
        (kill(pid, None) != Err(Errno::ESRCH)).then_some(pid)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for pid in PID_FILES.iter().filter_map(|file| self.pid(file)) {
            let _ = kill(pid, Signal::SIGTERM);
        }
    }
}
