//! The master's orders and the worker's own signals, as a stream for the runtime.
//!
//! A thread of its own waits for both: frames are read in one piece, however long they are.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::signal::{SIGQUIT, SIGTERM};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::status::StatusParts;
use crate::base::Address;
use crate::config::{Config, Diagnostic, Options, load};
use crate::net::resolver::SystemNames;
use crate::process::handover::{
    self, Cause, Channel, Handover, Order, ProcessFiles, Recording, Reloaded, StatusSockets,
};
use crate::process::signals::{Received, Signals};

/// What a worker is told.
#[derive(Debug)]
pub enum Event {
    /// Load a configuration.
    Load(Box<Configured>),
    /// Put it in force.
    PutInForce,
    /// Log files, opened anew.
    ReplaceLogs(Vec<(PathBuf, File)>),
    /// The descriptors of a configuration, whose number this is, or of log files were lost: the limit of open files is reached.
    NoRoom(Option<u64>),
    /// Finish the open sessions.
    Quit(StatusSockets),
    /// End at once.
    Terminate,
    /// Report the number of sessions.
    Count,
    /// A reload is over.
    Reloaded(Reloaded),
    /// A signal that somebody sent to this process.
    Signal(Received),
}

/// A configuration with its descriptors.
#[derive(Debug)]
pub struct Configured {
    /// The number that a report names.
    pub number: u64,
    /// Why it replaces the one before.
    pub cause: Cause,
    options: Options,
    answers: Arc<Recording>,
    /// Its listening sockets.
    pub sockets: Vec<(Address, OwnedFd)>,
    /// Its log files.
    pub logs: Vec<(PathBuf, File)>,
    /// The kernel's figures about this process, where `status` shows them.
    pub process_files: Option<ProcessFiles>,
}

impl Configured {
    /// Gives each descriptor its meaning.
    pub fn new(handover: Handover, descriptors: Vec<OwnedFd>) -> Self {
        let mut descriptors = descriptors.into_iter();
        let sockets = handover.sockets.into_iter().map(Address::from);
        Self {
            number: handover.number,
            cause: handover.cause,
            options: handover.options.into(),
            answers: handover.answers,
            sockets: sockets.zip(descriptors.by_ref()).collect(),
            logs: named(handover.logs, descriptors.by_ref()),
            process_files: match handover.has_process_files {
                true => ProcessFiles::received(descriptors),
                false => None,
            },
        }
    }

    /// Takes what the status pages of its configuration need.
    pub fn take_status(&mut self, config: &Config) -> StatusParts {
        StatusParts::take(config, &mut self.sockets, self.process_files.take())
    }

    /// The system's files about names, as the master has read them.
    pub fn names(&self) -> SystemNames {
        SystemNames::read(&*self.answers)
    }

    /// Loads it from the master's answers.
    ///
    /// # Errors
    /// The answers are incomplete, which they are not unless the load depends on something that is not recorded.
    pub fn load(&self) -> Result<Config, Diagnostic> {
        // The master has said what there is to be warned of.
        Ok(load(&*self.answers, &self.options, &mut |_| ())?.config)
    }
}

fn named(
    paths: Vec<std::ffi::OsString>,
    descriptors: impl Iterator<Item = OwnedFd>,
) -> Vec<(PathBuf, File)> {
    let paths = paths.into_iter().map(PathBuf::from);
    paths.zip(descriptors.map(File::from)).collect()
}

/// Begins to listen. The stream ends when the master is gone.
pub fn listen(channel: Arc<Channel>, signals: Option<Signals>) -> UnboundedReceiver<Event> {
    let (events, stream) = unbounded_channel();
    let thread = thread::Builder::new().name("orders".to_owned());
    // Without the thread the stream ends at once: a worker without orders finishes.
    let _ = thread.spawn(move || {
        let _ = forward(&channel, signals, &events);
    });
    stream
}

/// Forwards what comes, to the end of the stream. `None` when either side is gone.
fn forward(
    channel: &Channel,
    mut signals: Option<Signals>,
    events: &UnboundedSender<Event>,
) -> Option<()> {
    loop {
        let sources = [Some(channel.as_fd()), signals.as_ref().map(AsFd::as_fd)];
        let sources = sources.into_iter().flatten();
        let mut sources: Vec<_> = sources
            .map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN))
            .collect();
        // Interrupted by a signal, which is read below.
        let _ = poll(&mut sources, None);
        let has_order = sources
            .first()
            .is_some_and(|source| !source.revents().is_empty());
        for received in signals.iter_mut().flat_map(Signals::pending) {
            events.send(Event::Signal(received)).ok()?;
            match received.number {
                SIGTERM => events.send(Event::Terminate).ok()?,
                SIGQUIT => events.send(Event::Quit(StatusSockets::Closed)).ok()?,
                _ => {}
            }
        }
        if has_order {
            let (order, descriptors) = handover::receive(channel).ok()??;
            events.send(event(order, descriptors)).ok()?;
        }
    }
}

fn event(order: Order, descriptors: Option<Vec<OwnedFd>>) -> Event {
    match (order, descriptors) {
        (Order::Load(handover), Some(descriptors)) => {
            Event::Load(Box::new(Configured::new(*handover, descriptors)))
        }
        (Order::Load(handover), None) => Event::NoRoom(Some(handover.number)),
        (Order::ReplaceLogs(paths), Some(descriptors)) => {
            Event::ReplaceLogs(named(paths, descriptors.into_iter()))
        }
        (Order::ReplaceLogs(_), None) => Event::NoRoom(None),
        (Order::PutInForce, _) => Event::PutInForce,
        (Order::Quit(status), _) => Event::Quit(status),
        (Order::Reloaded(reloaded), _) => Event::Reloaded(reloaded),
        (Order::Terminate, _) => Event::Terminate,
        (Order::Count, _) => Event::Count,
    }
}
