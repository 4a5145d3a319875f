//! The life of a worker: sessions come and go by themselves; here is what the master's orders do.

use std::fmt;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task;
use tokio::time::sleep;

use super::acceptors::{Acceptors, Bound};
use super::generation::Generation;
use super::instance::Instance;
use super::loading::{Loaded, Loading, build, end_of, listeners};
use super::orders::{Configured, Event, listen};
use super::registries::Registries;
use super::status::{Status, StatusParts};
use super::threads::Threads;
use crate::base::{Errno, Level};
use crate::config::sockets;
use crate::log::{DebugLines, LogFiles};
use crate::process::daemon;
use crate::process::handover::{Channel, Report, StatusSockets, report};
use crate::process::limits::DescriptorLimit;
use crate::process::signals::Signals;
use crate::session::GroupTasks;

/// How long sessions may take for their last replies after `worker_shutdown_timeout`.
const PARTING: Duration = Duration::from_secs(3);
/// The time for the last lines of each log. A pipe that nobody reads must not keep the worker alive.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A worker that serves.
#[derive(Debug)]
pub struct Service {
    channel: Arc<Channel>,
    instance: Arc<Instance>,
    acceptors: Acceptors,
    debug: DebugLines,
    /// A configuration that waits to be put in force.
    loaded: Option<Loaded>,
    /// The health checks and look-ups of the generation in force.
    group_tasks: GroupTasks,
    status: Status,
}

/// How a worker comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// At once.
    Now,
    /// With the last session, or after `worker_shutdown_timeout`.
    Graceful(StatusSockets),
    /// With the last session: the master is gone.
    Orphaned,
}

impl Service {
    /// Serves the first configuration. `None`: it was refused.
    pub async fn start(
        channel: Arc<Channel>,
        first: Configured,
        descriptors: DescriptorLimit,
        threads: Arc<Threads>,
    ) -> Option<Self> {
        let registries = Registries {
            log_files: LogFiles::handed_over(),
            ..Registries::default()
        };
        let number = first.number;
        let (mut first, generation) = build(first, &registries, None);
        let mut acceptors = Acceptors::new(threads);
        let parts = match &generation {
            Ok(generation) => first.take_status(&generation.config),
            Err(_) => StatusParts::default(),
        };
        let listeners = listeners(first.sockets, &mut acceptors);
        let (generation, listeners) = match (generation, listeners) {
            (Ok(generation), Ok(listeners)) => (generation, listeners),
            (Err(reason), _) | (_, Err(reason)) => {
                report(&channel, &Report::refused(number, reason));
                return None;
            }
        };
        let debug = DebugLines::install(Arc::clone(&generation.log));
        let mut service = Self {
            channel,
            instance: Arc::new(Instance::new(registries, generation, descriptors)),
            acceptors,
            debug,
            loaded: None,
            group_tasks: GroupTasks::default(),
            status: Status::default(),
        };
        service.accept(number, listeners, parts);
        Some(service)
    }

    /// Serves until it is told to end.
    pub async fn run(&mut self, signals: Option<Signals>) {
        let mut events = listen(Arc::clone(&self.channel), signals);
        let mut loading: Option<Loading> = None;
        let ending = loop {
            tokio::select! {
                event = events.recv() => match event {
                    None => break Ending::Orphaned,
                    Some(Event::Terminate) => break Ending::Now,
                    Some(Event::Quit(status)) => break Ending::Graceful(status),
                    Some(Event::Load(configured)) => loading = Some(self.load(*configured)),
                    Some(Event::PutInForce) => self.put_in_force().await,
                    Some(event) => self.handle(event),
                },
                (number, result) = end_of(&mut loading) => {
                    loading = None;
                    self.take(number, result);
                }
            }
        };
        if ending != Ending::Now {
            self.finish(ending, &mut events).await;
        }
        self.notice(format_args!("exiting"));
        self.acceptors.close_all().await;
        self.notice(format_args!("exit"));
    }

    /// Waits until the last lines are written.
    pub fn flush_logs(&self) {
        self.instance.registries.log_files.flush(LAST_LINES);
    }

    /// What an order or a signal does that changes neither the configuration nor the life of the worker.
    fn handle(&self, event: Event) {
        match event {
            Event::ReplaceLogs(logs) => {
                self.instance.registries.log_files.hand_over(logs);
                self.follow();
            }
            Event::Count => {
                let sessions = self.instance.sessions.open() as u64;
                report(&self.channel, &Report::Sessions(sessions));
            }
            Event::Reloaded(reloaded) => self.status.reloaded(reloaded),
            Event::NoRoom(number) => self.has_no_room(number),
            Event::Signal(received) => self.notice(format_args!("{}", received.line(""))),
            Event::Load(_) | Event::PutInForce | Event::Quit(_) | Event::Terminate => {}
        }
    }

