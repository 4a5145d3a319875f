//! What workers report. An attacker may own a worker: its reports are bounded in number and size, and texts are escaped.

use super::worker::State;
use super::{Master, Phase};
use crate::base::{Level, OneLine};
use crate::process::handover::{Report, ReportsEnd};

impl Master {
    /// Reads what workers report.
    pub(super) fn read_reports(&mut self) {
        let mut all = Vec::new();
        for worker in &mut self.workers {
            match worker.reports() {
                Ok(reports) => all.extend(reports.into_iter().map(|report| (worker.id, report))),
                Err(ReportsEnd::Closed) => {}
                Err(ReportsEnd::Invalid) => {
                    let text = format_args!("{worker} sent an invalid report and is killed");
                    self.log.line(Level::Alert, text);
                    worker.kill();
                }
            }
        }
        for (worker, report) in all {
            self.take_report(worker, report);
        }
    }

    fn take_report(&mut self, worker: u64, report: Report) {
        match report {
            Report::Loaded(number) if self.is_of_change(worker, number) => {
                self.put_in_force(worker)
            }
            Report::Ready(number) if self.is_of_change(worker, number) => self.commit(),
            Report::Refused(number, reason) => self.refuses(worker, number, &reason),
            Report::Ready(number) if number == self.running.number => self.serves(worker),
            Report::Sessions(number) => self.notifier.alive(number),
            Report::Stopped => self.stopped(worker),
            Report::Loaded(_) | Report::Ready(_) => {}
        }
    }

    /// A worker has the configuration in force.
    fn serves(&mut self, id: u64) {
        let worker = self.workers.iter_mut().find(|worker| worker.id == id);
        let Some(worker) = worker.filter(|worker| worker.state == State::Starting) else {
            return;
        };
        worker.state = State::Serving;
        if self.phase == Phase::Starting {
            self.started();
        }
    }

    /// A worker cannot use a configuration.
    fn refuses(&mut self, worker: u64, number: u64, reason: &str) {
        let reason = OneLine(reason.as_bytes()).to_string();
        self.log.line(Level::Emerg, format_args!("{reason}"));
        if self.is_of_change(worker, number) {
            self.abandon_change(&reason);
        } else if self.phase == Phase::Starting {
            self.fail();
        }
    }

    /// A worker that was told to end accepts nobody any more.
    fn stopped(&mut self, id: u64) {
        let worker = self.workers.iter_mut().find(|worker| worker.id == id);
        if let Some(worker) = worker.filter(|worker| worker.state == State::Leaving) {
            worker.state = State::Stopped;
        }
        self.close_removed();
    }

    /// Closes removed sockets once no worker may accept on them: what is in their queues then has come too late for both.
    pub(super) fn close_removed(&mut self) {
        let mut workers = self.workers.iter();
        if !workers.any(|worker| worker.state == State::Leaving) {
            self.sockets.close_removed();
        }
    }
}
