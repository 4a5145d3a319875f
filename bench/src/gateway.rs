//! A running gateway: nginx or portcullis, started as a program and known only by its sockets and its process.

use std::fs;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{sleep, timeout};

use crate::client::{Client, Target};
use crate::conf::{Listens, Scratch};
use crate::failure::{Doing as _, Failure};
use crate::proctree::Tree;
use crate::protocol::Protocol;

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What can be started.
#[derive(Debug, Clone)]
pub struct Program {
    /// What the table calls it.
    pub name: &'static str,
    /// The binary.
    pub path: PathBuf,
}

impl Program {
    /// What it says of itself under `-v`, on one line.
    pub fn version(&self) -> Result<String, Failure> {
        let output = Command::new(&self.path)
            .arg("-v")
            .output()
            .doing(|| format!("run {}", self.path.display()))?;
        let said = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&said)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned())
    }
}

/// A gateway that answers on both ports.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    prefix: PathBuf,
    /// Where it listens.
    pub listens: Listens,
}

impl Gateway {
    /// Starts `program` in the folder `run` of `scratch` and waits until it greets.
    pub async fn start(
        program: &Program,
        scratch: &Scratch,
        run: &str,
        auth: SocketAddr,
    ) -> Result<Self, Failure> {
        let listens = Listens::free()?;
        let is_nginx = program.path.file_name().is_some_and(|name| name == "nginx");
        let (prefix, conf) = scratch.prefix(run, is_nginx, listens, auth)?;
        let doing = || format!("start {}", program.path.display());
        let output = File::create(prefix.join("output")).doing(doing)?;
        let child = Command::new(&program.path)
            .arg("-p")
            .arg(format!("{}/", prefix.display()))
            .arg("-c")
            .arg(&conf)
            .args(["-e", "error.log"])
            .stdin(Stdio::null())
            .stdout(output.try_clone().doing(doing)?)
            .stderr(output)
            .spawn()
            .doing(doing)?;
        let mut gateway = Self {
            child,
            prefix,
            listens,
        };
        gateway
            .greets()
            .await
            .map_err(|e| gateway.failure(program, &e))?;
        Ok(gateway)
    }

    /// Its processes.
    pub fn tree(&self) -> Tree {
        Tree::new(self.child.id())
    }

    /// Stops it at once, as `-s stop` would, and waits for its end.
    pub async fn stop(mut self) -> Result<(), Failure> {
        self.signal(Signal::SIGTERM);
        let asked = Instant::now();
        while self
            .child
            .try_wait()
            .doing(|| "wait for the gateway".to_owned())?
            .is_none()
        {
            if asked.elapsed() > PATIENCE {
                return Err(Failure::new(format!(
                    "the gateway does not stop on SIGTERM\n{}",
                    self.tail()
                )));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn greets(&mut self) -> Result<(), String> {
        let target = Target {
            address: self.listens.plain,
            tls: None,
            protocol: Protocol::Smtp,
        };
        let begun = Instant::now();
        loop {
            let e = match timeout(PATIENCE, Client::greeted(&target)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(e)) => e,
                Err(_) => "no greeting".to_owned(),
            };
            match self.child.try_wait() {
                Ok(None) if begun.elapsed() < PATIENCE => sleep(Duration::from_millis(10)).await,
                Ok(None) => return Err(e),
                Ok(Some(status)) => return Err(format!("it ended with {status}")),
                Err(e) => return Err(e.to_string()),
            }
        }
    }

    fn failure(&self, program: &Program, why: &str) -> Failure {
        Failure::new(format!(
            "{} does not serve: {why}\n{}",
            program.path.display(),
            self.tail()
        ))
    }

    /// The end of what it wrote.
    fn tail(&self) -> String {
        ["output", "error.log"]
            .iter()
            .map(|name| last_lines(&self.prefix.join(name)))
            .collect()
    }

    fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It may have ended already.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for Gateway {
    /// A gateway that was not stopped, because something failed, goes with all its processes.
    fn drop(&mut self) {
        let processes = self.tree().processes().unwrap_or_default();
        self.signal(Signal::SIGTERM);
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        for pid in processes
            .into_iter()
            .filter_map(|pid| i32::try_from(pid).ok())
        {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

fn last_lines(path: &Path) -> String {
    let text = fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..]
        .iter()
        .map(|line| format!("  {line}\n"))
        .collect()
}
