//! A configuration as the master has it: the machine's answers to its load, and what follows from it for processes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::Level;
use crate::config::settings::Core;
use crate::config::{Config, LogDestination, Options, World};
use crate::log::{ErrorLog, LogFiles};
use crate::net::resolver::SystemNames;
use crate::process::bootstrap;
use crate::process::handover::{Recorder, Recording, WorkerSettings};
use crate::process::privileges::Account;
use crate::process::privileges::resources::Processors;
use crate::process::process_log::ProcessLog;
use crate::process::said::Said;

/// A loaded configuration with its open logs.
#[derive(Debug)]
pub struct Configuration {
    /// Counts the configurations of this process.
    pub number: u64,
    /// What it says.
    pub config: Config,
    /// What a worker loads it from.
    pub answers: Arc<Recording>,
    /// What holds for a worker from its start on.
    pub worker: WorkerSettings,
    /// The main error log.
    pub log: Arc<ErrorLog>,
    /// Whether an `error_log` of any server writes to standard error.
    pub uses_stderr: bool,
    /// Every log file that it names, and the log of `-e`.
    pub log_files: Vec<PathBuf>,
    /// Keeps them open.
    _open: Vec<ErrorLog>,
}

impl Configuration {
    /// Loads the configuration and opens its logs. `said` has the warnings of the one before. `None`: what went wrong has been said.
    pub fn load(
        number: u64,
        options: &Options,
        world: &dyn World,
        files: &LogFiles,
        said: &mut Said,
        log: &ProcessLog,
    ) -> Option<Self> {
        let recorder = Recorder::new(world);
        let config = bootstrap::load(options, &recorder, said, log)?.config;
        log.accept(bootstrap::check_servers(&config))?;
        // For the record: a worker resolves names by the same files.
        let _ = SystemNames::read(&recorder);
        let mut log_files = config.log_files.clone();
        let mut open = Vec::new();
        for path in &log_files {
            open.push(log.accept(files.open_file(path, Level::Emerg))?);
        }
        let main = Arc::new(log.accept(files.open(&config.error_log))?);
        if let LogDestination::File(path) = &options.error_log
            && !log_files.contains(path)
            // A log that cannot be opened was complained about, and standard error stands in for it.
            && let Ok(early) = files.open_file(path, Level::Emerg)
        {
            log_files.push(path.clone());
            open.push(early);
        }
        let worker = worker_settings(&config, &recorder);
        Some(Self {
            number,
            worker,
            answers: Arc::new(recorder.finish()),
            log: main,
            uses_stderr: uses_stderr(&config),
            log_files,
            config,
            _open: open,
        })
    }
}

fn uses_stderr(config: &Config) -> bool {
    let servers = config.servers.iter().map(|server| &server.error_log);
    let errors = servers.chain([&config.error_log]).flatten();
    let mails = config.servers.iter().flat_map(|server| &server.mail_log);
    let errors = errors.map(|target| &target.destination);
    let mut all = errors.chain(mails.map(|log| &log.destination));
    all.any(|destination| *destination == LogDestination::Stderr)
}

fn worker_settings(config: &Config, world: &dyn World) -> WorkerSettings {
    let core = &config.core;
    let threads = core.worker_processes.max(1);
    let affinity = core.worker_cpu_affinity.as_ref();
    let masks = affinity.map(|affinity| affinity.of_threads(threads, world.processors()));
    let processors = masks.into_iter().flatten();
    WorkerSettings {
        account: Account::of(config, world),
        threads,
        processors: processors.map(|mask| Processors::new(mask.0)).collect(),
        priority: i32::try_from(core.worker_priority).unwrap_or_default(),
        open_files: core.worker_rlimit_nofile.map(|limit| limit as u64),
        core_file: core
            .worker_rlimit_core
            .and_then(|limit| limit.try_into().ok()),
        folder: core
            .working_directory
            .clone()
            .map(|folder| OsString::from_vec(folder.into())),
        environment: environment(core),
    }
}

/// The environment of workers: `TZ` and what `env` names, as in nginx, and the variable by which logs know the journal.
fn environment(core: &Core) -> Vec<(OsString, Option<OsString>)> {
    let text = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    let mut variables = vec![
        (OsString::from("TZ"), None),
        (OsString::from("JOURNAL_STREAM"), None),
    ];
    for word in &core.env {
        let end = word.iter().position(|byte| *byte == b'=');
        variables.push(match end {
            Some(end) => (text(&word[..end]), Some(text(&word[end + 1..]))),
            None => (text(word), None),
        });
    }
    variables
}
