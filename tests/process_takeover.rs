//! SIGUSR2: nginx is replaced by the gateway and the gateway by nginx, under load, on the same listening sockets.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::load::{Held, Load, Peers};
use support::status::StatusPages;
use support::{LineClient, TempDir, command, free_port, wait_until, worker_processes};

const NGINX: &str = "/usr/sbin/nginx";

/// The gateway under test.
fn gateway() -> String {
    let path = support::binary().expect("portcullis is built");
    path.to_string_lossy().into_owned()
}

/// A master that was started as a daemon from a binary that the test may replace. The last one is stopped when dropped.
struct Daemon {
    folder: TempDir,
}

impl Daemon {
    fn start(binary: &str, configuration: &str) -> Self {
        let this = Self {
            folder: TempDir::new("takeover"),
        };
        fs::write(this.path("gateway.conf"), configuration).expect("the configuration");
        this.install(binary);
        let mut command = Command::new(this.path("nginx"));
        command.arg("-p").arg(this.folder.path());
        command.arg("-c").arg(this.path("gateway.conf"));
        command.arg("-e").arg(this.path("early.log"));
        // Another test that forks at this moment holds the copied file open for writing until its exec.
        wait_until("the start", || match command.status() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => false,
            status => {
                assert!(status.expect("to start").success(), "{}", this.log());
                true
            }
        });
        wait_until("the pid file", || this.pid("gateway.pid").is_some());
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts another program in the place of the running one.
    fn install(&self, binary: &str) {
        let new = self.path("new");
        fs::copy(binary, &new).expect("to copy the binary");
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("its mode");
        fs::rename(&new, self.path("nginx")).expect("to install it");
    }

    fn pid(&self, file: &str) -> Option<Pid> {
        let text = fs::read_to_string(self.path(file)).ok()?;
        Some(Pid::from_raw(text.strip_suffix('\n')?.parse().ok()?))
    }

    fn master(&self) -> Pid {
        self.pid("gateway.pid").expect("a master")
    }

    fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.path(name)).unwrap_or_default();
        [read("early.log"), read("error.log")].concat()
    }

    /// Replaces the running master by another program, in the two steps of nginx's manual.
    fn replace_by(&self, binary: &str) {
        self.install(binary);
        let old = self.master();
        kill(old, Signal::SIGUSR2).expect("SIGUSR2");
        wait_until("the new master", || {
            assert!(kill(old, None).is_ok(), "{}", self.log());
            self.pid("gateway.pid.oldbin") == Some(old)
                && self.pid("gateway.pid").is_some_and(|new| new != old)
        });
        kill(old, Signal::SIGQUIT).expect("SIGQUIT");
    }

    /// What the running master is.
    fn is_gateway(&self) -> bool {
        let path = format!("/proc/{}/exe", self.master());
        let running = fs::metadata(path).expect("the running program").len();
        running == fs::metadata(gateway()).expect("the gateway").len()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let masters = ["gateway.pid", "gateway.pid.oldbin"];
        for master in masters.into_iter().filter_map(|file| self.pid(file)) {
            let _ = kill(master, Signal::SIGTERM);
        }
    }
}

fn configuration(mail: u16, http: u16, peers: &Peers) -> String {
    let auth = peers.auth;
    format!(
        "load_module /usr/lib/nginx/modules/ngx_mail_module.so;
         pid gateway.pid; error_log error.log info; worker_processes 2; events {{}}
         http {{ access_log off; server {{ listen 127.0.0.1:{http}; return 200 served; }} }}
         mail {{ server_name gate.test; auth_http 127.0.0.1:{auth}/; xclient off; smtp_auth plain;
                 server {{ listen 127.0.0.1:{mail}; protocol smtp; }} }}"
    )
}

