//! Becoming a daemon. This must happen before any thread exists, because fork(2) copies the calling thread alone.

use std::fs::OpenOptions;
use std::io;

use nix::sys::stat::{Mode, umask};
use nix::unistd::{daemon, dup2_stderr, dup2_stdin, dup2_stdout};

use crate::log::ErrorLog;

/// Leaves the terminal: the parent exits with 0, the child continues in a session of its own with /dev/null as input and output.
/// Standard error stays open for later errors; see [`redirect_stderr`].
pub fn leave_terminal() -> io::Result<()> {
    daemon(true, true)?;
    umask(Mode::empty());
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    Ok(())
}

/// Redirects standard error to the main error log, as nginx does, so that a panic message is logged too. Where any `error_log` writes to
/// standard error, it stays as it is.
pub fn redirect_stderr(log: &ErrorLog, uses_stderr: bool) -> io::Result<()> {
    match log.file() {
        Some(file) if !uses_stderr => Ok(dup2_stderr(&*file)?),
        _ => Ok(()),
    }
}
