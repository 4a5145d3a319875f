//! nginx's order of starting: load, open logs, bind, say who we are, become a daemon; then start a worker and, once that serves,
//! write the pid file.
//!
//! All that an administrator may have got wrong fails before the terminal is left: with a line on standard error and exit code 1.

use std::fs;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use nix::unistd::getppid;

use super::certificates::{DailyCheck, Watch};
use super::configuration::Configuration;
use super::inherited::Origin;
use super::notify::Notifier;
use super::restarts::Restarts;
use super::sockets::Sockets;
use super::{Master, Mode, Phase};
use crate::base::Level;
use crate::cli::version;
use crate::config::{Options, World};
use crate::log::LogFiles;
use crate::process::limits::DescriptorLimit;
use crate::process::process_log::ProcessLog;
use crate::process::said::Said;
use crate::process::signals::Signals;
use crate::process::{bootstrap, daemon, running};

/// Starts and supervises; returns when the process is to end.
pub fn start(options: Options, world: Arc<dyn World>) -> ExitCode {
    let (origin, remarks) = Origin::find();
    let files = LogFiles::default();
    let log = bootstrap::log(&options, &files);
    for (level, text) in remarks {
        log.line(level, format_args!("{text}"));
    }
    match serve(options, world, files, origin, log) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

fn serve(
    options: Options,
    world: Arc<dyn World>,
    files: LogFiles,
    origin: Origin,
    log: ProcessLog,
) -> Option<()> {
    let parent = getppid();
    let mut said = Said::default();
    let running = Configuration::load(1, &options, &*world, &files, &mut said, &log)?;
    let log = log.with_log(Arc::clone(&running.log));
    let (core, config) = (&running.config.core, &running.config);
    let (predecessor, inherited) = match origin {
        Origin::Itself => (None, Vec::new()),
        Origin::Activation(sockets) => (None, sockets),
        Origin::Predecessor(sockets) => (Some(parent), sockets),
    };
    if predecessor.is_none() {
        log.accept(running::check_pid_file(&config.pid))?;
    }
    let mut sockets = Sockets::inherited(inherited);
    let added = sockets.prepare(config, &log)?;
    sockets.commit(config, added, &log);
    for address in sockets.unused() {
        let text = format_args!(
            "inherited socket {address} has no \"listen\" in mail: it is kept for the next binary, and nobody accepts on it"
        );
        log.line(Level::Warn, text);
    }
    introduce(options.program, &log);
    let wanted = core.worker_rlimit_nofile.map(|wanted| wanted as u64);
    DescriptorLimit::now()
        .with(wanted)
        .check(config.events.worker_connections, &log);
    // A new binary is a child of the old one, which waits for it.
    let is_daemon = core.daemon;
    if is_daemon && predecessor.is_none() {
        // No thread before this line: fork(2) takes only the calling one along.
        log.check(format_args!("daemon()"), daemon::leave_terminal())?;
    }
    let signals = log.check(format_args!("sigaction()"), Signals::listen())?;
    if predecessor.is_some() {
        // Not before: where the start fails, the old binary goes on. The files of systemd's sockets are systemd's.
        sockets.own_files();
    }
    let mode = if core.master_process {
        Mode::Master
    } else {
        Mode::Single
    };
    let mut master = Master {
        options,
        world,
        files,
        signals,
        sockets,
        pid_file: None,
        running: Rc::new(running),
        loaded: 1,
        started: 0,
        change: None,
        waiting: Vec::new(),
        workers: Vec::new(),
        restarts: Restarts::default(),
        successor: None,
        predecessor,
        mode,
        is_daemon,
        phase: Phase::Starting,
        notifier: Notifier::new(),
        said,
        watch: Watch::default(),
        daily: DailyCheck::default(),
        log,
    };
    master.follow_log();
    if mode == Mode::Master {
        master.notice(format_args!("start worker processes"));
    }
    master.start_worker();
    let served = master.run();
    master.notice(format_args!("exiting"));
    master.close_sockets();
    // The pid file goes last: whoever waits for that may start the next process.
    drop(master.pid_file.take());
    master.notice(format_args!("exit"));
    served
}

/// nginx's notices about itself and the machine.
fn introduce(program: &str, log: &ProcessLog) {
    let notice = |text: std::fmt::Arguments<'_>| log.line(Level::Notice, text);
    notice(format_args!("using the \"epoll\" event method"));
    for line in version::notices(program) {
        notice(format_args!("{line}"));
    }
    if let Ok(release) = fs::read_to_string("/proc/sys/kernel/osrelease") {
        notice(format_args!("OS: Linux {}", release.trim_end()));
    }
    let DescriptorLimit { soft, hard } = DescriptorLimit::now();
    notice(format_args!("getrlimit(RLIMIT_NOFILE): {soft}:{hard}"));
}
