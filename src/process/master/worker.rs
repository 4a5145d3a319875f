//! One worker as the master has it: a process, or with `master_process off` a thread of this one.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::configuration::Configuration;
use super::sockets::{Added, Sockets};
use crate::config::{Config, Options};
use crate::log::LogFiles;
use crate::process::handover::{
    self, Cause, Channel, Handover, Order, ProcessFiles, Report, Reports, ReportsEnd,
    WorkerSettings,
};
use crate::process::worker;

/// This program, even if the file it was started from has been replaced.
const ITSELF: &str = "/proc/self/exe";

/// A worker that has not been reaped.
#[derive(Debug)]
pub struct Worker {
    /// Its number among the workers of this master.
    pub id: u64,
    /// What it runs in.
    pub body: Body,
    /// What it was started with.
    pub settings: WorkerSettings,
    /// Whether it serves or is on its way out.
    pub state: State,
    /// When it was started.
    pub started: Instant,
    /// `None` once it has closed its end.
    channel: Option<Channel>,
    reports: Reports,
    /// How many reports it still owes. It may send no more.
    owed: Cell<usize>,
}

/// What a worker runs in.
#[derive(Debug)]
pub enum Body {
    /// A process of its own.
    Process(Pid),
    /// A thread of this process.
    Thread(JoinHandle<()>),
}

/// What a worker is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has reported no configuration yet.
    Starting,
    /// It accepts clients.
    Serving,
    /// It was told to end, and may still accept.
    Leaving,
    /// It accepts nobody, and finishes its sessions.
    Stopped,
}

