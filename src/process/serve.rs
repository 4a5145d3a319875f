//! The signals of a started process. Sessions run by themselves.

use std::future::pending;
use std::sync::Arc;

use futures_util::StreamExt;
use tokio::task::{self, JoinHandle};
use tokio::time::sleep;

use super::reload::{self, Prepared};
use super::service::Service;
use super::signals::{Received, Request, Signals};
use crate::base::Level;

/// A new configuration that is read while the old one serves.
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
                    match received.request {
                        Request::Stop => break,
                        Request::Finish => {
                            self.finish(signals).await;
                            break;
                        }
                        Request::Reopen => self.reopen(),
                        // The file may have changed since it was read: reload once more afterwards.
                        Request::Reload if reading.is_some() => again = true,
                        Request::Reload => reading = Some(self.read()),
                        Request::Unsupported | Request::Nothing => {}
                    }
                }
                prepared = finished(&mut reading) => {
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
        let instance = Arc::clone(&self.instance);
        task::spawn_blocking(move || reload::prepare(&instance))
    }

    /// SIGQUIT: accepts no more clients, and waits for open sessions for as long as `worker_shutdown_timeout` allows.
    async fn finish(&mut self, signals: &mut Signals) {
        self.notice(format_args!("gracefully shutting down"));
        self.acceptors.close_all().await;
        let limit = {
            let generation = self.instance.generation.load();
            generation.config.core.worker_shutdown_timeout
        };
        let timeout = async {
            match limit {
                Some(limit) => sleep(limit).await,
                None => pending().await,
            }
        };
        tokio::pin!(timeout);
        let sessions = Arc::clone(&self.instance.sessions);
        loop {
            tokio::select! {
                () = sessions.fewer_than(1) => return,
                () = &mut timeout => {
                    let left = sessions.open();
                    return self.line(Level::Info, format_args!("shutdown timeout: {left} sessions are closed"));
                }
                Some(received) = next(signals) => {
                    self.notice(format_args!("{received}"));
                    match received.request {
                        Request::Stop => return,
                        Request::Reopen => self.reopen(),
                        _ => {}
                    }
                }
            }
        }
    }

    /// SIGUSR1.
    fn reopen(&self) {
        self.notice(format_args!("reopening logs"));
        self.reopen_logs();
    }
}

async fn next(signals: &mut Signals) -> Option<Received> {
    signals.next().await.map(Received::from)
}

/// Waits for the reload in preparation; never returns if there is none. A preparation that panicked has changed nothing.
async fn finished(reading: &mut Option<Reading>) -> Option<Prepared> {
    match reading {
        Some(reading) => reading.await.unwrap_or_default(),
        None => pending().await,
    }
}
