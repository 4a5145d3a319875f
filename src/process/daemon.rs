//! Becoming a daemon. Must happen before any thread exists: fork(2) takes only the calling one along.

use std::fs::OpenOptions;
use std::io;

use nix::sys::stat::{Mode, umask};
use nix::unistd::{daemon, dup2_stderr, dup2_stdin, dup2_stdout};

use crate::log::ErrorLog;

/// Leaves the terminal: the parent ends with 0, the child goes on in a session of its own with no input and no output.
/// Standard error stays open for what may still go wrong; see `follow`.
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

/// Lets standard error follow the error log, as nginx does: a panic message lands there too. A log without a file
/// leaves standard error where it is.
pub fn follow(log: &ErrorLog) -> io::Result<()> {
    match log.descriptor() {
        Some(file) => Ok(dup2_stderr(&*file)?),
        None => Ok(()),
    }
}
