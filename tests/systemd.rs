//! systemd: notifications (sd_notify(3)), the watchdog, and the shipped units.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{LineClient, TempDir, free_port, wait_until, worker_processes};

/// A service manager that hears one gateway.
struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
    child: Child,
    port: u16,
}

impl Manager {
    /// Starts the gateway as systemd does.
    fn start(watchdog: Option<Duration>) -> Self {
        let (folder, port) = (TempDir::new("systemd"), free_port());
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket
            .set_read_timeout(Some(support::TIMEOUT))
            .expect("a time-out");
        support::write_configuration(folder.path(), &mail(port, "gate.test"));
        let mut command = support::command(folder.path());
        command.env("NOTIFY_SOCKET", &path);
        if let Some(limit) = watchdog {
            command.env("WATCHDOG_USEC", limit.as_micros().to_string());
        }
        let child = command.spawn().expect("the gateway");
        Self {
            folder,
            socket,
            child,
            port,
        }
    }

    /// Reads messages up to one with all of these lines; each may end in `*`.
    fn hear(&self, lines: &[&str]) -> String {
        let is_line = |said: &str, line: &str| match line.strip_suffix('*') {
            Some(start) => said.starts_with(start),
            None => said == line,
        };
        loop {
            let message = self.next();
            let has = |line: &&str| message.lines().any(|said| is_line(said, line));
            if lines.iter().all(has) {
                return message;
            }
        }
    }

    fn next(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("to signal it");
    }

    fn rewrite(&self, mail: &str) {
        support::write_configuration(self.folder.path(), mail);
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mail(port: u16, name: &str) -> String {
    format!(
        "mail {{ server_name {name}; auth_http 127.0.0.1:9/;
                 server {{ listen 127.0.0.1:{port}; protocol smtp; }} }}"
    )
}

#[test]
fn the_manager_is_told_about_start_reloads_and_end() {
    let mut manager = Manager::start(None);
    manager.hear(&["READY=1", "STATUS=serving 0 sessions"]);
    // Ready means that clients are served.
    let mut client = LineClient::connect(manager.port);
    client.expect("220");
    manager.rewrite(&mail(manager.port, "new.test"));
    manager.signal(Signal::SIGHUP);
    manager.hear(&["RELOADING=1", "MONOTONIC_USEC=*"]);
    manager.hear(&["READY=1", "STATUS=*"]);
    LineClient::connect(manager.port).expect("220 new.test");
    manager.rewrite("mail { server { listen nowhere.invalid:25; } }");
    manager.signal(Signal::SIGHUP);
    manager.hear(&["RELOADING=1"]);
    let status = manager.hear(&["READY=1", "STATUS=serving*"]);
    assert!(
        status.contains(", last reload refused: host not found in "),
        "{status}"
    );
    // The number of sessions is renewed by itself.
    manager.hear(&["STATUS=serving 1 session, last reload refused*"]);
    manager.signal(Signal::SIGQUIT);
    manager.hear(&["STOPPING=1"]);
    drop(client);
    assert!(manager.child.wait().expect("its end").success());
}

#[test]
fn the_watchdog_hears_the_worker_and_nobody_else() {
    let manager = Manager::start(Some(Duration::from_millis(400)));
    manager.hear(&["READY=1"]);
    for _ in 0..3 {
        manager.hear(&["WATCHDOG=1"]);
    }
    let worker = worker_processes(manager.child.id());
    let worker = Pid::from_raw(worker.first().expect("a worker").cast_signed());
    kill(worker, Signal::SIGSTOP).expect("to stop it");
    // One report may be under way.
    let silence = Duration::from_secs(1);
    manager
        .socket
        .set_read_timeout(Some(silence))
        .expect("a time-out");
    let mut bytes = [0; 4096];
    let heard = (0..10).take_while(|_| manager.socket.recv(&mut bytes).is_ok());
    assert!(
        heard.count() <= 2,
        "a worker that hangs is reported as alive"
    );
    kill(worker, Signal::SIGCONT).expect("to continue it");
    manager.hear(&["WATCHDOG=1"]);
}

/// A shipped unit.
fn unit(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging/systemd")
        .join(name)
}

/// The value of a setting of the service.
fn setting(name: &str) -> String {
    let text = fs::read_to_string(unit("portcullis.service")).expect("the unit");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// With the capabilities that the service leaves to root the gateway binds a low port, changes the user of its worker, and ends a
/// worker that hangs.
#[test]
fn the_capabilities_of_the_service_suffice() {
    if !nix::unistd::geteuid().is_root() {
        println!("not root: not tested");
        return;
    }
    let allowed: String = setting("CapabilityBoundingSet")
        .split(' ')
        .map(|name| format!(",+{}", name.trim_start_matches("CAP_").to_lowercase()))
        .collect();
    let folder = TempDir::new("service");
    support::write_configuration(folder.path(), &mail(free_port(), "gate.test"));
    let gateway = support::command(folder.path());
    let mut child = Command::new("setpriv")
        .arg(format!("--bounding-set=-all{allowed}"))
        .arg("--no-new-privs")
        .arg(gateway.get_program())
        .args(gateway.get_args())
        .spawn()
        .expect("setpriv");
    wait_until("the gateway", || folder.path().join("gateway.pid").exists());
    let worker = *worker_processes(child.id()).first().expect("a worker");
    let status = fs::read_to_string(format!("/proc/{worker}/status")).expect("its status");
    for line in [
        "Uid:\t65534\t65534\t65534\t65534\n",
        "CapBnd:\t0000000000000000\n",
        "NoNewPrivs:\t1\n",
    ] {
        assert!(status.contains(line), "no {line:?} in {status}");
    }
    kill(Pid::from_raw(worker.cast_signed()), Signal::SIGSTOP).expect("to stop it");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("SIGTERM");
    child.wait().expect("its end");
    assert!(
        !Path::new(&format!("/proc/{worker}")).exists(),
        "the worker is still there"
    );
}

#[test]
fn the_service_is_hardened() {
    let analyzed = Command::new("systemd-analyze")
        .args(["security", "--offline=yes"])
        .arg(unit("portcullis.service"))
        .output();
    let Ok(analyzed) = analyzed else {
        println!("no systemd-analyze: not tested");
        return;
    };
    let text = String::from_utf8_lossy(&analyzed.stdout).into_owned();
    let Some((_, level)) = text.split_once("Overall exposure level for portcullis.service: ")
    else {
        println!(
            "systemd-analyze cannot be run: {}",
            String::from_utf8_lossy(&analyzed.stderr)
        );
        return;
    };
    let level: f64 = level
        .split(' ')
        .next()
        .and_then(|level| level.parse().ok())
        .expect("a number");
    assert!(level <= 2.0, "{text}");
}
