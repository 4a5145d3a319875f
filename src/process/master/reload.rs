//! SIGHUP: a new configuration, or none and a reason.
//!
//! The master loads it, binds what it adds and hands it to the worker, which puts it in force and says so. Only then does the master
//! follow. Whatever fails before leaves everything as it was.

use std::rc::Rc;

use super::configuration::Configuration;
use super::sockets::Added;
use super::worker::{State, Worker};
use super::{Master, Phase};
use crate::base::{Errno, Level};
use crate::process::handover::{Cause, Order, Reloaded, StatusSockets};
use crate::process::outcome::{self, Outcome};
use crate::process::pid::PidFile;
use crate::process::process_log::ProcessLog;
use crate::process::running;

/// A configuration that was handed to a worker.
#[derive(Debug)]
pub struct Change {
    configuration: Configuration,
    added: Added,
    /// Its pid file, if that is another one.
    pid_file: Option<PidFile>,
    /// The worker that it was handed to, by its identity.
    worker: u64,
    request: Request,
}

/// What a change is made for.
#[derive(Debug)]
pub struct Request {
    /// A reload, or changed TLS files.
    pub cause: Cause,
    /// Who asked for the reload.
    pub senders: Vec<Option<i32>>,
}

impl Master {
    /// Begins a reload, or notes that one is to follow the one in progress: the file may have changed since that was read.
    pub(super) fn reload(&mut self, sender: Option<i32>) {
        if self.successor.is_some() && self.phase == Phase::Paused {
            // As nginx: the way back from a new binary, without reading a file that is meant for it.
            self.phase = Phase::Serving;
            return self.start_worker();
        }
        self.waiting.push(sender);
        self.reload_if_wanted();
    }

    /// Begins the reload that signals have asked for, once that is possible.
    pub(super) fn reload_if_wanted(&mut self) {
        let is_possible = matches!(self.phase, Phase::Serving | Phase::Paused);
        if is_possible && self.change.is_none() && !self.waiting.is_empty() {
            self.begin_reload();
        }
    }

    fn begin_reload(&mut self) {
        let request = Request {
            cause: Cause::Reload,
            senders: std::mem::take(&mut self.waiting),
        };
        self.notice(format_args!("reconfiguring"));
        self.notifier.reloading();
        let log = ProcessLog::running(self.running.log.clone());
        match self.prepare(&log) {
            Some((configuration, added, pid_file)) => {
                self.hand_over(configuration, added, pid_file, request);
            }
            None => self.end_change(&Err(log.errors()), &request),
        }
    }

    /// All that may fail in the master.
    fn prepare(&mut self, log: &ProcessLog) -> Option<(Configuration, Added, Option<PidFile>)> {
        self.loaded += 1;
        let (options, world) = (&self.options, &*self.world);
        let configuration = Configuration::load(
            self.loaded,
            options,
            world,
            &self.files,
            &mut self.said,
            log,
        )?;
        let new_log = log.clone().with_log(configuration.log.clone());
        let added = self.sockets.prepare(&configuration.config, &new_log)?;
        let path = &configuration.config.pid;
        let is_same = self
            .pid_file
            .as_ref()
            .is_some_and(|file| file.path() == path);
        if !is_same {
            log.accept(running::check_pid_file(path))?;
        }
        let pid_file = (!is_same).then(|| PidFile::write(path)).transpose();
        let pid_file = log.check(format_args!("open() \"{}\"", path.display()), pid_file)?;
        // nginx opens every log anew for a new configuration; whoever rotates logs by SIGHUP relies on it.
        self.open_logs_anew();
        Some((configuration, added, pid_file))
    }

    /// Gives it to the worker that serves, if that can serve it; to another one if the worker's own settings change.
    pub(super) fn hand_over(
        &mut self,
        configuration: Configuration,
        added: Added,
        pid_file: Option<PidFile>,
        request: Request,
    ) {
        let sockets = (&self.sockets, Some(&added));
        let fits = |worker: &&Worker| {
            worker.state == State::Serving && worker.settings == configuration.worker
        };
        let sent = match self.workers.iter().find(fits) {
            Some(worker) => worker
                .configure(
                    &configuration,
                    request.cause,
                    &self.options,
                    sockets,
                    Some(&self.running.config),
                    &self.files,
                )
                .map(|()| worker.id)
                .map_err(|error| (Some(worker.id), error)),
            None => self
                .spawn(&configuration, Some(&added))
                .map_err(|error| (None, error)),
        };
        match sent {
            Ok(worker) => {
                self.change = Some(Change {
                    configuration,
                    added,
                    pid_file,
                    worker,
                    request,
                });
            }
            Err((worker, error)) => {
                let reason = format!(
                    "the worker process does not take the configuration{}",
                    Errno(&error)
                );
                self.log.line(Level::Alert, format_args!("{reason}"));
                if let Some(worker) = worker {
                    self.give_up(worker);
                }
                self.end_change(&Err(reason), &request);
            }
        }
    }

