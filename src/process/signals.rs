//! The signals of a running instance, and nginx's log line for each.

use std::{fmt, io};

use signal_hook::consts::signal::{
    SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
};
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Origin;
use signal_hook_tokio::SignalsInfo;

/// Signals as a stream, with the processes that sent them.
pub type Signals = SignalsInfo<WithOrigin>;

/// Installs handlers. From here on none of these signals kills the process.
///
/// # Errors
/// sigaction(2) fails.
pub fn listen() -> io::Result<Signals> {
    Signals::new([
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD,
    ])
}

/// The request that a signal stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// SIGHUP
    Reload,
    /// SIGQUIT
    Finish,
    /// SIGTERM, SIGINT
    Stop,
    /// SIGUSR1
    Reopen,
    /// SIGUSR2, SIGWINCH: logged, and not honoured yet.
    Unsupported,
    /// SIGCHLD
    Nothing,
}

/// A received signal.
#[derive(Debug)]
pub struct Received {
    number: i32,
    sender: Option<i32>,
    /// The request.
    pub request: Request,
}

impl From<Origin> for Received {
    fn from(origin: Origin) -> Self {
        let request = match origin.signal {
            SIGHUP => Request::Reload,
            SIGQUIT => Request::Finish,
            SIGTERM | SIGINT => Request::Stop,
            SIGUSR1 => Request::Reopen,
            SIGUSR2 | SIGWINCH => Request::Unsupported,
            _ => Request::Nothing,
        };
        Self {
            number: origin.signal,
            sender: origin.process.map(|process| process.pid),
            request,
        }
    }
}

/// `signal 1 (SIGHUP) received from 4711, reconfiguring`
impl fmt::Display for Received {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = signal_hook::low_level::signal_name(self.number).unwrap_or("?");
        write!(out, "signal {} ({name}) received", self.number)?;
        if let Some(sender) = self.sender {
            write!(out, " from {sender}")?;
        }
        out.write_str(match self.request {
            Request::Reload => ", reconfiguring",
            Request::Finish => ", shutting down",
            Request::Stop => ", exiting",
            Request::Reopen => ", reopening logs",
            Request::Unsupported => ", which is not honoured yet",
            Request::Nothing => "",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_nginx() {
        let line = |number, request| {
            Received {
                number,
                sender: Some(7),
                request,
            }
            .to_string()
        };
        assert_eq!(
            line(SIGHUP, Request::Reload),
            "signal 1 (SIGHUP) received from 7, reconfiguring"
        );
        assert_eq!(
            line(SIGTERM, Request::Stop),
            "signal 15 (SIGTERM) received from 7, exiting"
        );
        assert_eq!(
            line(SIGCHLD, Request::Nothing),
            "signal 17 (SIGCHLD) received from 7"
        );
    }
}
