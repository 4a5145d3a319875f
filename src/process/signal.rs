//! `-s stop|quit|reopen|reload`: sends a signal to the process whose pid file the configuration names.

use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use nix::sys::signal::{self, kill};
use nix::unistd::Pid;

use super::bootstrap;
use super::outcome::Waiter;
use crate::base::{Errno, Level};
use crate::cli::Signal;
use crate::config::{self, Diagnostic, Options, World};
use crate::log::LogFiles;

/// How long `--wait` waits for the outcome of a reload.
const LIMIT: Duration = Duration::from_secs(60);

/// Reads the configuration, then the pid file, then sends. With `wait`, waits for the outcome of a reload.
pub fn send(options: &Options, world: &dyn World, signal: Signal, wait: bool) -> ExitCode {
    match attempt(options, world, signal, wait) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

fn attempt(options: &Options, world: &dyn World, signal: Signal, wait: bool) -> Option<()> {
    let files = LogFiles::default();
    let log = bootstrap::log(options, &files);
    // The gateway's own warnings are for those who test or start.
    let mut warn = |warning: Diagnostic| match warning.lint {
        Some(_) => {}
        None => log.diagnose(&warning),
    };
    let loaded = config::load(world, options, &mut warn);
    let loaded = loaded.map_err(|fault| log.diagnose(&fault)).ok()?;
    let path = loaded.config.pid;
    log.line(Level::Notice, format_args!("signal process started"));
    let shown = path.display();
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) => {
            log.line(
                Level::Error,
                format_args!("open() \"{shown}\" failed{}", Errno(&error)),
            );
            return None;
        }
    };
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_end_matches(['\r', '\n']);
    let Some(pid) = number(text) else {
        log.line(
            Level::Error,
            format_args!("invalid PID number \"{text}\" in \"{shown}\""),
        );
        return None;
    };
    let signal = match signal {
        Signal::Stop => signal::SIGTERM,
        Signal::Quit => signal::SIGQUIT,
        Signal::Reopen => signal::SIGUSR1,
        Signal::Reload => signal::SIGHUP,
    };
    let waiter = wait.then(Waiter::new).transpose();
    let waiter = log.check(format_args!("bind() for the outcome"), waiter)?;
    if let Err(errno) = kill(Pid::from_raw(pid), signal) {
        let (number, error) = (signal as i32, io::Error::from(errno));
        let text = format_args!("kill({pid}, {number}) failed{}", Errno(&error));
        log.line(Level::Alert, text);
        return None;
    }
    let outcome = waiter.map_or(Ok(()), |waiter| waiter.wait(pid, LIMIT));
    log.accept(outcome.map_err(|reason| format!("the reload is refused: {reason}")))
}

/// Parses digits. 0 is refused: kill(2) would signal the caller's own process group.
fn number(text: &str) -> Option<i32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|pid| digits && *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_pid_is_digits() {
        assert_eq!(number("4711"), Some(4711));
        for bad in ["", "0", "-1", "+5", "12 34", "x", "99999999999"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
