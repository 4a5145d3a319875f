//! The life of a started process: sessions come and go by themselves; here is what signals do.

use std::fmt;
use std::future::pending;
use std::sync::Arc;

use futures_util::StreamExt;
use tokio::task::{self, JoinHandle};
use tokio::time::sleep;

use super::acceptors::Acceptors;
use super::daemon;
use super::gateway::Gateway;
use super::pid::PidFile;
use super::reload::{self, Prepared};
use super::signals::{Received, Signals, Wish};
use crate::base::Level;
use crate::log::DebugLines;

/// A process that serves, and what goes in order when it ends: the acceptors first, the pid file last.
#[derive(Debug)]
pub struct Service {
    /// What all its parts share.
    pub gateway: Arc<Gateway>,
    /// Its listening sockets.
    pub acceptors: Acceptors,
    /// Its pid file.
    pub pid: PidFile,
    /// The listener for debug events.
    pub debug: DebugLines,
}

/// A configuration that is being read while the old one serves.
type Reading = JoinHandle<Option<Prepared>>;

impl Service {
    /// Serves until a signal ends it.
    pub async fn run(&mut self, signals: &mut Signals) {
        let mut reading: Option<Reading> = None;
        let mut again = false;
        loop {
            tokio::select! {
                Some(received) = next(signals) => {
                    self.notice(format_args!("{received}"));
                    match received.wish {
                        Wish::Stop => break,
                        Wish::Finish => {
                            self.finish(signals).await;
                            break;
                        }
                        Wish::Reopen => self.reopen(),
                        // A wish during a reading may be for a newer file: read once more afterwards.
                        Wish::Reload if reading.is_some() => again = true,
                        Wish::Reload => reading = Some(self.read()),
                        Wish::Unserved | Wish::Nothing => {}
                    }
                }
                prepared = end_of(&mut reading) => {
                    match prepared {
                        Some(prepared) => self.take_over(prepared).await,
                        None => self.notice(format_args!("the old configuration goes on")),
                    }
                    reading = std::mem::take(&mut again).then(|| self.read());
                }
            }
        }
        self.notice(format_args!("exiting"));
    }

    fn read(&self) -> Reading {
        self.notice(format_args!("reconfiguring"));
        let gateway = Arc::clone(&self.gateway);
        task::spawn_blocking(move || reload::prepare(&gateway))
    }

    /// SIGQUIT: nobody new comes in; whoever is in may finish, for as long as `worker_shutdown_timeout` allows.
    async fn finish(&mut self, signals: &mut Signals) {
        self.notice(format_args!("gracefully shutting down"));
        self.acceptors.close_all().await;
        let patience = self
            .gateway
            .generation
            .load()
            .config
            .core
            .worker_shutdown_timeout;
        let over = async {
            match patience {
                Some(patience) => sleep(patience).await,
                None => pending().await,
            }
        };
        tokio::pin!(over);
        let sessions = Arc::clone(&self.gateway.sessions);
        loop {
            tokio::select! {
                () = sessions.fewer_than(1) => return,
                () = &mut over => {
                    let left = sessions.open();
                    return self.say(Level::Info, format_args!("shutdown timeout: {left} sessions are closed"));
                }
                Some(received) = next(signals) => {
                    self.notice(format_args!("{received}"));
                    match received.wish {
                        Wish::Stop => return,
                        Wish::Reopen => self.reopen(),
                        _ => {}
                    }
                }
            }
        }
    }

    /// SIGUSR1.
    fn reopen(&self) {
        self.notice(format_args!("reopening logs"));
        self.open_logs_anew();
    }

    /// All log files by their paths; standard error goes along.
    pub(super) fn open_logs_anew(&self) {
        for fault in self.gateway.files.reopen() {
            self.say(Level::Emerg, format_args!("{fault}"));
        }
        self.follow();
    }

    /// Leads standard error to where the log is now.
    pub(super) fn follow(&self) {
        if daemon::follow(&self.gateway.log()).is_err() {
            self.say(Level::Alert, format_args!("dup2(STDERR) failed"));
        }
    }

    pub(super) fn notice(&self, text: fmt::Arguments<'_>) {
        self.say(Level::Notice, text);
    }

    pub(super) fn say(&self, level: Level, text: fmt::Arguments<'_>) {
        self.gateway.log().line(level, None, text);
    }
}

async fn next(signals: &mut Signals) -> Option<Received> {
    signals.next().await.map(Received::from)
}

/// The end of the reading, if one goes on; else never. A reading that panicked has changed nothing.
async fn end_of(reading: &mut Option<Reading>) -> Option<Prepared> {
    match reading {
        Some(reading) => reading.await.unwrap_or_default(),
        None => pending().await,
    }
}
