//! The gateway as a process in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error_log::without_sessions;
use crate::{TIMEOUT, TempDir, wait_until};

/// What most configurations have before `mail {}`.
const MAIN: &str = "worker_processes 2;\nevents {}";

/// How long the gateway may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// How long a log may not grow before all of its lines count as written. The gateway writes them within 2 ms.
const SETTLED: Duration = Duration::from_millis(20);
/// How often a log that grows is looked at.
const ROUNDS: usize = 5;

/// A running gateway. It is stopped when dropped.
#[derive(Debug)]
pub struct Gateway {
    folder: TempDir,
    child: Child,
}

impl Gateway {
    /// Starts the gateway with this `mail {}` block and waits until it serves.
    pub fn start(mail: &str) -> Self {
        Self::start_with(MAIN, mail)
    }

    /// As [`Gateway::start`], with other lines before `mail {}`.
    pub fn start_with(main: &str, mail: &str) -> Self {
        Self::start_adapted(main, mail, |_, _| {})
    }

    /// As [`Gateway::start_with`], after a change of the command. It gets the directory too.
    pub fn start_adapted(main: &str, mail: &str, adapt: impl FnOnce(&mut Command, &Path)) -> Self {
        let folder = TempDir::new("gateway");
        write(folder.path(), main, mail);
        let mut command = command(folder.path());
        adapt(&mut command, folder.path());
        let child = command.spawn().expect("the gateway");
        let mut this = Self { folder, child };
        let pid = this.folder().join("gateway.pid");
        wait_until("the gateway", || {
            let ended = this.child.try_wait().expect("its state");
            assert!(ended.is_none(), "the gateway ended:\n{}", this.log());
            fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'))
        });
        this
    }

    /// The directory with `gateway.conf`, `error.log` and `gateway.pid`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The content of the error log, without the identifiers of sessions.
    pub fn log(&self) -> String {
        without_sessions(&self.log_as_written())
    }

    /// The content of the error log. A thread of the gateway writes it, some milliseconds after the event: returns it once it does
    /// not grow any more, or soon if the gateway is under load.
    pub fn log_as_written(&self) -> String {
        let mut log = self.written();
        for _ in 0..ROUNDS {
            std::thread::sleep(SETTLED);
            let before = std::mem::replace(&mut log, self.written());
            if log.len() == before.len() {
                break;
            }
        }
        String::from_utf8_lossy(&log).into_owned()
    }

    fn written(&self) -> Vec<u8> {
        fs::read(self.folder().join("error.log")).unwrap_or_default()
    }

    /// Waits for a line of the error log that contains `text`, identifiers of sessions left out.
    pub fn wait_for_log(&self, text: &str) {
        let start = Instant::now();
        while !without_sessions(&String::from_utf8_lossy(&self.written())).contains(text) {
            let waited = start.elapsed();
            assert!(waited < TIMEOUT, "no {text:?} in the log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Replaces the `mail {}` block of the configuration.
    pub fn rewrite(&self, mail: &str) {
        write_configuration(self.folder(), mail);
    }

    /// Sends SIGHUP and waits until the new configuration is in force.
    pub fn reload(&self) {
        let done = |log: &str| log.matches("reconfigured").count();
        let before = done(&self.log());
        self.signal(Signal::SIGHUP);
        wait_until("the reload", || done(&self.log()) > before);
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("to signal the gateway");
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The number of its worker process.
    ///
    /// # Panics
    /// There is none, or more than one.
    pub fn worker(&self) -> u32 {
        match worker_processes(self.pid()).as_slice() {
            [worker] => *worker,
            workers => panic!("not one worker: {workers:?}"),
        }
    }

    /// Waits until it exits and returns its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // The master takes its worker along. A killed one would leave it with its sessions.
        let pid = Pid::from_raw(self.child.id().cast_signed());
        let _ = kill(pid, Signal::SIGTERM);
        let start = Instant::now();
        while start.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The worker processes of a master: its children.
pub fn worker_processes(master: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"));
    let children = children.expect("the children of a process");
    let numbers = children.split_whitespace();
    numbers
        .map(|number| number.parse().expect("a number"))
        .collect()
}

/// The binary under test: `PORTCULLIS_BIN`, or the one that cargo built beside the running program.
///
/// # Errors
/// When there is none.
pub fn binary() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("PORTCULLIS_BIN") {
        return Ok(PathBuf::from(path));
    }
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    // target/debug/<program> or target/debug/deps/<test>
    let folders = here.ancestors().skip(1).take(2);
    let found = folders
        .map(|folder| folder.join("portcullis"))
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        format!(
            "no portcullis beside {}: run `cargo build` or set PORTCULLIS_BIN",
            here.display()
        )
    })
}

/// The binary with options to use `folder`: its configuration is `gateway.conf`.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(binary().expect("portcullis is built"));
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("gateway.conf"))
        // The log until the configured one is open.
        .arg("-e")
        .arg(folder.join("early.log"))
        .stdin(Stdio::null());
    command
}

/// Writes `gateway.conf` with this `mail {}` block.
pub fn write_configuration(folder: &Path, mail: &str) {
    write(folder, MAIN, mail);
}

fn write(folder: &Path, main: &str, mail: &str) {
    let text =
        format!("daemon off;\npid gateway.pid;\nerror_log error.log info;\n{main}\n{mail}\n");
    fs::write(folder.join("gateway.conf"), text).expect("the configuration");
}
