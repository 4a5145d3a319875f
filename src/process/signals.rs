//! Signals as a stream that poll(2) can wait for, and nginx's line for each.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::sys::signal::SigSet;
use signal_hook::consts::signal::{
    SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Origin;

/// The signals that nginx handles. None of them ends the process by itself.
#[derive(Debug)]
pub struct Signals(SignalDelivery<UnixStream, WithOrigin>);

/// A signal that came.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Its number.
    pub number: i32,
    /// The process that sent it, unless it was the kernel.
    pub sender: Option<i32>,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// The kernel refuses a handler.
    pub fn listen() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        let signals = [
            SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD,
        ];
        let delivery = SignalDelivery::with_pipe(read, write, WithOrigin::default(), signals)?;
        // nginx keeps them blocked, and so does a binary that it starts.
        SigSet::empty().thread_set_mask()?;
        Ok(Self(delivery))
    }

    /// What came since the last call.
    pub fn pending(&mut self) -> Vec<Received> {
        self.0.pending().map(Received::from).collect()
    }
}

/// Readable when a signal came.
impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_read().as_fd()
    }
}

impl From<Origin> for Received {
    fn from(origin: Origin) -> Self {
        Self {
            number: origin.signal,
            sender: origin.process.map(|process| process.pid),
        }
    }
}

impl Received {
    /// `signal 1 (SIGHUP) received from 4711, reconfiguring`
    pub fn line(&self, consequence: &str) -> String {
        let name = signal_hook::low_level::signal_name(self.number).unwrap_or("?");
        let sender = self.sender.map(|sender| format!(" from {sender}"));
        let sender = sender.unwrap_or_default();
        format!(
            "signal {} ({name}) received{sender}{consequence}",
            self.number
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_nginx_lines() {
        let line = |number, consequence| {
            let sender = Some(7);
            Received { number, sender }.line(consequence)
        };
        assert_eq!(
            line(SIGHUP, ", reconfiguring"),
            "signal 1 (SIGHUP) received from 7, reconfiguring"
        );
        assert_eq!(line(SIGCHLD, ""), "signal 17 (SIGCHLD) received from 7");
    }
}
