//! SIGUSR2: another binary takes over the listening sockets, by nginx's convention. It may be nginx.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::process::Command;
use std::{fmt, io};

use nix::unistd::Pid;
use rustix::io::{FdFlags, fcntl_setfd};

use super::inherited::VARIABLE;
use super::{Master, Phase};
use crate::base::{Errno, Level};

/// systemd's variables that name this process, and sockets that it has taken.
const NOT_PASSED_ON: [&str; 4] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"];

impl Master {
    /// Starts the binary that lies where this one was started from, with the same arguments.
    pub(super) fn start_successor(&mut self) {
        self.notice(format_args!("changing binary"));
        let Some(pid_file) = &mut self.pid_file else {
            return;
        };
        let path = pid_file.path().to_owned();
        let old = old_name(&path);
        if let Err(error) = pid_file.rename(&old) {
            let call = format_args!("rename() \"{}\" to \"{}\"", path.display(), old.display());
            return self.alert(call, &error);
        }
        let sockets: Vec<_> = self.sockets.all().collect();
        match spawn(&sockets) {
            Ok(pid) => {
                self.successor = Some(pid);
                self.notice(format_args!("start new binary process {pid}"));
            }
            Err((program, error)) => {
                self.alert(format_args!("execve() \"{}\"", program.display()), &error);
                self.restore_pid_file();
            }
        }
    }

    /// The other binary has ended: this one stays.
    pub(super) fn successor_ended(&mut self) {
        self.successor = None;
        self.restore_pid_file();
        if self.phase == Phase::Paused {
            self.phase = Phase::Serving;
            self.start_worker();
        }
    }

    fn restore_pid_file(&mut self) {
        let path = self.running.config.pid.clone();
        let restored = self.pid_file.as_mut().map(|file| file.rename(&path));
        if let Some(Err(error)) = restored {
            let call = format_args!("rename() back to \"{}\"", path.display());
            self.alert(call, &error);
        }
    }

    fn alert(&self, call: fmt::Arguments<'_>, error: &io::Error) {
        let text = format_args!("{call} failed{}", Errno(error));
        self.log.line(Level::Alert, text);
    }
}

/// nginx's name for the pid file of a master that is being replaced.
fn old_name(path: &std::path::Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".oldbin");
    name.into()
}

/// Starts it with these descriptors under the numbers that they have here.
fn spawn(sockets: &[BorrowedFd<'_>]) -> Result<Pid, (OsString, io::Error)> {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let number = |socket: &BorrowedFd<'_>| format!("{};", socket.as_raw_fd());
    let mut command = Command::new(&program);
    command.args(arguments);
    command.env(VARIABLE, sockets.iter().map(number).collect::<String>());
    for name in NOT_PASSED_ON {
        command.env_remove(name);
    }
    // This process has one thread: nobody else starts a program in between.
    let spawned = set_all(sockets, FdFlags::empty()).and_then(|()| command.spawn());
    let closed = set_all(sockets, FdFlags::CLOEXEC);
    match (spawned, closed) {
        (Ok(child), Ok(())) => Ok(Pid::from_raw(child.id().cast_signed())),
        (Err(error), _) | (_, Err(error)) => Err((program, error)),
    }
}

fn set_all(sockets: &[BorrowedFd<'_>], flags: FdFlags) -> io::Result<()> {
    let mut sockets = sockets.iter();
    Ok(sockets.try_for_each(|socket| fcntl_setfd(socket, flags))?)
}
