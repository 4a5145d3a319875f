//! The signals of a running gateway: which are honoured, and nginx's line for each.

use std::{fmt, io};

use signal_hook::consts::signal::{
    SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
};
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Origin;
use signal_hook_tokio::SignalsInfo;

/// Every signal as a stream, with the process that sent it.
pub type Signals = SignalsInfo<WithOrigin>;

/// Starts listening. From here on none of these signals kills the process by itself.
pub fn listen() -> io::Result<Signals> {
    Signals::new([
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD,
    ])
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// SIGHUP
    Reload,
    /// SIGQUIT
    Finish,
    /// SIGTERM, SIGINT
    Stop,
    /// SIGUSR1
    Reopen,
    /// SIGUSR2, SIGWINCH: noticed, but nothing is done for them yet.
    Unserved,
    /// SIGCHLD
    Nothing,
}

/// A signal that came.
#[derive(Debug)]
pub struct Received {
    number: i32,
    sender: Option<i32>,
    /// What is to be done.
    pub wish: Wish,
}

impl From<Origin> for Received {
    fn from(origin: Origin) -> Self {
        let wish = match origin.signal {
            SIGHUP => Wish::Reload,
            SIGQUIT => Wish::Finish,
            SIGTERM | SIGINT => Wish::Stop,
            SIGUSR1 => Wish::Reopen,
            SIGUSR2 | SIGWINCH => Wish::Unserved,
            _ => Wish::Nothing,
        };
        Self {
            number: origin.signal,
            sender: origin.process.map(|process| process.pid),
            wish,
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
        out.write_str(match self.wish {
            Wish::Reload => ", reconfiguring",
            Wish::Finish => ", shutting down",
            Wish::Stop => ", exiting",
            Wish::Reopen => ", reopening logs",
            Wish::Unserved => ", which is not honoured yet",
            Wish::Nothing => "",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_nginx_lines() {
        let line = |number, wish| {
            Received {
                number,
                sender: Some(7),
                wish,
            }
            .to_string()
        };
        assert_eq!(
            line(SIGHUP, Wish::Reload),
            "signal 1 (SIGHUP) received from 7, reconfiguring"
        );
        assert_eq!(
            line(SIGTERM, Wish::Stop),
            "signal 15 (SIGTERM) received from 7, exiting"
        );
        assert_eq!(
            line(SIGCHLD, Wish::Nothing),
            "signal 17 (SIGCHLD) received from 7"
        );
    }
}