impl Worker {
    /// Starts a process.
    ///
    /// # Errors
    /// There is no memory, no process number, or no /proc.
    pub fn process(id: u64, settings: &WorkerSettings, program: &str) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(ITSELF);
        command.arg0(worker::title(program)).env_clear();
        for (name, value) in &settings.environment {
            let value = value.clone().or_else(|| std::env::var_os(name));
            if let Some(value) = value
                && is_variable(name, &value)
            {
                command.env(name, value);
            }
        }
        // Standard input is the one descriptor that both sides know without its number being passed on.
        let child = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        Ok(Self::new(id, Body::Process(pid), settings, ours))
    }

    /// Starts a thread.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn thread(id: u64, settings: &WorkerSettings) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let thread = std::thread::Builder::new().name("worker".to_owned());
        let body = thread.spawn(move || worker::run_in_thread(Channel::new(theirs)))?;
        Ok(Self::new(id, Body::Thread(body), settings, ours))
    }

    fn new(id: u64, body: Body, settings: &WorkerSettings, channel: UnixStream) -> Self {
        Self {
            id,
            body,
            settings: settings.clone(),
            state: State::Starting,
            started: Instant::now(),
            channel: Some(Channel::new(channel)),
            reports: Reports::default(),
            owed: Cell::new(0),
        }
    }

    /// The number of its process.
    pub fn pid(&self) -> Option<Pid> {
        match self.body {
            Body::Process(pid) => Some(pid),
            Body::Thread(_) => None,
        }
    }

    /// Whether it was told to end.
    pub fn is_leaving(&self) -> bool {
        matches!(self.state, State::Leaving | State::Stopped)
    }

    /// Hands it a configuration; before the first one, its settings. `served` is the configuration that it serves.
    ///
    /// # Errors
    /// It is dead, or does not read. It is of no use any more then.
    pub fn configure(
        &self,
        configuration: &Configuration,
        cause: Cause,
        options: &Options,
        sockets: (&Sockets, Option<&Added>),
        served: Option<&Config>,
        files: &LogFiles,
    ) -> io::Result<()> {
        let (addresses, mut descriptors): (Vec<_>, Vec<_>) = sockets
            .0
            .of(&configuration.config, sockets.1, served)
            .unzip();
        let (logs, open) = logs(configuration, files);
        descriptors.extend(open.iter().map(AsFd::as_fd));
        // Without them, the status lacks these figures.
        let shows_status = !configuration.config.status_sockets.is_empty();
        let files = shows_status.then(|| ProcessFiles::open(self.pid()));
        let files = files.and_then(Result::ok);
        descriptors.extend(files.iter().flat_map(ProcessFiles::descriptors));
        let order = Order::Load(Box::new(Handover {
            number: configuration.number,
            cause,
            options: options.into(),
            answers: Arc::clone(&configuration.answers),
            sockets: addresses.into_iter().map(Into::into).collect(),
            logs,
            has_process_files: files.is_some(),
        }));
        if self.state == State::Starting {
            self.send(&self.settings, &[])?;
        }
        // Loaded or refused, then ready.
        self.owe(2);
        self.send(&order, &descriptors)
    }

    /// Hands it the log files of the configuration in force, opened anew.
    ///
    /// # Errors
    /// As `configure`.
    pub fn replace_logs(&self, configuration: &Configuration, files: &LogFiles) -> io::Result<()> {
        let (logs, open) = logs(configuration, files);
        let descriptors: Vec<_> = open.iter().map(AsFd::as_fd).collect();
        self.send(&Order::ReplaceLogs(logs), &descriptors)
    }

    /// Sends an order without descriptors.
    ///
    /// # Errors
    /// As `configure`. Orders to end need no attention then: nobody is left to obey, or the end of the connection is order enough.
    pub fn order(&self, order: &Order) -> io::Result<()> {
        if let Order::Count | Order::Quit(_) = order {
            self.owe(1);
        }
        self.send(order, &[])
    }

    fn owe(&self, reports: usize) {
        self.owed.set(self.owed.get() + reports);
    }

    fn send(&self, message: &impl serde::Serialize, with: &[BorrowedFd<'_>]) -> io::Result<()> {
        match &self.channel {
            Some(channel) => handover::send(channel, message, with),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Whether it was a thread and has ended.
    pub fn is_finished_thread(&self) -> bool {
        match &self.body {
            Body::Thread(thread) => thread.is_finished(),
            Body::Process(_) => false,
        }
    }

    /// What to wait for, until it has closed its end.
    pub fn readable(&self) -> Option<BorrowedFd<'_>> {
        self.channel.as_ref().map(AsFd::as_fd)
    }

    /// The reports that have arrived.
    ///
    /// # Errors
    /// It has closed its end, or sent something that no worker sends. Its end of the connection is closed.
    pub fn reports(&mut self) -> Result<Vec<Report>, ReportsEnd> {
        let Some(channel) = &self.channel else {
            return Ok(Vec::new());
        };
        let reports = handover::reports(channel, &mut self.reports);
        let reports = reports.and_then(|reports| {
            let left = self.owed.get().checked_sub(reports.len());
            self.owed.set(left.ok_or(ReportsEnd::Invalid)?);
            Ok(reports)
        });
        if reports.is_err() {
            self.channel = None;
        }
        reports
    }

    /// Closes the connection. To the worker this is the end of the master: it finishes what it has begun.
    pub fn disconnect(&mut self) {
        self.channel = None;
    }

    /// Ends a process at once.
    pub fn kill(&self) {
        let Body::Process(pid) = self.body else {
            return;
        };
        let killed = kill(pid, Signal::SIGKILL);
        if let (Err(Errno::EPERM), Some(account)) = (killed, &self.settings.account) {
            let _ = account.with_rights_of(|| kill(pid, Signal::SIGKILL));
        }
    }
}

/// Whether a variable can be passed on.
fn is_variable(name: &OsStr, value: &OsStr) -> bool {
    let (name, value) = (name.as_encoded_bytes(), value.as_encoded_bytes());
    !name.is_empty() && !name.contains(&b'=') && !name.contains(&0) && !value.contains(&0)
}

/// `worker process 4711`, as nginx's lines name it.
impl fmt::Display for Worker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.body {
            Body::Process(pid) => write!(out, "worker process {pid}"),
            Body::Thread(_) => out.write_str("the worker thread"),
        }
    }
}

/// The paths and the descriptors of a configuration's log files.
fn logs(configuration: &Configuration, files: &LogFiles) -> (Vec<OsString>, Vec<Arc<File>>) {
    let open = files.descriptors().into_iter();
    let open = open.filter(|(path, _)| configuration.log_files.contains(path));
    open.map(|(path, file)| (path.into(), file)).unzip()
}