    /// All is prepared: from here on the change takes milliseconds.
    pub(super) fn put_in_force(&mut self, id: u64) {
        if let Some(change) = &self.change {
            self.sockets
                .hold_removed(&change.configuration.config, true);
        }
        let worker = self.workers.iter().find(|worker| worker.id == id);
        if worker.is_some_and(|worker| worker.order(&Order::PutInForce).is_err()) {
            self.abandon_change("the worker process does not take orders");
            self.give_up(id);
        }
    }

    /// Whether a report is about the reload in progress.
    pub(super) fn is_of_change(&self, worker: u64, number: u64) -> bool {
        let change = self.change.as_ref();
        change
            .is_some_and(|change| change.worker == worker && change.configuration.number == number)
    }

    /// The worker has done its part.
    pub(super) fn commit(&mut self) {
        let Some(change) = self.change.take() else {
            return;
        };
        for worker in &mut self.workers {
            if worker.id == change.worker {
                worker.state = State::Serving;
            } else if !worker.is_leaving() {
                let _ = worker.order(&Order::Quit(StatusSockets::Closed));
                worker.state = State::Leaving;
            }
        }
        self.phase = Phase::Serving;
        self.restarts.due = None;
        self.running = Rc::new(change.configuration);
        self.log = ProcessLog::running(self.running.log.clone());
        self.sockets
            .commit(&self.running.config, change.added, &self.log);
        self.close_removed();
        if let Some(pid_file) = change.pid_file {
            self.pid_file = Some(pid_file);
        }
        self.follow_log();
        self.follow_certificates();
        self.end_change(&Ok(()), &change.request);
    }

    /// Gives up a reload in progress.
    pub(super) fn abandon_change(&mut self, reason: &str) {
        let Some(change) = self.change.take() else {
            return;
        };
        self.sockets
            .hold_removed(&change.configuration.config, false);
        let worker = self
            .workers
            .iter_mut()
            .find(|worker| worker.id == change.worker);
        if let Some(worker) = worker.filter(|worker| worker.state == State::Starting) {
            let _ = worker.order(&Order::Terminate);
            worker.state = State::Leaving;
        }
        self.end_change(&Err(reason.to_owned()), &change.request);
    }

    /// Gives up the reload that was handed to this worker.
    pub(super) fn abandon_change_of(&mut self, worker: u64, reason: &str) {
        if self
            .change
            .as_ref()
            .is_some_and(|change| change.worker == worker)
        {
            self.abandon_change(reason);
        }
    }

    /// Tells the worker that shows the status how a reload ended.
    pub(super) fn show_outcome(&self, cause: Cause, outcome: &Outcome) {
        if self.running.config.status_sockets.is_empty() {
            return;
        }
        let refusal = outcome.as_ref().err().map(String::as_str);
        let order = Order::Reloaded(Reloaded::new(cause, refusal));
        // A worker that does not take orders is found out by the next one that matters.
        let _ = self.current().map(|worker| worker.order(&order));
    }

    fn end_change(&mut self, outcome: &Outcome, request: &Request) {
        self.notice(match (request.cause, outcome) {
            (Cause::Reload, Ok(())) => format_args!("reconfigured"),
            (Cause::Reload, Err(_)) => format_args!("the old configuration goes on"),
            (Cause::Certificates, Ok(())) => format_args!("the new TLS files are in use"),
            (Cause::Certificates, Err(_)) => format_args!("the old TLS files stay in use"),
        });
        self.show_outcome(request.cause, outcome);
        for sender in request.senders.iter().flatten() {
            outcome::tell(*sender, outcome);
        }
        if request.cause == Cause::Reload {
            self.notifier.reloaded(outcome);
        }
        self.reload_if_wanted();
    }
}
