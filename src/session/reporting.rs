//! A session's lines about backends and auth servers that fail, and that answer again.

use std::fmt;
use std::io;

use tokio::time::Instant;

use super::log::{SessionLog, level_of};
use super::peer_failures::{Effect, Failure, PeerName};
use super::phase::Phase;
use crate::base::{Address, Errno, Escaped, Level};

impl SessionLog {
    /// Writes that a connection could not be made. Over TCP, nginx notices that in its first `call`, `recv` or `send`.
    /// In [`Phase::AuthHttp`] the line names the address at its end.
    pub fn unconnected(&self, phase: Phase, address: &Address, call: &str, error: &io::Error) {
        use io::ErrorKind as Kind;
        let late = matches!(
            error.kind(),
            Kind::ConnectionRefused
                | Kind::ConnectionReset
                | Kind::TimedOut
                | Kind::HostUnreachable
        );
        let errno = Errno(error);
        let auth = (phase == Phase::AuthHttp).then_some(address);
        let peer = match auth {
            Some(address) => PeerName::auth_server(address),
            None => PeerName::upstream(address),
        };
        if late && matches!(address, Address::Inet(_)) {
            let message = format_args!("{call}() failed{errno}");
            self.failed(&peer, (phase, auth), Some(Level::Error), message);
        } else {
            let message = format_args!("connect() to {address} failed{errno}");
            self.failed(&peer, (phase, auth), Some(level_of(error)), message);
        }
    }

    /// Writes that a `call` on a connection to the auth server at `address` failed.
    pub fn auth_http(&self, address: &Address, call: &str, error: &io::Error) {
        let message = format_args!("{call}() failed{}", Errno(error));
        let context = (Phase::AuthHttp, Some(address));
        let peer = PeerName::auth_server(address);
        self.failed(&peer, context, Some(Level::Error), message);
    }

    /// Writes that the auth server at `address` has not decided about a login.
    pub fn auth_server_failed(&self, address: &Address, message: fmt::Arguments<'_>) {
        let peer = PeerName::auth_server(address);
        self.failed(&peer, (Phase::AuthHttp, None), Some(Level::Error), message);
    }

    /// Notes that the auth server at `address` has decided about a login.
    pub fn auth_server_answered(&self, address: &Address) {
        if self.peers.any() {
            self.back(&PeerName::auth_server(address));
        }
    }

    /// Writes that the backend has not decided about a login. Without a level, the failure has no line of its own.
    pub fn upstream_failed(&self, phase: Phase, level: Option<Level>, message: fmt::Arguments<'_>) {
        match (self.upstream_peer(), level) {
            (Some(peer), _) => self.failed(&peer, (phase, None), level, message),
            (None, Some(level)) => self.line(phase, level, message),
            (None, None) => {}
        }
    }

    /// Writes that the backend has broken the tunnel.
    pub fn upstream_cut_off(&self, phase: Phase, level: Level, message: fmt::Arguments<'_>) {
        match self.upstream_peer() {
            Some(peer) => {
                let context = (phase, None);
                self.peer_failed(&peer, Effect::CutOff, context, Some(level), message);
            }
            None => self.line(phase, level, message),
        }
    }

    /// Notes that the backend has decided about a login.
    pub fn upstream_answered(&self) {
        if self.peers.any()
            && let Some(peer) = self.upstream_peer()
        {
            self.back(&peer);
        }
    }

    /// Writes that the backend's name cannot be resolved.
    pub fn unresolved(&self, phase: Phase, name: &str, message: fmt::Arguments<'_>) {
        let peer = PeerName::upstream(Escaped(name.as_bytes()));
        self.failed(&peer, (phase, None), Some(Level::Error), message);
    }

    /// Notes that the backend's name can be resolved.
    pub fn resolved(&self, name: &str) {
        if self.peers.any() {
            self.back(&PeerName::upstream(Escaped(name.as_bytes())));
        }
    }

    /// The backend as the peer that fails.
    fn upstream_peer(&self) -> Option<PeerName> {
        let upstream = self.upstream.as_deref()?;
        let address = upstream.address.as_deref();
        Some(PeerName::upstream(address.unwrap_or(&upstream.name)))
    }

    /// Writes that a peer has not decided about a login.
    fn failed(
        &self,
        peer: &PeerName,
        context: (Phase, Option<&Address>),
        level: Option<Level>,
        message: fmt::Arguments<'_>,
    ) {
        self.peer_failed(peer, Effect::NoLogin, context, level, message);
    }

    /// Writes the line of a failure, at level info where the log has the peer's failure already, and a summary where one is due.
    fn peer_failed(
        &self,
        peer: &PeerName,
        effect: Effect,
        (phase, auth): (Phase, Option<&Address>),
        level: Option<Level>,
        message: fmt::Arguments<'_>,
    ) {
        let failure = Failure {
            visible: level.is_some_and(|level| level <= Level::Error),
            effect,
        };
        let now = Instant::now().into_std();
        let report = self.peers.failed(peer, now, failure);
        if let Some(level) = level {
            let level = match report.demoted {
                true => level.max(Level::Info),
                false => level,
            };
            self.write(Some(phase), auth, level, message);
        }
        if let Some(times) = report.summary {
            let message = self.masked(message.to_string());
            // The summary names the auth server itself.
            let last = message.strip_prefix(&format!("{peer} "));
            let last = last.unwrap_or(&message);
            let action = match phase {
                Phase::AuthHttp => String::new(),
                phase => format!(" while {}", phase.action()),
            };
            let summary = format_args!("{peer} failed {times} times, last: {last}{action}");
            self.log.line(Level::Error, None, summary);
        }
    }

    /// Writes that a peer answers again, if the log has its failures.
    fn back(&self, peer: &PeerName) {
        let now = Instant::now().into_std();
        if let Some(failed_for) = self.peers.answered(peer, now) {
            let seconds = failed_for.as_secs();
            let line = format_args!("{peer} is back after {seconds} s");
            self.log.line(Level::Error, None, line);
        }
    }
}
