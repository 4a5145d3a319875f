//! What the master and a worker tell each other.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::recording::Recording;
use crate::base::{Address, Secret};
use crate::config::{LogDestination, Messages, Options, PidOption};
use crate::process::privileges::Account;
use crate::process::privileges::resources::Processors;

/// How long a reason of a refusal may be, in bytes: a report is one frame.
const LONGEST_REASON: usize = 2048;

/// What holds for a worker from its start to its end. The first frame that it gets; a reload that changes any of it starts
/// another worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerSettings {
    /// `user`, if the process may change it.
    pub account: Option<Account>,
    /// `worker_processes`: threads.
    pub threads: usize,
    /// `worker_cpu_affinity`: the processors of each thread; the last set holds for further threads.
    pub processors: Vec<Processors>,
    /// `worker_priority`; 0 leaves it as it is.
    pub priority: i32,
    /// `worker_rlimit_nofile`; without it the soft limit is raised to the hard one.
    pub open_files: Option<u64>,
    /// `worker_rlimit_core`, in bytes.
    pub core_file: Option<u64>,
    /// `working_directory`
    pub folder: Option<OsString>,
    /// `env`: names, and values where they are given.
    pub environment: Vec<(OsString, Option<OsString>)>,
}

/// What the master orders.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Load a configuration. The frame has the descriptors of its sockets, then those of its logs. The first one is put in
    /// force at once.
    Load(Box<Handover>),
    /// Put the configuration that was loaded last in force.
    PutInForce,
    /// SIGUSR1: these log files, whose descriptors the frame has, replace those of the same path.
    ReplaceLogs(Vec<OsString>),
    /// SIGQUIT: accept nobody, and end with the last session.
    Quit(StatusSockets),
    /// SIGTERM: end at once.
    Terminate,
    /// Report the number of sessions.
    Count,
    /// A reload is over. Sent where `status` shows it.
    Reloaded(Reloaded),
}

/// What a worker that finishes its sessions does with the sockets of `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusSockets {
    /// It closes them: another worker or binary answers on them.
    Closed,
    /// It answers on them until its end: no other process does.
    Kept,
}

/// The end of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// A reload, or changed TLS files.
    pub cause: Cause,
    /// Why the old configuration goes on, if it does. At most [`LONGEST_REASON`] bytes.
    pub refusal: Option<String>,
}

impl Reloaded {
    /// The end of a reload, with the reason if it is refused.
    pub fn new(cause: Cause, refusal: Option<&str>) -> Self {
        Self {
            cause,
            refusal: refusal.map(|reason| shortened(reason.to_owned())),
        }
    }
}

/// Why a configuration replaces another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The start of a worker, or a reload: the sessions of the one before are from the past.
    Reload,
    /// Its TLS files have changed, and nothing else: all sessions belong to the same configuration.
    Certificates,
}

/// One configuration as it is handed to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Handover {
    /// Counts configurations of this master; a report names it.
    pub number: u64,
    /// What the command line says.
    pub options: SentOptions,
    /// Why it replaces the one before.
    pub cause: Cause,
    /// The machine's answers to the load.
    pub answers: Arc<Recording>,
    /// The addresses of the listening sockets.
    pub sockets: Vec<SentAddress>,
    /// The paths of the log files.
    pub logs: Vec<OsString>,
    /// Whether the last two descriptors are [`ProcessFiles`](super::process_files::ProcessFiles).
    pub has_process_files: bool,
}

/// What a worker reports. The master trusts none of it further than its meaning here.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The configuration of this number is loaded, and nothing has changed yet.
    Loaded(u64),
    /// The configuration of this number is in force.
    Ready(u64),
    /// The configuration of this number cannot be used, for this reason; the one before it stays.
    Refused(u64, String),
    /// It accepts nobody any more.
    Stopped,
    /// Open sessions.
    Sessions(u64),
}

impl Report {
    /// A refusal, with a reason that fits into a report.
    pub fn refused(number: u64, reason: String) -> Self {
        Self::Refused(number, shortened(reason))
    }
}

/// The beginning of a reason.
fn shortened(mut reason: String) -> String {
    let mut end = reason.len().min(LONGEST_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.truncate(end);
    reason
}

/// [`Options`] on their way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SentOptions {
    is_nginx: bool,
    prefix: OsString,
    file: OsString,
    globals: Option<Globals>,
    /// `None` is standard error.
    error_log: Option<OsString>,
    pid: SentPid,
}

/// A [`PidOption`] on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum SentPid {
    BuiltIn(OsString),
    Given(OsString),
}

/// The text of `-g`, which is not printed.
#[derive(Clone, Serialize, Deserialize)]
struct Globals(Vec<u8>);

impl std::fmt::Debug for Globals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl From<&Options> for SentOptions {
    fn from(options: &Options) -> Self {
        let globals = options.globals.as_ref();
        Self {
            is_nginx: options.program == "nginx",
            prefix: options.prefix.clone().into(),
            file: options.file.clone().into(),
            globals: globals.map(|globals| Globals(globals.reveal().clone())),
            error_log: match &options.error_log {
                LogDestination::File(path) => Some(path.clone().into()),
                LogDestination::Stderr | LogDestination::Syslog(_) => None,
            },
            pid: match &options.pid {
                PidOption::BuiltIn(path) => SentPid::BuiltIn(path.clone().into()),
                PidOption::Given(path) => SentPid::Given(path.clone().into()),
            },
        }
    }
}

impl From<SentOptions> for Options {
    fn from(sent: SentOptions) -> Self {
        let error_log = sent.error_log.map(PathBuf::from);
        Self {
            program: if sent.is_nginx { "nginx" } else { "portcullis" },
            prefix: sent.prefix.into(),
            file: sent.file.into(),
            globals: sent.globals.map(|Globals(text)| Secret::new(text)),
            error_log: error_log.map_or(LogDestination::Stderr, LogDestination::File),
            // The master has printed the warnings.
            allowed: Vec::new(),
            typed: None,
            messages: Messages::default(),
            pid: match sent.pid {
                SentPid::BuiltIn(path) => PidOption::BuiltIn(path.into()),
                SentPid::Given(path) => PidOption::Given(path.into()),
            },
        }
    }
}

/// An [`Address`] on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SentAddress {
    /// IPv4 or IPv6 with a port.
    Inet(SocketAddr),
    /// The path of a Unix socket.
    Unix(OsString),
}

impl From<&Address> for SentAddress {
    fn from(address: &Address) -> Self {
        match address {
            Address::Inet(address) => Self::Inet(*address),
            Address::Unix(path) => Self::Unix(path.clone().into()),
        }
    }
}

impl From<SentAddress> for Address {
    fn from(sent: SentAddress) -> Self {
        match sent {
            SentAddress::Inet(address) => Self::Inet(address),
            SentAddress::Unix(path) => Self::Unix(path.into()),
        }
    }
}
