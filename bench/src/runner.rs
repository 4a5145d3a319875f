//! Starts programs for measurements: each in its own folder, in front of the same servers.

use std::path::PathBuf;

use crate::args::Options;
use crate::failure::Failure;
use crate::load::Load;
use crate::program::running::Gateway;
use crate::program::workspace::Workspace;
use crate::program::{Plan, Program};
use crate::scenario::{Scenario, Session};
use crate::server::Addresses;
use crate::sinks::{self, Sinks};

/// What all measurements share.
#[derive(Debug)]
pub struct Runner {
    /// The options.
    pub options: Options,
    /// The folder of certificates and starts.
    pub workspace: Workspace,
    sinks: Sinks,
    /// This program.
    pub own: PathBuf,
    /// The number of programs started so far; each has its own folder.
    starts: usize,
}

impl Runner {
    /// Starts the servers behind the programs. `own` is this program.
    ///
    /// # Errors
    /// When that fails.
    pub fn new(options: Options, own: PathBuf) -> Result<Self, Failure> {
        Ok(Self {
            options,
            workspace: Workspace::create()?,
            sinks: sinks::start()?,
            own,
            starts: 0,
        })
    }

    /// A new folder, for a program that is not started.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn prefix(&mut self) -> Result<PathBuf, Failure> {
        self.starts += 1;
        self.workspace.prefix(&self.starts.to_string())
    }

    /// Starts a program for a scenario, see [`Gateway::start`]; `single` is for one process.
    ///
    /// # Errors
    /// When it does not serve.
    pub async fn start(
        &mut self,
        program: &Program,
        scenario: &Scenario,
        under: &[String],
        single: bool,
    ) -> Result<Gateway, Failure> {
        self.starts += 1;
        let options = &self.options;
        let plan = Plan {
            addresses: Addresses::free()?,
            sinks: self.sinks,
            threads: if single {
                1
            } else {
                scenario.threads.unwrap_or(options.threads)
            },
            sessions: scenario.open_sessions(options.idle, options.concurrency),
            single,
        };
        let run = format!("{}-{}", self.starts, program.name);
        Gateway::start(program, &self.workspace, &run, plan, under).await
    }
}

/// A load of `sessions` sessions by `clients` clients. Each client has its own tickets.
///
/// # Errors
/// When TLS cannot be set up.
pub fn load(
    gateway: &Gateway,
    session: Session,
    sessions: usize,
    clients: usize,
) -> Result<Load, Failure> {
    let targets = (0..clients).map(|_| gateway.target(session));
    Ok(Load {
        targets: targets.collect::<Result<_, _>>()?,
        work: session.work,
        sessions,
    })
}
