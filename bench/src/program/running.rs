//! A measured program that runs; only its sockets and processes are used.

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{sleep, timeout};

use super::workspace::Workspace;
use super::{Kind, Plan, Program, dovecot, haproxy, nginx};
use crate::client::{Client, Target};
use crate::failure::{Context as _, Failure};
use crate::process_tree::Tree;
use crate::scenario::{Handshake, Session};
use crate::server::Server;
use crate::tls::Tls;

/// The time limit for start, reload and stop.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A program that serves.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    prefix: PathBuf,
    folder: PathBuf,
    plan: Plan,
    module: String,
    generation: usize,
}

impl Gateway {
    /// Starts `program` in the folder `run` of the workspace and waits until it serves. `under` is a program, with its
    /// arguments, that runs it, such as a profiler.
    pub async fn start(
        program: &Program,
        workspace: &Workspace,
        run: &str,
        plan: Plan,
        under: &[String],
    ) -> Result<Self, Failure> {
        let prefix = workspace.prefix(run)?;
        let folder = workspace.path().to_owned();
        let conf = prefix.join("gateway.conf");
        let module = nginx::module(program);
        let text = match program.kind {
            Kind::Nginx | Kind::Portcullis => nginx::text(&module, &folder, &plan, 0),
            Kind::HaProxy => haproxy::text(&folder, &plan),
            Kind::Dovecot => dovecot::text(&prefix, &plan),
            Kind::Floor => String::new(),
        };
        fs::write(&conf, text).context(|| format!("write {}", conf.display()))?;
        let context = || format!("start {}", program.path.display());
        let output = File::create(prefix.join("output")).context(context)?;
        let mut command = match under {
            [] => Command::new(&program.path),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&program.path);
                command
            }
        };
        match program.kind {
            Kind::Nginx | Kind::Portcullis => command
                .arg("-p")
                .arg(format!("{}/", prefix.display()))
                .arg("-c")
                .arg(&conf)
                .args(["-e", "error.log"]),
            Kind::HaProxy => command.arg("-db").arg("-f").arg(&conf),
            Kind::Dovecot => command.arg("-F").arg("-c").arg(&conf),
            Kind::Floor => command.args(super::floor::arguments(&plan)),
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().context(context)?)
            .stderr(output)
            .spawn()
            .context(context)?;
        let mut gateway = Self {
            child,
            prefix,
            folder,
            plan,
            module,
            generation: 0,
        };
        let serves = |server: &Server| program.kind.serves(*server);
        for server in Server::ALL.into_iter().filter(serves) {
            gateway
                .wait_for_greeting(server)
                .await
                .map_err(|e| gateway.failure(program, &e))?;
        }
        Ok(gateway)
    }

    /// Where a client connects for such a session.
    pub fn target(&self, session: Session) -> Result<Target, Failure> {
        Ok(Target {
            address: self.plan.addresses.of(session.server),
            server: session.server,
            tls: Tls::client(session.handshake)?,
        })
    }

    /// Reloads the configuration and waits until new clients get the new one.
    pub async fn reload(&mut self) -> Result<(), Failure> {
        self.generation += 1;
        let conf = self.prefix.join("gateway.conf");
        let text = nginx::text(&self.module, &self.folder, &self.plan, self.generation);
        fs::write(&conf, text).context(|| format!("write {}", conf.display()))?;
        self.signal(Signal::SIGHUP);
        let target = Target {
            address: self.plan.addresses.of(Server::Smtp),
            server: Server::Smtp,
            tls: None,
        };
        let name = format!("generation-{}.", self.generation);
        let asked = Instant::now();
        while asked.elapsed() < TIMEOUT {
            let client = Client::connect(&target).await;
            if client.is_ok_and(|client| client.text().contains(&name)) {
                return Ok(());
            }
            sleep(Duration::from_millis(5)).await;
        }
        let tail = self.tail();
        Err(Failure::new(format!("a reload has no effect\n{tail}")))
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

    async fn wait_for_greeting(&mut self, server: Server) -> Result<(), String> {
        let handshake = match server.certificate() {
            Some(_) => Handshake::Full,
            None => Handshake::None,
        };
        let target = Target {
            address: self.plan.addresses.of(server),
            server,
            tls: Tls::client(handshake).map_err(|e| e.to_string())?,
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
