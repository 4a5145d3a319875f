//! nginx's order of starting: read, open logs, bind, say who we are, become a daemon, write the pid file, serve.
//!
//! All that an administrator may have got wrong fails before the terminal is left: with a line on standard error and
//! exit code 1.

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::{self, Runtime};

use super::acceptors::Acceptors;
use super::gateway::Gateway;
use super::generation::Generation;
use super::pid::PidFile;
use super::serve::Service;
use super::voice::Voice;
use super::{bind, bootstrap, daemon, limits, signals};
use crate::base::{Errno, Level};
use crate::config::{Options, World};
use crate::log::{DebugLines, Files};
use crate::net::bound::Bound;
use crate::net::dialer::Dialer;
use crate::net::listener::Listener;
use crate::net::resolver::Resolvers;
use crate::session::{CapabilityCache, Shared};
use crate::tls::{Connectors, Resumption};

/// How long the end waits for threads that are busy with a reload.
const PARTING: Duration = Duration::from_millis(100);

/// Starts and serves; returns when the process is to end.
pub fn start(options: Options, world: Arc<dyn World + Send + Sync>) -> ExitCode {
    let files = Files::default();
    let voice = bootstrap::voice(&options, &files);
    match begin(options, world, files, voice) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

fn begin(
    options: Options,
    world: Arc<dyn World + Send + Sync>,
    files: Files,
    voice: Voice,
) -> Option<()> {
    let config = bootstrap::load(&options, &*world, &voice)?.config;
    let (resolvers, resumption) = (Resolvers::default(), Resumption::default());
    let (connectors, capabilities) = (Connectors::default(), CapabilityCache::default());
    let dialer = Dialer::default();
    let generation = voice.accept(Generation::build(
        config,
        &options,
        &files,
        &resolvers,
        &resumption,
        &connectors,
        &capabilities,
        &dialer,
    ))?;
    let voice = voice.with_log(Arc::clone(&generation.log));
    let sockets: Vec<_> = generation.config.sockets.iter().collect();
    let bound = bind::all(&sockets, &voice)?;
    let mut descriptors = introduce(&voice);
    let core = &generation.config.core;
    raise(&mut descriptors, core.worker_rlimit_nofile, &voice);
    descriptors.mention(generation.config.events.worker_connections, &voice);
    if core.daemon {
        // No thread before this line: fork(2) takes only the calling one along.
        voice.check(format_args!("daemon()"), daemon::leave_terminal())?;
    }
    let runtime = threads(core.worker_processes, &voice)?;
    let debug = DebugLines::install(Arc::clone(&generation.log));
    let gateway = Arc::new(Gateway {
        options,
        world,
        files,
        resolvers,
        generation: ArcSwap::from_pointee(generation),
        resumption,
        connectors,
        capabilities,
        dialer,
        sessions: Arc::default(),
        shared: Arc::new(Shared::new()),
        descriptors,
    });
    let service = runtime.block_on(serve(gateway, bound, debug, &voice))?;
    runtime.shutdown_timeout(PARTING);
    let log = service.gateway.log();
    // The pid file goes last: whoever waits for that may start the next process.
    drop(service);
    log.line(Level::Notice, None, format_args!("exit"));
    Some(())
}

async fn serve(
    gateway: Arc<Gateway>,
    bound: Vec<Bound>,
    debug: DebugLines,
    voice: &Voice,
) -> Option<Service> {
    let mut signals = voice.check(format_args!("sigaction()"), signals::listen())?;
    let listeners = bound.into_iter().map(Listener::new).collect();
    let listeners = voice.check(format_args!("epoll_ctl()"), listeners)?;
    let path = gateway.generation.load().config.pid.clone();
    let pid = voice.check(
        format_args!("open() \"{}\"", path.display()),
        PidFile::write(&path),
    )?;
    let mut service = Service {
        gateway,
        acceptors: Acceptors::default(),
        pid,
        debug,
    };
    service.follow();
    service.acceptors.open(listeners, &service.gateway);
    service.gateway.generation.load().ask_ahead();
    service.notice(format_args!("start worker processes"));
    service.run(&mut signals).await;
    service.acceptors.close_all().await;
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
    let limits::Files { soft, hard } = descriptors;
    notice(format_args!("getrlimit(RLIMIT_NOFILE): {soft}:{hard}"));
    descriptors
}

fn raise(descriptors: &mut limits::Files, wanted: Option<usize>, voice: &Voice) {
    let wanted = wanted.map(|wanted| wanted as u64);
    if let Err(error) = descriptors.raise(wanted) {
        let wanted = wanted.unwrap_or(descriptors.hard);
        let text = format_args!("setrlimit(RLIMIT_NOFILE, {wanted}) failed{}", Errno(&error));
        voice.say(Level::Alert, text);
    }
}

/// `worker_processes` are threads.
fn threads(number: usize, voice: &Voice) -> Option<Runtime> {
    let mut builder = runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(number.max(1)).enable_all().build();
    voice.check(format_args!("pthread_create()"), runtime)
}
