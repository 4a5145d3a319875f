//! The three ways to carry a session's bytes: without a look at them, guarded, and guarded or not with lines for the messages.

use std::io;
use std::task::{Context, Poll};

use super::followed::Followed;
use super::incident::Incident;
use super::message_recorder::MessageRecorder;
use crate::net::linger::Lingering;
use crate::net::stream::Stream;
use crate::net::tunnel::{End, Pipe, Side, limited};
use crate::session::log::SessionLog;
use crate::session::recorder::Recorder;

/// The two streams of a tunnel, and what is known about their bytes.
#[derive(Debug)]
pub(super) enum Carrier {
    Plain(Box<Pipe<Stream, Stream>>),
    Followed(Box<Followed<Stream, Stream, ()>>),
    /// `mail_log` has lines for the messages.
    Recorded(Box<Followed<Stream, Stream, MessageRecorder>>),
}

/// Calls the method of the same name of whatever carries the bytes.
macro_rules! each {
    ($carrier:expr, $own:ident => $call:expr) => {
        match $carrier {
            Carrier::Plain($own) => $call,
            Carrier::Followed($own) => $call,
            Carrier::Recorded($own) => $call,
        }
    };
}

impl Carrier {
    /// Copies bytes until the session ends. Incidents have their lines in the log. [`Self::finish`] comes next.
    pub fn run(
        &mut self,
        interrupt: impl FnMut(&mut Context<'_>) -> Poll<()>,
        log: &SessionLog,
    ) -> impl Future<Output = End> {
        let idle_timeout = each!(self, own => own.idle_timeout());
        limited(idle_timeout, interrupt, move |cx, activity| {
            let report = |incident: Incident| incident.log(log);
            let end = match self {
                Self::Plain(pipe) => {
                    let end = pipe.turn(cx, activity);
                    log.carrying(pipe.carried());
                    end
                }
                Self::Followed(followed) => {
                    let end = followed.turn(cx, activity, &report);
                    log.carrying(followed.carried());
                    end
                }
                Self::Recorded(followed) => {
                    let end = followed.turn(cx, activity, &report);
                    let carried = followed.carried();
                    followed.observer().carrying(carried);
                    end
                }
            };
            // `limit_rate` makes the client wait: neither side is silent.
            activity.moved |= self.streams().0.is_delayed();
            end
        })
    }

    /// Completes the messages, and sends the last reply where the gateway has ended the session. The client is waited for then.
    pub async fn finish(&mut self, lingering: Option<Lingering>) {
        match self {
            Self::Plain(_) => {}
            Self::Followed(followed) => followed.finish(lingering).await,
            Self::Recorded(followed) => followed.finish(lingering).await,
        }
    }

    /// The streams of the client and the backend.
    pub fn streams(&self) -> (&Stream, &Stream) {
        each!(self, own => own.streams())
    }

    /// The number of bytes carried from the client to the backend, and back.
    pub fn carried(&self) -> (u64, u64) {
        each!(self, own => own.carried())
    }

    /// The side that closed first.
    pub fn first_end(&self) -> Option<Side> {
        each!(self, own => own.first_end())
    }

    /// The incident by which the gateway ended the session.
    pub fn closing(&self) -> Option<Incident> {
        match self {
            Self::Plain(_) => None,
            Self::Followed(followed) => followed.closing(),
            Self::Recorded(followed) => followed.closing(),
        }
    }

    /// Gives the session's record back, after the end of the messages.
    pub fn take_record(&mut self) -> Option<Box<Recorder>> {
        match self {
            Self::Plain(_) | Self::Followed(_) => None,
            Self::Recorded(followed) => followed.observer().take_record(),
        }
    }

    /// Ends the messages of a session that does not run any more.
    pub fn abandon(&mut self) {
        match self {
            Self::Plain(_) | Self::Followed(_) => {}
            Self::Recorded(followed) => followed.abandon(),
        }
    }

    /// Lets a client that has got its backend's last bytes close first.
    pub async fn linger(&mut self, lingering: Lingering) {
        each!(self, own => own.linger(lingering).await);
    }

    /// Ends the tunnel from here, with this reply to the client where none is incomplete.
    ///
    /// # Errors
    /// The client does not take the reply.
    pub async fn close(&mut self, reply: &[u8]) -> io::Result<()> {
        each!(self, own => own.close(reply).await)
    }
}
