//! The master: a process of one thread that keeps what root is needed for, and talks to nobody but its workers and its signals.
//!
//! It loads configurations, binds sockets, opens logs and owns the pid file. A worker does the serving; the master hands it each
//! configuration, starts another worker when one dies, and starts another binary on SIGUSR2. With `master_process off` the worker
//! is a thread of the same process.

mod certificates;
mod configuration;
mod inherited;
mod notify;
mod reload;
mod reports;
mod restarts;
mod signals;
mod sockets;
mod start;
mod successor;
mod supervision;
mod timers;
mod worker;

use std::fmt;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use self::certificates::{DailyCheck, Watch};
use self::configuration::Configuration;
use self::notify::Notifier;
use self::reload::Change;
use self::restarts::Restarts;
use self::sockets::Sockets;
use self::worker::Worker;
use super::pid::PidFile;
use super::process_log::ProcessLog;
use super::said::Said;
use super::signals::Signals;
use crate::base::Level;
use crate::config::{Options, World};
use crate::log::LogFiles;

pub use self::start::start;

/// A running master.
struct Master {
    options: Options,
    world: Arc<dyn World>,
    files: LogFiles,
    signals: Signals,
    sockets: Sockets,
    /// Written when the first worker serves.
    pid_file: Option<PidFile>,
    /// The configuration in force.
    running: Rc<Configuration>,
    /// How many configurations were loaded.
    loaded: u64,
    /// How many workers were started.
    started: u64,
    /// A reload that a worker has not answered yet.
    change: Option<Change>,
    /// Who asked for a reload during one.
    waiting: Vec<Option<i32>>,
    workers: Vec<Worker>,
    restarts: Restarts,
    /// The process of the next binary.
    successor: Option<Pid>,
    /// Whether the parent is the master whose binary this one replaces, and its number.
    predecessor: Option<Pid>,
    mode: Mode,
    is_daemon: bool,
    phase: Phase,
    notifier: Notifier,
    /// The warnings that were logged for the configuration in force.
    said: Said,
    watch: Watch,
    daily: DailyCheck,
    log: ProcessLog,
}

/// `master_process`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Workers are processes.
    Master,
    /// The worker is a thread of this process.
    Single,
}

/// What the master is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The first worker has not reported yet.
    Starting,
    /// A worker serves, or will soon.
    Serving,
    /// SIGWINCH: nobody is accepted; SIGHUP ends that.
    Paused,
    /// SIGQUIT: workers finish.
    Quitting,
    /// SIGTERM: workers end, or are killed at this time.
    Terminating(Instant),
    /// The first worker could not serve: as `Terminating`.
    Failing(Instant),
    /// All that could be killed is killed, after a failure.
    Failed,
}

impl Master {
    /// Runs until a signal ends it. `None`: it never served.
    fn run(&mut self) -> Option<()> {
        while !self.is_over() {
            self.wait();
            for received in self.signals.pending() {
                self.handle(received);
            }
            self.read_reports();
            self.reap();
            self.watch.read_events(Instant::now());
            self.act_on_time();
        }
        let has_served = !matches!(self.phase, Phase::Failing(_) | Phase::Failed);
        has_served.then_some(())
    }

    fn is_over(&self) -> bool {
        match self.phase {
            Phase::Starting | Phase::Serving | Phase::Paused => false,
            Phase::Quitting | Phase::Terminating(_) | Phase::Failing(_) | Phase::Failed => {
                self.workers.is_empty()
            }
        }
    }

    /// Waits for a signal, a report, an event about a watched file, or the next time that something is due.
    fn wait(&self) {
        let workers = self.workers.iter().filter_map(Worker::readable);
        let mut sources: Vec<_> = [self.signals.as_fd()]
            .into_iter()
            .chain(workers)
            .chain(self.watch.readable())
            .map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN))
            .collect();
        let left = self
            .next_due()
            .map(|due| due.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        // Interrupted by a signal, as a rule; whatever the reason is, there is nothing to do but to look around.
        let _ = poll(&mut sources, left.as_ref());
    }

    /// The worker that accepts clients, or will as soon as it has loaded the configuration in force.
    fn current(&self) -> Option<&Worker> {
        self.workers.iter().find(|worker| !worker.is_leaving())
    }

    fn notice(&self, text: fmt::Arguments<'_>) {
        self.log.line(Level::Notice, text);
    }
}
