//! A follower that only watches: every byte passes, as in a tunnel that looks at nothing.
//!
//! It loses track where it would otherwise refuse a command or end the session, because from there on it does not know which bytes are
//! commands: after STARTTLS, a malformed BDAT, an overlong line, a reply that its command cannot have. The rest of the session has no
//! events but the end. As in a guarded session, bytes after DATA, AUTH, EHLO and QUIT wait for the reply.

use super::line::Class;
use super::{Event, Follower, Observer, Phase, Progress, Refusal, Request};

/// What a follower may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It answers guarded commands in the backend's place.
    Guard,
    /// It passes everything.
    Watch,
}

impl Mode {
    /// The class of a command line in this mode.
    pub(super) fn allow(self, class: Class) -> Class {
        match (self, class) {
            // The backend did not announce them, and refuses them.
            (Self::Watch, Class::Refuse(Refusal::ProxyCommand)) => Class::Pass(Request::Other),
            (_, class) => class,
        }
    }
}

impl Follower {
    /// Starts as [`Follower::new`], and passes every byte.
    pub fn watching(chunking: bool) -> Self {
        Follower {
            mode: Mode::Watch,
            ..Self::new(chunking)
        }
    }

    /// Passes everything from here on, unread.
    pub(super) fn lose_track<O: Observer>(&mut self, observer: &mut O) {
        self.phase = Phase::Unknown;
        observer.event(Event::LostTrack);
    }

    /// The same, where the next of the client's bytes cannot be understood.
    pub(super) fn give_up<O: Observer>(&mut self, observer: &mut O) -> Progress {
        self.lose_track(observer);
        Progress::Pass(0)
    }
}
