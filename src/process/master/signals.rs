//! What each signal does to the master.

use std::time::{Duration, Instant};

use nix::unistd::getppid;
use signal_hook::consts::signal::{
    SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
};

use super::worker::State;
use super::{Master, Phase};
use crate::base::{Errno, Level};
use crate::process::daemon;
use crate::process::handover::{Order, StatusSockets};
use crate::process::signals::Received;

/// How long workers may take to end at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

impl Master {
    pub(super) fn handle(&mut self, received: Received) {
        let is_serving = matches!(self.phase, Phase::Serving | Phase::Paused);
        let consequence = match received.number {
            SIGTERM | SIGINT => ", exiting",
            SIGQUIT => ", shutting down",
            SIGUSR1 => ", reopening logs",
            SIGCHLD => "",
            // A terminal sends it whenever its window changes.
            SIGWINCH if !self.is_daemon => ", ignoring",
            // During the start it is remembered.
            SIGHUP if is_serving || self.phase == Phase::Starting => ", reconfiguring",
            _ if !is_serving => ", ignoring",
            SIGWINCH => ", shutting down",
            SIGUSR2 if self.may_be_replaced() => ", changing binary",
            _ => ", ignoring",
        };
        self.notice(format_args!("{}", received.line(consequence)));
        match (received.number, consequence) {
            (_, ", ignoring") => {}
            (SIGTERM | SIGINT, _) => self.terminate(),
            (SIGQUIT, _) => self.quit(),
            (SIGUSR1, _) => self.reopen_logs(),
            (SIGHUP, _) => self.reload(received.sender),
            (SIGWINCH, _) => self.pause(),
            (SIGUSR2, _) => self.start_successor(),
            _ => {}
        }
    }

    /// Not while another binary is being tried: this master is the new one and the old one still lives, or it has a new one.
    fn may_be_replaced(&self) -> bool {
        self.successor.is_none() && !self.has_predecessor()
    }

    pub(super) fn has_predecessor(&self) -> bool {
        self.predecessor.is_some_and(|parent| parent == getppid())
    }

    /// SIGTERM
    fn terminate(&mut self) {
        if matches!(self.phase, Phase::Terminating(_)) {
            return;
        }
        self.notifier.stopping();
        self.dismiss(&Order::Terminate);
        self.phase = Phase::Terminating(Instant::now() + PATIENCE);
    }

    /// SIGQUIT
    fn quit(&mut self) {
        if matches!(self.phase, Phase::Quitting | Phase::Terminating(_)) {
            return;
        }
        match self.successor {
            Some(successor) => self.notifier.succeeded_by(successor),
            None => self.notifier.stopping(),
        }
        let is_last = self.successor.is_none() && !self.has_predecessor();
        if is_last {
            self.sockets.share_status(&self.running.config);
        }
        self.dismiss(&Order::Quit(match is_last {
            true => StatusSockets::Kept,
            false => StatusSockets::Closed,
        }));
        self.phase = Phase::Quitting;
        // The workers have their own duplicates for a moment; afterwards the ports are free.
        self.close_sockets();
    }

    /// SIGWINCH
    fn pause(&mut self) {
        self.dismiss(&Order::Quit(StatusSockets::Closed));
        self.phase = Phase::Paused;
    }

    /// Tells every worker to go.
    pub(super) fn dismiss(&mut self, order: &Order) {
        self.abandon_change("the master process is shutting down");
        self.restarts.due = None;
        for worker in &mut self.workers {
            let _ = worker.order(order);
            worker.state = State::Leaving;
        }
    }

    pub(super) fn close_sockets(&mut self) {
        let keep_files = self.successor.is_some() || self.has_predecessor();
        self.sockets.close(keep_files);
    }

    /// SIGUSR1
    fn reopen_logs(&mut self) {
        self.notice(format_args!("reopening logs"));
        self.open_logs_anew();
        let mut lost = Vec::new();
        for worker in &self.workers {
            if let Err(error) = worker.replace_logs(&self.running, &self.files) {
                let text = format_args!("{worker} does not take the new logs{}", Errno(&error));
                self.log.line(Level::Alert, text);
                lost.push(worker.id);
            }
        }
        lost.into_iter().for_each(|worker| self.give_up(worker));
    }

    /// All log files by their paths; standard error goes along.
    pub(super) fn open_logs_anew(&self) {
        for fault in self.files.reopen() {
            self.log.line(Level::Emerg, format_args!("{fault}"));
        }
        self.follow_log();
    }

    /// Leads standard error to where the log is now.
    pub(super) fn follow_log(&self) {
        if daemon::redirect_stderr(&self.running.log, self.running.uses_stderr).is_err() {
            self.log
                .line(Level::Alert, format_args!("dup2(STDERR) failed"));
        }
    }
}
