//! What systemd hears (sd_notify(3)): readiness, reloads, the end, the number of sessions, and that the gateway is alive.

use std::time::{Duration, Instant};

use nix::unistd::Pid;
use sd_notify::NotifyState;

use crate::process::outcome::Outcome;

/// How often the status is renewed without a watchdog.
const STATUS: Duration = Duration::from_secs(10);

/// The connection to the service manager, if there is one.
#[derive(Debug)]
pub struct Notifier {
    /// How often the worker is asked; `None` without a service manager.
    interval: Option<Duration>,
    due: Option<Instant>,
    sessions: u64,
    last_reload: Option<Outcome>,
}

impl Notifier {
    /// Reads the environment.
    pub fn new() -> Self {
        let has_manager = std::env::var_os("NOTIFY_SOCKET").is_some();
        // Twice within the limit, as sd_watchdog_enabled(3) advises.
        let watchdog = sd_notify::watchdog_enabled().map(|limit| limit / 2);
        Self {
            interval: has_manager.then(|| watchdog.map_or(STATUS, |limit| limit.min(STATUS))),
            due: None,
            sessions: 0,
            last_reload: None,
        }
    }

    /// The gateway serves.
    pub fn ready(&mut self) {
        self.due = self.interval.map(|_| Instant::now());
        self.send(&[NotifyState::Ready, NotifyState::Status(&self.status())]);
    }

    /// A reload begins.
    pub fn reloading(&self) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            self.send(&[NotifyState::Reloading, now]);
        }
    }

    /// It has ended.
    pub fn reloaded(&mut self, outcome: &Outcome) {
        self.last_reload = Some(outcome.clone());
        self.send(&[NotifyState::Ready, NotifyState::Status(&self.status())]);
    }

    /// The gateway ends.
    pub fn stopping(&self) {
        self.send(&[NotifyState::Stopping]);
    }

    /// The gateway goes on as another process, which must be the one that systemd watches.
    pub fn succeeded_by(&self, process: Pid) {
        self.send(&[NotifyState::MainPid(process.as_raw().cast_unsigned())]);
    }

    /// When the worker is to be asked.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// It was asked.
    pub fn asked(&mut self) {
        self.due = self.interval.map(|interval| Instant::now() + interval);
    }

    /// It has answered, and serves so many sessions. A worker that does not answer lets the watchdog bite.
    pub fn alive(&mut self, sessions: u64) {
        self.sessions = sessions;
        let status = self.status();
        self.send(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
    }

    fn status(&self) -> String {
        let sessions = self.sessions;
        let plural = if sessions == 1 { "" } else { "s" };
        let reload = match &self.last_reload {
            None => String::new(),
            Some(Ok(())) => ", last reload succeeded".to_owned(),
            Some(Err(reason)) => {
                format!(", last reload refused: {}", reason.replace('\n', "; "))
            }
        };
        format!("serving {sessions} session{plural}{reload}")
    }

    fn send(&self, state: &[NotifyState<'_>]) {
        if self.interval.is_some() {
            // A manager that is gone cannot be told so.
            let _ = sd_notify::notify(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_one_line() {
        let mut notifier = Notifier {
            interval: None,
            due: None,
            sessions: 0,
            last_reload: None,
        };
        notifier.alive(1);
        assert_eq!(notifier.status(), "serving 1 session");
        notifier.reloaded(&Err("one\ntwo".into()));
        let expected = "serving 1 session, last reload refused: one; two";
        assert_eq!(notifier.status(), expected);
    }
}
