//! nginx's order of starting: read, open logs, bind, say who we are, become a daemon, write the pid file, serve.
//!
//! All that an administrator may have got wrong fails before the terminal is left: with a line on standard error and exit code 1.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use arc_swap::ArcSwap;
use tokio::runtime::Runtime;

use super::doors::Doors;
use super::gateway::Gateway;
use super::live::Live;
use super::pid::PidFile;
use super::serve::Service;
use super::voice::Voice;
use super::{bind, daemon, early, limits, signals};
use crate::config::{Errno, Level, Options, World};
use crate::log::{DebugLines, Files};
use crate::net::listener::Bound;
use crate::session::Shared;

/// How long the end waits for threads that are busy with a reload.
const PARTING: Duration = Duration::from_millis(100);

/// Starts and serves; returns when the process is to end.
pub fn start(options: Options, world: Arc<dyn World + Send + Sync>) -> ExitCode {
    match ready(options, world).and_then(serve) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

/// All that is made before the process leaves its terminal.
struct Ready {
    options: Options,
    world: Arc<dyn World + Send + Sync>,
    files: Files,
    live: Live,
    bound: Vec<Bound>,
    voice: Voice,
}

fn ready(options: Options, world: Arc<dyn World + Send + Sync>) -> Option<Ready> {
    let files = Files::default();
    let voice = early::voice(&options, &files);
    let config = early::load(&options, &*world, &voice)?.config;
    let live = Live::build(config, &options, &files);
    let live = live
        .map_err(|fault| voice.say(Level::Emerg, format_args!("{fault}")))
        .ok()?;
    let voice = voice.with_log(Arc::clone(&live.log));
    let sockets: Vec<_> = live.config.sockets.iter().collect();
    let bound = bind::all(&sockets, &voice)?;
    Some(Ready {
        options,
        world,
        files,
        live,
        bound,
        voice,
    })
}

fn serve(ready: Ready) -> Option<()> {
    let Ready {
        options,
        world,
        files,
        live,
        bound,
        voice,
    } = ready;
    let mut descriptors = introduce(&voice);
    let core = &live.config.core;
    if core.daemon {
        let left = daemon::leave_terminal();
        left.map_err(|error| {
            voice.say(
                Level::Emerg,
                format_args!("daemon() failed{}", Errno(&error)),
            )
        })
        .ok()?;
    }
    raise(&mut descriptors, core.worker_rlimit_nofile, &voice);
    let runtime = runtime(core.worker_processes);
    let runtime = runtime
        .map_err(|error| {
            voice.say(
                Level::Emerg,
                format_args!("pthread_create() failed{}", Errno(&error)),
            )
        })
        .ok()?;
    let debug = DebugLines::install(Arc::clone(&live.log));
    let gateway = Arc::new(Gateway {
        options,
        world,
        files,
        live: ArcSwap::from_pointee(live),
        sessions: Arc::default(),
        shared: Arc::new(Shared::new()),
        descriptors,
    });
    let served = runtime.block_on(run(gateway, bound, debug, &voice));
    runtime.shutdown_timeout(PARTING);
    // The pid file goes last: whoever waits for its removal may start the next process.
    let service = served?;
    let log = service.gateway.log();
    drop(service);
    log.line(Level::Notice, None, format_args!("exit"));
    Some(())
}

async fn run(
    gateway: Arc<Gateway>,
    bound: Vec<Bound>,
    debug: DebugLines,
    voice: &Voice,
) -> Option<Service> {
    let failed = |call: &str, error: io::Error| {
        voice.say(Level::Emerg, format_args!("{call} failed{}", Errno(&error)))
    };
    let mut signals = signals::listen()
        .map_err(|error| failed("sigaction()", error))
        .ok()?;
    let listeners: io::Result<Vec<_>> = bound.into_iter().map(Bound::into_listener).collect();
    let listeners = listeners
        .map_err(|error| failed("epoll_ctl()", error))
        .ok()?;
    let path = gateway.live.load().config.core.pid.clone();
    let pid = PidFile::write(&path);
    let pid = pid
        .map_err(|error| failed(&format!("open() \"{}\"", path.display()), error))
        .ok()?;
    let mut service = Service {
        gateway,
        doors: Doors::default(),
        pid,
        debug,
    };
    service.follow();
    service.doors.open(listeners, &service.gateway);
    service.notice(format_args!("start worker processes"));
    service.run(&mut signals).await;
    service.doors = Doors::default();
    Some(service)
}

/// nginx's notices about itself and the machine.
fn introduce(voice: &Voice) -> limits::Files {
    let notice = |text: std::fmt::Arguments<'_>| voice.say(Level::Notice, text);
    notice(format_args!("using the \"epoll\" event method"));
    notice(format_args!("portcullis/{}", env!("CARGO_PKG_VERSION")));
    if let Ok(release) = fs::read_to_string("/proc/sys/kernel/osrelease") {
        notice(format_args!("OS: Linux {}", release.trim_end()));
    }
    let descriptors = limits::Files::now();
    notice(format_args!(
        "getrlimit(RLIMIT_NOFILE): {}:{}",
        descriptors.soft, descriptors.hard
    ));
    descriptors
}

fn raise(descriptors: &mut limits::Files, wanted: Option<usize>, voice: &Voice) {
    let wanted = wanted.map(|wanted| wanted as u64);
    if let Err(error) = descriptors.raise(wanted) {
        let wanted = wanted.unwrap_or(descriptors.hard);
        voice.say(
            Level::Alert,
            format_args!("setrlimit(RLIMIT_NOFILE, {wanted}) failed{}", Errno(&error)),
        );
    }
}

/// `worker_processes` are threads.
fn runtime(threads: usize) -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .enable_all()
        .build()
}
