//! A running gateway, nginx or portcullis, of which only the sockets and the process are used.

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
use crate::configuration::{Addresses, Workspace};
use crate::failure::{Context as _, Failure};
use crate::process_tree::Tree;
use crate::protocol::Protocol;

/// The time limit for start and stop.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A program that can be started.
#[derive(Debug, Clone)]
pub struct Program {
    /// The name in the table.
    pub name: &'static str,
    /// The binary.
    pub path: PathBuf,
}

impl Program {
    /// The first line of `-v`.
    pub fn version(&self) -> Result<String, Failure> {
        let output = Command::new(&self.path)
            .arg("-v")
            .output()
            .context(|| format!("run {}", self.path.display()))?;
        let text = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&text)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned())
    }
}

/// A gateway that serves.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    prefix: PathBuf,
    /// The addresses of its servers.
    pub addresses: Addresses,
}

impl Gateway {
    /// Starts `program` in the folder `run` of the workspace and waits until it serves.
    pub async fn start(
        program: &Program,
        workspace: &Workspace,
        run: &str,
        auth: SocketAddr,
    ) -> Result<Self, Failure> {
        let addresses = Addresses::free()?;
        let is_nginx = program.path.file_name().is_some_and(|name| name == "nginx");
        let (prefix, conf) = workspace.prefix(run, is_nginx, addresses, auth)?;
        let context = || format!("start {}", program.path.display());
        let output = File::create(prefix.join("output")).context(context)?;
        let child = Command::new(&program.path)
            .arg("-p")
            .arg(format!("{}/", prefix.display()))
            .arg("-c")
            .arg(&conf)
            .args(["-e", "error.log"])
            .stdin(Stdio::null())
            .stdout(output.try_clone().context(context)?)
            .stderr(output)
            .spawn()
            .context(context)?;
        let mut gateway = Self {
            child,
            prefix,
            addresses,
        };
        gateway
            .wait_for_greeting()
            .await
            .map_err(|e| gateway.failure(program, &e))?;
        Ok(gateway)
    }

    /// Its processes.
    pub fn tree(&self) -> Tree {
        Tree::new(self.child.id())
    }

    /// Sends SIGTERM, as `-s stop` does, and waits until the gateway exits.
    pub async fn stop(mut self) -> Result<(), Failure> {
        self.signal(Signal::SIGTERM);
        let asked = Instant::now();
        while self
            .child
            .try_wait()
            .context(|| "wait for the gateway".to_owned())?
            .is_none()
        {
            if asked.elapsed() > TIMEOUT {
                return Err(Failure::new(format!(
                    "the gateway does not exit on SIGTERM\n{}",
                    self.tail()
                )));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn wait_for_greeting(&mut self) -> Result<(), String> {
        let target = Target {
            address: self.addresses.plain,
            tls: None,
            protocol: Protocol::Smtp,
        };
        let start = Instant::now();
        loop {
            let e = match timeout(TIMEOUT, Client::connect(&target)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(e)) => e,
                Err(_) => "no greeting".to_owned(),
            };
            match self.child.try_wait() {
                Ok(None) if start.elapsed() < TIMEOUT => sleep(Duration::from_millis(10)).await,
                Ok(None) => return Err(e),
                Ok(Some(status)) => return Err(format!("it exited with {status}")),
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

    /// The end of its output and its log.
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
    /// Ends the gateway with all its processes, if an error kept it from being stopped.
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
