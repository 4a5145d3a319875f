//! The start, in nginx's order: read, open logs, bind, log the notices, become a daemon, write the pid file, serve.
//!
//! An error that the administrator can correct occurs before the process leaves the terminal: with a line on standard error and exit
//! code 1.

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::{self, Runtime};

use super::acceptors::Acceptors;
use super::generation::Generation;
use super::instance::Instance;
use super::limits::DescriptorLimit;
use super::pid::PidFile;
use super::process_log::ProcessLog;
use super::registries::Registries;
use super::service::Service;
use super::{bind, bootstrap, daemon, signals};
use crate::base::{Errno, Level};
use crate::config::{Options, World};
use crate::log::DebugLines;
use crate::net::bound_socket::BoundSocket;
use crate::net::listener::Listener;

/// The longest time that shutdown waits for threads that are busy with a reload.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

/// Starts and serves. Returns when the process is to exit.
pub fn start(options: Options, world: Arc<dyn World + Send + Sync>) -> ExitCode {
    match run(options, world) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

/// `None` after a logged error.
fn run(options: Options, world: Arc<dyn World + Send + Sync>) -> Option<()> {
    let registries = Registries::default();
    let log = bootstrap::log(&options, &registries.log_files);
    let config = bootstrap::load(&options, &*world, &log)?.config;
    let generation = log.accept(Generation::build(config, &registries))?;
    let log = log.with_log(Arc::clone(&generation.log));
    let sockets: Vec<_> = generation.config.sockets.iter().collect();
    let bound = bind::all(&sockets, &log)?;
    let mut descriptors = introduce(&log);
    let core = &generation.config.core;
    raise(&mut descriptors, core.worker_rlimit_nofile, &log);
    descriptors.check(generation.config.events.worker_connections, &log);
    if core.daemon {
        // Before this line there must be no thread: fork(2) copies the calling one alone.
        log.check(format_args!("daemon()"), daemon::leave_terminal())?;
    }
    let runtime = threads(core.worker_processes, &log)?;
    let debug = DebugLines::install(Arc::clone(&generation.log));
    let instance = Arc::new(Instance {
        options,
        world,
        registries,
        generation: ArcSwap::from_pointee(generation),
        sessions: Arc::default(),
        descriptors,
    });
    let service = runtime.block_on(serve(instance, bound, debug, &log))?;
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    let log = service.instance.log();
    // The pid file is removed last: a script may wait for its removal before it starts the next instance.
    drop(service);
    log.line(Level::Notice, None, format_args!("exit"));
    Some(())
}

async fn serve(
    instance: Arc<Instance>,
    bound: Vec<BoundSocket>,
    debug: DebugLines,
    log: &ProcessLog,
) -> Option<Service> {
    let mut signals = log.check(format_args!("sigaction()"), signals::listen())?;
    let listeners = bound.into_iter().map(Listener::new).collect();
    let listeners = log.check(format_args!("epoll_ctl()"), listeners)?;
    let path = instance.generation.load().config.pid.clone();
    let pid = PidFile::write(&path);
    let pid = log.check(format_args!("open() \"{}\"", path.display()), pid)?;
    let mut service = Service {
        instance,
        acceptors: Acceptors::default(),
        pid,
        debug,
    };
    service.redirect_stderr();
    service.acceptors.open(listeners, &service.instance);
    service.instance.generation.load().fetch_capabilities();
    service.notice(format_args!("start worker processes"));
    service.run(&mut signals).await;
    service.acceptors.close_all().await;
    Some(service)
}

/// Logs nginx's notices about the program and the machine.
fn introduce(log: &ProcessLog) -> DescriptorLimit {
    let notice = |text: std::fmt::Arguments<'_>| log.line(Level::Notice, text);
    notice(format_args!("using the \"epoll\" event method"));
    notice(format_args!("portcullis/{}", env!("CARGO_PKG_VERSION")));
    if let Ok(release) = fs::read_to_string("/proc/sys/kernel/osrelease") {
        notice(format_args!("OS: Linux {}", release.trim_end()));
    }
    let descriptors = DescriptorLimit::now();
    let DescriptorLimit { soft, hard } = descriptors;
    notice(format_args!("getrlimit(RLIMIT_NOFILE): {soft}:{hard}"));
    descriptors
}

fn raise(descriptors: &mut DescriptorLimit, wanted: Option<usize>, log: &ProcessLog) {
    let wanted = wanted.map(|wanted| wanted as u64);
    if let Err(error) = descriptors.raise(wanted) {
        let wanted = wanted.unwrap_or(descriptors.hard);
        let text = format_args!("setrlimit(RLIMIT_NOFILE, {wanted}) failed{}", Errno(&error));
        log.line(Level::Alert, text);
    }
}

/// The runtime: `worker_processes` is the number of its threads.
fn threads(number: usize, log: &ProcessLog) -> Option<Runtime> {
    let mut builder = runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(number.max(1)).enable_all().build();
    log.check(format_args!("pthread_create()"), runtime)
}
