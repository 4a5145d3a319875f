//! What the master does at a time of its own.

use std::time::{Duration, Instant};

use super::worker::{Body, Worker};
use super::{Master, Phase};
use crate::process::handover::Order;

/// How often the end of a thread is looked for, of which no signal tells.
const TURN: Duration = Duration::from_millis(20);

impl Master {
    /// When the next thing is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let killing = match self.phase {
            Phase::Terminating(deadline) | Phase::Failing(deadline) => Some(deadline),
            _ => None,
        };
        let is_ending_thread = |worker: &&Worker| {
            worker.readable().is_none() && matches!(worker.body, Body::Thread(_))
        };
        let thread = self.workers.iter().find(is_ending_thread);
        let thread = thread.map(|_| Instant::now() + TURN);
        let due = [
            killing,
            thread,
            self.restarts.due,
            self.notifier.due(),
            self.watch.due(),
            self.daily.due(),
        ];
        due.into_iter().flatten().min()
    }

    /// Does what is due.
    pub(super) fn act_on_time(&mut self) {
        let now = Instant::now();
        if self.restarts.due.is_some_and(|due| due <= now) {
            self.start_worker();
        }
        match self.phase {
            Phase::Terminating(deadline) if deadline <= now => self.kill_all(Phase::Quitting),
            Phase::Failing(deadline) if deadline <= now => self.kill_all(Phase::Failed),
            _ => {}
        }
        if self.watch.due().is_some_and(|due| due <= now) {
            self.check_certificates();
        }
        self.check_validity();
        if self.notifier.due().is_some_and(|due| due <= now) {
            match self.current() {
                Some(worker) => drop(worker.order(&Order::Count)),
                // Nobody is expected to answer.
                None => self.notifier.alive(0),
            }
            self.notifier.asked();
        }
    }

    /// Ends the workers that did not end by themselves.
    fn kill_all(&mut self, next: Phase) {
        self.workers.iter().for_each(Worker::kill);
        // A thread cannot be killed; the process ends without it.
        self.workers.retain(|worker| worker.pid().is_some());
        self.phase = next;
    }
}
