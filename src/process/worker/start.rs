//! A worker's start: settings, a configuration, restrictions, threads; in this order.

use std::fs::{self, OpenOptions};
use std::io::{self, stdin};
use std::os::fd::{AsFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{close, dup2_stdin};
use tokio::runtime::Builder;

use super::memory;
use super::orders::Configured;
use super::serve::Service;
use super::threads::Threads;
use crate::process::handover::{self, Channel, Order, Report, WorkerSettings};
use crate::process::limits::DescriptorLimit;
use crate::process::privileges::{CoreFiles, Restrictions, resources};
use crate::process::signals::Signals;

/// The exit code after which the master starts no other worker, as in nginx: it would fail in the same way.
pub const FATAL: i32 = 2;

/// How long the end waits for threads that are busy with a configuration.
const PARTING: Duration = Duration::from_millis(100);

/// Runs a worker process to its end.
pub fn run() -> ExitCode {
    // The name that it would have, had it not been started from /proc/self/exe.
    let _ = rustix::thread::set_name(c"portcullis");
    match channel() {
        Ok(channel) => begin(Arc::new(channel), Place::Process),
        Err(error) => {
            eprintln!("a worker process is started by the master process: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the worker of `master_process off` to its end.
pub fn run_in_thread(channel: Channel) {
    begin(Arc::new(channel), Place::Thread);
}

/// Where a worker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Process,
    Thread,
}

/// The connection to the master, which is standard input. `/dev/null` takes its place.
fn channel() -> io::Result<Channel> {
    close_strays()?;
    let socket = UnixStream::from(stdin().as_fd().try_clone_to_owned()?);
    // Fails for what is no socket.
    socket.peer_addr()?;
    dup2_stdin(&OpenOptions::new().read(true).open("/dev/null")?)?;
    Ok(Channel::new(socket))
}

/// Closes what whoever started the master has left open: nothing of it is meant for a process that may fall into wrong hands.
fn close_strays() -> io::Result<()> {
    let names: Vec<_> = fs::read_dir("/proc/self/fd")?
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    let numbers = names
        .iter()
        .filter_map(|name| name.to_str()?.parse::<RawFd>().ok());
    for number in numbers.filter(|number| *number > 2) {
        // One of them was the folder that was just read.
        let _ = close(number);
    }
    Ok(())
}

fn begin(channel: Arc<Channel>, place: Place) -> ExitCode {
    let code = match attempt(&channel, place) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Fatal(number, reason)) => {
            handover::report(&channel, &Report::refused(number, reason));
            ExitCode::from(FATAL as u8)
        }
        Err(Failure::Early(error)) => {
            eprintln!("worker process: {error}");
            ExitCode::FAILURE
        }
        Err(Failure::Refused) => ExitCode::FAILURE,
    };
    channel.close();
    code
}

/// Why a worker does not serve.
#[derive(Debug)]
enum Failure {
    /// The master has sent nothing that can be used.
    Early(io::Error),
    /// The first configuration, whose number this is, cannot be served by any worker.
    Fatal(u64, String),
    /// It was refused, and the master knows why.
    Refused,
}

fn attempt(channel: &Arc<Channel>, place: Place) -> Result<(), Failure> {
    let ended = || Failure::Early(io::ErrorKind::UnexpectedEof.into());
    let settings = handover::receive::<WorkerSettings>(channel).map_err(Failure::Early)?;
    let (settings, _) = settings.ok_or_else(ended)?;
    let order = handover::receive::<Order>(channel).map_err(Failure::Early)?;
    let Some((Order::Load(handover), Some(descriptors))) = order else {
        return Err(ended());
    };
    let first = Configured::new(*handover, descriptors);
    let number = first.number;
    let fatal = |error: &dyn std::fmt::Display| Failure::Fatal(number, error.to_string());
    let signals = match place {
        Place::Process => Some(Signals::listen().map_err(|error| fatal(&error))?),
        // They belong to the master's thread.
        Place::Thread => None,
    };
    let mut ignored = take_resources(&settings);
    let descriptors = DescriptorLimit::now();
    let held = match place {
        Place::Process => {
            let core_files = match settings.core_file {
                Some(_) => CoreFiles::Written,
                None => CoreFiles::Kept,
            };
            let held = Restrictions::apply(settings.account.as_ref(), core_files);
            Some(held.map_err(|error| fatal(&error))?.to_string())
        }
        Place::Thread => None,
    };
    ignored.extend(memory::start_returning().err());
    let threads = Threads::start(settings.threads, &settings.processors);
    let (threads, running) = threads.map_err(|error| fatal(&error))?;
    // The main thread follows the master and loads configurations.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| fatal(&error))?;
    let served = runtime.block_on(async {
        let mut service =
            Service::start(Arc::clone(channel), first, descriptors, Arc::new(threads)).await?;
        ignored.drain(..).for_each(|line| service.alert(&line));
        held.iter()
            .for_each(|line| service.notice(format_args!("{line}")));
        service.run(signals).await;
        Some(service)
    });
    // The sessions that are left write their last lines.
    drop(running);
    runtime.shutdown_timeout(PARTING);
    let service = served.ok_or(Failure::Refused)?;
    service.flush_logs();
    Ok(())
}

/// What needs the master's privileges. Returns what could not be had.
fn take_resources(settings: &WorkerSettings) -> Vec<String> {
    let folder = settings.folder.as_ref().map(Path::new);
    let priority = (settings.priority != 0).then_some(settings.priority);
    let steps = [
        Some(resources::set_open_files(
            settings.open_files,
            settings.threads,
        )),
        settings.core_file.map(resources::set_core_limit),
        priority.map(resources::set_priority),
        folder.map(resources::enter),
    ];
    let failed = steps.into_iter().flatten().filter_map(Result::err);
    failed.map(|error| error.to_string()).collect()
}
