//! A server of Redis on a port of 127.0.0.1, without persistence.

use std::ffi::OsStr;
use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::run;
use crate::{TempDir, free_port, wait_until};

/// A running server. It is killed when dropped.
#[derive(Debug)]
pub struct Redis {
    pub port: u16,
    options: Vec<String>,
    folder: TempDir,
    child: Child,
}

impl Redis {
    /// Starts one, with these further options.
    pub fn start(options: &[&str]) -> Self {
        let (port, folder) = (free_port(), TempDir::new("redis"));
        let options: Vec<_> = options.iter().map(ToString::to_string).collect();
        let child = spawn(port, &options, &folder);
        let this = Self {
            port,
            options,
            folder,
            child,
        };
        this.wait();
        this
    }

    /// Kills it: what it has is lost.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again after [`kill`](Self::kill), on the same port.
    pub fn start_again(&mut self) {
        self.child = spawn(self.port, &self.options, &self.folder);
        self.wait();
    }

    /// Stops or continues the process.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("to signal redis");
    }

    /// The output of `redis-cli` with this command.
    pub fn ask(&self, command: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.arg("-p").arg(self.port.to_string()).args(command);
        let output = cli.output().expect("redis-cli");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The number of calls of a command so far.
    pub fn calls(&self, command: &str) -> usize {
        let stats = self.ask(&["INFO", "commandstats"]);
        let start = format!("cmdstat_{command}:calls=");
        let line = stats.lines().find_map(|line| line.strip_prefix(&start));
        let number = line.and_then(|line| line.split(',').next()?.parse().ok());
        number.unwrap_or(0)
    }

    fn wait(&self) {
        wait_until("redis", || {
            let answer = self.ask(&["PING"]);
            answer.starts_with("PONG") || answer.starts_with("NOAUTH")
        });
    }
}

fn spawn(port: u16, options: &[String], folder: &TempDir) -> Child {
    let port = port.to_string();
    let own = [
        "--port",
        &port,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
    ]
    .map(OsStr::new);
    let mut arguments = own.to_vec();
    arguments.push(folder.path().as_os_str());
    arguments.extend(options.iter().map(OsStr::new));
    run(folder.path(), "redis-server", &arguments)
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
