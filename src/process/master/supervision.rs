//! Starting workers, and what follows from their ends.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::configuration::Configuration;
use super::signals::PATIENCE;
use super::sockets::Added;
use super::worker::{State, Worker};
use super::{Master, Mode, Phase};
use crate::base::{Errno, Level};
use crate::process::handover::{Cause, Order};
use crate::process::pid::PidFile;
use crate::process::process_log::ProcessLog;
use crate::process::worker::FATAL;

/// How a worker ended.
#[derive(Clone, Copy, Debug)]
enum End {
    Code(i32),
    Signal(Signal, bool),
    /// The end of a thread.
    Thread,
}

impl Master {
    /// Starts a worker with a configuration. Returns its identity.
    pub(super) fn spawn(
        &mut self,
        configuration: &Configuration,
        added: Option<&Added>,
    ) -> io::Result<u64> {
        self.started += 1;
        let (id, settings) = (self.started, &configuration.worker);
        let worker = match self.mode {
            Mode::Master => Worker::process(id, settings, self.options.program)?,
            Mode::Single => Worker::thread(id, settings)?,
        };
        if let Some(pid) = worker.pid() {
            self.notice(format_args!("start worker process {pid}"));
        }
        let sockets = (&self.sockets, added);
        let sent = worker.configure(
            configuration,
            Cause::Reload,
            &self.options,
            sockets,
            None,
            &self.files,
        );
        self.workers.push(worker);
        match sent {
            Ok(()) => Ok(id),
            Err(error) => {
                self.disown(id);
                Err(error)
            }
        }
    }

    /// Starts a worker with the configuration in force. If that fails, it is tried again later.
    pub(super) fn start_worker(&mut self) {
        self.restarts.due = None;
        // The last worker may have left them in any state.
        self.sockets.restore(&self.running.config, &self.log);
        let running = Rc::clone(&self.running);
        if let Err(error) = self.spawn(&running, None) {
            let text = format_args!("a worker process cannot be started{}", Errno(&error));
            self.log.line(Level::Alert, text);
            self.restart_later(Duration::ZERO);
        }
    }

    fn restart_later(&mut self, lived: Duration) {
        let (deaths, pause) = self.restarts.after(lived);
        if !pause.is_zero() {
            let text = format_args!(
                "{deaths} worker processes ended in a row, the next one is started in {}s",
                pause.as_secs()
            );
            self.log.line(Level::Alert, text);
        }
    }

    /// The first worker serves.
    pub(super) fn started(&mut self) {
        let path = &self.running.config.pid;
        let written = PidFile::write(path);
        let call = format_args!("open() \"{}\"", path.display());
        match self.log.check(call, written) {
            Some(pid_file) => {
                self.pid_file = Some(pid_file);
                self.phase = Phase::Serving;
                self.log = ProcessLog::running(Arc::clone(&self.running.log));
                self.follow_certificates();
                self.notifier.ready();
                self.reload_if_wanted();
            }
            None => self.fail(),
        }
    }

    /// Ends without having served.
    pub(super) fn fail(&mut self) {
        self.dismiss(&Order::Terminate);
        self.phase = Phase::Failing(Instant::now() + PATIENCE);
    }

    /// Gives up a worker that does not read its orders, and starts another one if it served.
    pub(super) fn give_up(&mut self, id: u64) {
        if self.disown(id) == Some(State::Serving) && self.phase == Phase::Serving {
            self.start_worker();
        }
    }

    fn disown(&mut self, id: u64) -> Option<State> {
        let worker = self.workers.iter_mut().find(|worker| worker.id == id)?;
        worker.disconnect();
        Some(std::mem::replace(&mut worker.state, State::Leaving))
    }

    /// Takes note of what has ended.
    pub(super) fn reap(&mut self) {
        while let Some((pid, end)) = next_end() {
            if self.successor == Some(pid) {
                self.notice(format_args!("new binary process {pid} {end}"));
                self.successor_ended();
                continue;
            }
            let mut workers = self.workers.iter();
            let at = workers.position(|worker| worker.pid() == Some(pid));
            if let Some(at) = at {
                let worker = self.workers.swap_remove(at);
                self.worker_ended(&worker, end);
            }
        }
        while let Some(at) = self.workers.iter().position(Worker::is_finished_thread) {
            let worker = self.workers.swap_remove(at);
            self.worker_ended(&worker, End::Thread);
        }
    }

    fn worker_ended(&mut self, worker: &Worker, end: End) {
        let was_expected = worker.is_leaving();
        self.close_removed();
        let is_fatal = !was_expected && matches!(end, End::Code(FATAL));
        match end {
            End::Code(FATAL) if is_fatal => {
                let text = format_args!("{worker} {end} and cannot be respawned");
                self.log.line(Level::Alert, text);
            }
            End::Code(_) => self.notice(format_args!("{worker} {end}")),
            End::Signal(..) => self.log.line(Level::Alert, format_args!("{worker} {end}")),
            End::Thread => {}
        }
        let name = worker.to_string();
        self.abandon_change_of(worker.id, &format!("{name} ended during the reload"));
        if was_expected {
            return;
        }
        match self.phase {
            Phase::Starting => {
                let text = format_args!("{name} could not serve, see the lines before this one");
                self.log.line(Level::Emerg, text);
                self.fail();
            }
            // A thread takes the process with it: nobody else could restart it cleanly.
            Phase::Serving if self.mode == Mode::Single => self.fail(),
            Phase::Serving if !is_fatal && self.current().is_none() => {
                self.restart_later(worker.started.elapsed());
            }
            _ => {}
        }
    }
}

/// The next child that has ended.
fn next_end() -> Option<(Pid, End)> {
    match waitpid(None, Some(WaitPidFlag::WNOHANG)).ok()? {
        WaitStatus::Exited(pid, code) => Some((pid, End::Code(code))),
        WaitStatus::Signaled(pid, signal, dumped) => Some((pid, End::Signal(signal, dumped))),
        _ => None,
    }
}

/// nginx's words.
impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(FATAL) => write!(out, "exited with fatal code {FATAL}"),
            Self::Code(code) => write!(out, "exited with code {code}"),
            Self::Signal(signal, false) => write!(out, "exited on signal {}", *signal as i32),
            Self::Signal(signal, true) => {
                write!(out, "exited on signal {} (core dumped)", *signal as i32)
            }
            Self::Thread => out.write_str("ended"),
        }
    }
}