fn get(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("to ask");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn nginx_is_replaced_and_comes_back() {
    let ([mail, http], peers) = ([free_port(), free_port()], Peers::start());
    let daemon = Daemon::start(NGINX, &configuration(mail, http, &peers));
    assert!(get(http).ends_with("served"));
    let load = Load::start(mail, 4);
    load.more(50);
    daemon.replace_by(&gateway());
    assert!(daemon.is_gateway());
    load.more(50);
    let gateway = daemon.master();
    let held = Held::open(mail, &peers).expect("sessions");
    assert!(daemon.log().contains("using inherited sockets from \""));
    let unused = format!("inherited socket 127.0.0.1:{http} has no \"listen\" in mail");
    assert!(daemon.log().contains(&unused), "{}", daemon.log());
    daemon.replace_by(NGINX);
    assert!(!daemon.is_gateway());
    load.more(50);
    let (done, lost) = load.end();
    assert!(
        lost.is_empty(),
        "{} of {done}: {lost:?}\n{}",
        lost.len(),
        daemon.log()
    );
    held.complete(&peers)
        .expect("every session of the gateway to be completed");
    wait_until("the end of the gateway", || {
        kill(gateway, None) == Err(Errno::ESRCH)
    });
    // The socket of http {} has come through the gateway.
    assert!(get(http).ends_with("served"));
}

#[test]
fn a_gateway_is_replaced_by_the_next() {
    let ([mail, http], peers) = ([free_port(), free_port()], Peers::start());
    let daemon = Daemon::start(&gateway(), &configuration(mail, http, &peers));
    let first = daemon.master();
    let held = Held::open(mail, &peers).expect("sessions");
    let load = Load::start(mail, 4);
    daemon.replace_by(&gateway());
    load.more(50);
    let (done, lost) = load.end();
    assert!(
        lost.is_empty(),
        "{} of {done}: {lost:?}\n{}",
        lost.len(),
        daemon.log()
    );
    held.complete(&peers)
        .expect("every session to be completed");
    wait_until("the end of the first", || {
        kill(first, None) == Err(Errno::ESRCH)
    });
    assert_eq!(daemon.pid("gateway.pid.oldbin"), None);
    LineClient::connect(mail).expect("220");
}

/// The way back while the new binary is on trial: the old master, whose workers were sent away, starts them again.
#[test]
fn a_trial_can_be_ended() {
    let ([mail, http], peers) = ([free_port(), free_port()], Peers::start());
    let daemon = Daemon::start(&gateway(), &configuration(mail, http, &peers));
    let old = daemon.master();
    let load = Load::start(mail, 4);
    kill(old, Signal::SIGUSR2).expect("SIGUSR2");
    wait_until("the new master", || {
        daemon.pid("gateway.pid").is_some_and(|new| new != old)
    });
    let new = daemon.master();
    kill(old, Signal::SIGWINCH).expect("SIGWINCH");
    load.more(20);
    kill(old, Signal::SIGHUP).expect("SIGHUP");
    wait_until("the workers of the old one", || {
        !worker_processes(old.as_raw().cast_unsigned()).is_empty()
    });
    kill(new, Signal::SIGQUIT).expect("SIGQUIT");
    wait_until("the old pid file", || {
        daemon.pid("gateway.pid") == Some(old)
    });
    load.more(20);
    let (done, lost) = load.end();
    assert!(
        lost.is_empty(),
        "{} of {done}: {lost:?}\n{}",
        lost.len(),
        daemon.log()
    );
}

#[test]
fn a_binary_that_fails_changes_nothing() {
    let ([mail, http], peers) = ([free_port(), free_port()], Peers::start());
    let daemon = Daemon::start(&gateway(), &configuration(mail, http, &peers));
    let old = daemon.master();
    let load = Load::start(mail, 2);
    let script = daemon.path("script");
    for (round, text) in ["#!/bin/sh\nexit 3\n", "no program at all"]
        .iter()
        .enumerate()
    {
        fs::write(&script, text).expect("a program");
        daemon.install(script.to_str().expect("its path"));
        kill(old, Signal::SIGUSR2).expect("SIGUSR2");
        let text = match round {
            0 => "exited with code 3\n",
            _ => "/nginx\" failed (8: Exec format error)\n",
        };
        wait_until(text, || daemon.log().contains(text));
        wait_until("the old pid file", || {
            daemon.pid("gateway.pid") == Some(old)
        });
        load.more(20);
    }
    let (_, lost) = load.end();
    assert!(lost.is_empty(), "{lost:?}");
    // And a good one still gets its turn.
    daemon.replace_by(&gateway());
    LineClient::connect(mail).expect("220");
}

/// The status pages of a [`Daemon`]: a Unix socket in its folder, and a port.
struct Pages {
    unix: PathBuf,
    both: [StatusPages; 2],
    _sockets: TempDir,
}

impl Pages {
    /// A daemon with status pages.
    fn start(mail: u16, peers: &Peers) -> (Daemon, Self) {
        let (sockets, tcp) = (TempDir::new("takeover-status"), free_port());
        let unix = sockets.path().join("s");
        let status = format!(
            "status unix:{} mode=0640; status 127.0.0.1:{tcp};",
            unix.display()
        );
        let text = configuration(mail, free_port(), peers);
        let daemon = Daemon::start(&gateway(), &format!("{status} {text}"));
        let both = [StatusPages::unix(&unix), StatusPages::Tcp(tcp)];
        (
            daemon,
            Self {
                unix,
                both,
                _sockets: sockets,
            },
        )
    }

    /// Waits until a worker of this master answers on both addresses, and no other process does.
    fn are_of(&self, master: Pid) {
        let is_worker = |pages: &StatusPages| {
            let answer = pages.try_request("GET", "/json/process/pid", "").ok();
            let process = answer.and_then(|answer| answer.body.trim().parse().ok());
            let workers = worker_processes(master.as_raw().cast_unsigned());
            process.is_some_and(|process| workers.contains(&process))
        };
        // Two processes that accept on one socket answer in turn.
        wait_until("the status pages", || {
            (0..20).all(|_| self.both.iter().all(is_worker))
        });
    }

    /// The open sessions.
    fn sessions(&self) -> usize {
        let [counts, other] = self.both.each_ref().map(|pages| {
            let sessions: Value = serde_json::from_str(&pages.get("/sessions")).expect("JSON");
            sessions.as_array().expect("an array").len()
        });
        assert_eq!(counts, other);
        counts
    }

    /// The permissions of the Unix socket.
    fn mode(&self) -> u32 {
        let file = fs::metadata(&self.unix).expect("the socket");
        file.permissions().mode() & 0o777
    }
}

/// What `--status --format=json` prints about the configuration of a daemon.
fn asked_by_command(daemon: &Daemon) -> Value {
    let output = command(daemon.folder.path())
        .args(["--status", "--format=json"])
        .output()
        .expect("--status");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn status_is_that_of_the_next_binary() {
    let (mail, peers) = (free_port(), Peers::start());
    let (daemon, pages) = Pages::start(mail, &peers);
    let first = daemon.master();
    let held = Held::open(mail, &peers).expect("sessions");
    pages.are_of(first);
    let open = pages.sessions();
    assert!(open > 0);
    daemon.replace_by(&gateway());
    let second = daemon.master();
    pages.are_of(second);
    // The first process shows its sessions to nobody.
    assert_eq!((pages.sessions(), pages.mode()), (0, 0o640));
    let mut client = LineClient::connect(mail);
    client.expect("220");
    assert_eq!(pages.sessions(), 1);
    let answer = asked_by_command(&daemon);
    let worker = answer["process"]["pid"].as_u64().expect("a number");
    let workers = worker_processes(second.as_raw().cast_unsigned());
    assert!(
        workers.iter().any(|own| u64::from(*own) == worker),
        "{answer}"
    );

    held.complete(&peers)
        .expect("every session to be completed");
    wait_until("the end of the first", || {
        kill(first, None) == Err(Errno::ESRCH)
    });
    pages.are_of(second);
    assert_eq!(pages.mode(), 0o640);
    // The last process takes the file of the socket with it.
    drop(client);
    kill(second, Signal::SIGQUIT).expect("SIGQUIT");
    wait_until("the end of the second", || {
        kill(second, None) == Err(Errno::ESRCH)
    });
    assert!(!pages.unix.exists());
    for pages in &pages.both {
        assert!(
            pages.try_request("GET", "/healthz", "").is_err(),
            "{pages:?}"
        );
    }
}

/// The next binary ends, by a signal or because its configuration cannot be put in force: the old one keeps its status pages.
#[test]
fn status_outlives_the_trial_of_another_binary() {
    let (mail, peers) = (free_port(), Peers::start());
    let (daemon, pages) = Pages::start(mail, &peers);
    let old = daemon.master();
    let is_back = || {
        wait_until("the old pid file", || {
            daemon.pid("gateway.pid") == Some(old)
        });
        pages.are_of(old);
        assert_eq!(pages.mode(), 0o640);
    };
    kill(old, Signal::SIGUSR2).expect("SIGUSR2");
    wait_until("the new master", || {
        daemon.pid("gateway.pid").is_some_and(|new| new != old)
    });
    let new = daemon.master();
    kill(old, Signal::SIGWINCH).expect("SIGWINCH");
    pages.are_of(new);
    kill(old, Signal::SIGHUP).expect("SIGHUP");
    wait_until("the workers of the old one", || {
        !worker_processes(old.as_raw().cast_unsigned()).is_empty()
    });
    kill(new, Signal::SIGQUIT).expect("SIGQUIT");
    is_back();

    let file = daemon.path("gateway.conf");
    let text = fs::read_to_string(&file).expect("the configuration");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("its address");
    let more = format!("mail {{ server {{ listen {taken}; protocol smtp; }}");
    for (changed, fault) in [
        (
            text.replace("mail {", "mail { nosuch;"),
            "unknown directive \"nosuch\"",
        ),
        (text.replace("mail {", &more), "still could not bind()"),
    ] {
        fs::write(&file, changed).expect("the configuration");
        kill(old, Signal::SIGUSR2).expect("SIGUSR2");
        wait_until(fault, || daemon.log().contains(fault));
        is_back();
    }
    // A good one gets its turn.
    fs::write(&file, text).expect("the configuration");
    daemon.replace_by(&gateway());
    pages.are_of(daemon.master());
    assert_eq!(pages.mode(), 0o640);
}

/// Sockets of systemd: bound by somebody else, matched by address. The file of a Unix socket is not the gateway's to remove.
#[test]
fn activated_sockets_are_used() {
    let (port, peers) = (free_port(), Peers::start());
    let folder = TempDir::new("activation");
    let unix = folder.path().join("s");
    let path = unix.display();
    let mail = format!(
        "mail {{ server_name gate.test; auth_http 127.0.0.1:{}/; server {{ listen 127.0.0.1:{port}; listen unix:{path}; protocol smtp; }} }}",
        peers.auth
    );
    support::write_configuration(folder.path(), &mail);
    let gateway = command(folder.path());
    let arguments: Vec<_> = gateway
        .get_args()
        .map(|word| format!("'{}'", word.display()))
        .collect();
    // A script puts the sockets where systemd would, and its own number where the gateway's will be.
    let script = format!(
        "import fcntl, os, socket
sockets = [socket.create_server(('127.0.0.1', {port})), socket.socket(socket.AF_UNIX)]
sockets[1].bind('{path}')
sockets[1].listen()
moved = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in sockets]
for place, each in enumerate(moved, 3):
    os.dup2(each, place)
os.environ['LISTEN_FDS'] = '2'
os.environ['LISTEN_PID'] = str(os.getpid())
os.execv('{}', ['portcullis', {}])",
        self::gateway(),
        arguments.join(", ")
    );
    let mut child = Command::new("python3")
        .args(["-c", &script])
        .spawn()
        .expect("python3");
    wait_until("the gateway", || folder.path().join("gateway.pid").exists());
    LineClient::connect(port).expect("220");
    let mut greeting = [0; 3];
    let mut client = UnixStream::connect(&unix).expect("to connect");
    client.read_exact(&mut greeting).expect("the greeting");
    assert_eq!(&greeting, b"220");
    drop(client);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("to stop it");
    assert!(child.wait().expect("its end").success());
    assert!(unix.exists());
}