    /// Keeps what it has: the descriptors of a configuration or of logs did not fit.
    fn has_no_room(&self, number: Option<u64>) {
        let error = io::Error::from(nix::errno::Errno::EMFILE);
        let text = format!("recvmsg() of descriptors failed{}", Errno(&error));
        match number {
            Some(number) => report(&self.channel, &Report::refused(number, text)),
            None => self.alert(&format!("{text}: the old logs stay in use")),
        }
    }

    fn load(&self, configured: Configured) -> Loading {
        let (number, instance) = (configured.number, Arc::clone(&self.instance));
        let task = task::spawn_blocking(move || {
            let before = instance.generation.load_full();
            build(configured, &instance.registries, Some(&before))
        });
        Loading { number, task }
    }

    /// Keeps a configuration that was loaded until the master wants it, or reports why it cannot be used.
    fn take(&mut self, number: u64, result: Result<(Configured, Generation), String>) {
        let loaded = result.and_then(|(mut configured, generation)| {
            let status = configured.take_status(&generation.config);
            let listeners = listeners(configured.sockets, &mut self.acceptors)?;
            Ok(Loaded {
                number,
                generation,
                listeners,
                status,
            })
        });
        match loaded {
            Ok(loaded) => {
                self.loaded = Some(loaded);
                report(&self.channel, &Report::Loaded(number));
            }
            Err(reason) => report(&self.channel, &Report::refused(number, reason)),
        }
    }

    /// Puts the configuration that was loaded in place of the running one. Sessions in progress notice nothing.
    async fn put_in_force(&mut self) {
        let Some(Loaded {
            number,
            generation,
            listeners,
            status,
        }) = self.loaded.take()
        else {
            return;
        };
        let old = self.instance.generation.load_full();
        // Ahead of the change: whoever is let in by a removed socket is served by the old generation.
        for address in sockets::diff(&old.config.sockets, &generation.config.sockets).removed {
            self.acceptors.close(&address).await;
        }
        let per_worker = generation.config.events.worker_connections;
        let connections = &self.instance.registries.shared.connections;
        connections.set_limit(generation.connections(), per_worker);
        self.instance.generation.store(Arc::new(generation));
        if !self.instance.generation.load().continues(&old) {
            old.retire();
        }
        self.accept(number, listeners, status);
    }

    /// Accepts on new sockets too, and reports that the generation of this number is in force.
    fn accept(&mut self, number: u64, listeners: Vec<Bound>, status: StatusParts) {
        self.acceptors.open(listeners, &self.instance);
        let generation = self.instance.generation.load();
        generation.fetch_capabilities();
        self.group_tasks = generation.start_group_tasks();
        generation.start_limit_stores();
        self.debug.follow(Arc::clone(&generation.log));
        let registries = &self.instance.registries;
        let failed = (self.status).follow(&generation, number, registries, status);
        failed.iter().for_each(|line| self.alert(line));
        self.follow();
        report(&self.channel, &Report::Ready(number));
    }

    /// Lets nobody in; whoever is in may finish.
    async fn finish(&mut self, ending: Ending, events: &mut UnboundedReceiver<Event>) {
        self.notice(match ending {
            Ending::Orphaned => {
                format_args!("the master process is gone, gracefully shutting down")
            }
            _ => format_args!("gracefully shutting down"),
        });
        self.acceptors.close_all().await;
        self.group_tasks.end();
        self.status.quit(match ending {
            Ending::Graceful(sockets) => sockets,
            // Another master may be started on the same addresses.
            Ending::Now | Ending::Orphaned => StatusSockets::Closed,
        });
        report(&self.channel, &Report::Stopped);
        let limit = match ending {
            Ending::Graceful(_) => self.instance.generation.load().retire(),
            Ending::Now | Ending::Orphaned => None,
        };
        let over = async {
            match limit {
                Some(limit) => sleep(limit + PARTING).await,
                None => pending().await,
            }
        };
        tokio::pin!(over);
        let sessions = Arc::clone(&self.instance.sessions);
        loop {
            tokio::select! {
                () = sessions.fewer_than(1) => return,
                () = &mut over => {
                    let left = sessions.open();
                    let text = format_args!("shutdown timeout: {left} sessions of earlier configurations are closed");
                    return self.line(Level::Info, text);
                }
                Some(event) = events.recv() => match event {
                    Event::Terminate => return,
                    event => self.handle(event),
                },
            }
        }
    }

    /// Leads standard error to where the log is now.
    fn follow(&self) {
        let generation = self.instance.generation.load();
        if daemon::redirect_stderr(&generation.log, generation.uses_stderr).is_err() {
            self.alert("dup2(STDERR) failed");
        }
    }

    pub(super) fn alert(&self, line: &str) {
        self.line(Level::Alert, format_args!("{line}"));
    }

    pub(super) fn notice(&self, text: fmt::Arguments<'_>) {
        self.line(Level::Notice, text);
    }

    fn line(&self, level: Level, text: fmt::Arguments<'_>) {
        self.instance.log().line(level, None, text);
    }
}
