//! What the end of a session says about its result.

use crate::config::{Deciding, Origin};
use crate::log::mail_log::{EndedBy, SessionResult};

/// Why a session has its result.
#[derive(Clone, Debug, Default)]
pub(in crate::session) struct Verdict {
    /// The cause in words, without secrets.
    pub reason: Option<Box<str>>,
    /// The directive that decided.
    pub by: Option<By>,
}

/// The directive that decided.
#[derive(Clone, Debug)]
pub(in crate::session) enum By {
    /// A directive of the server.
    Directive(Deciding),
    /// One line of several.
    Line(Origin),
}

impl From<Deciding> for By {
    fn from(directive: Deciding) -> Self {
        Self::Directive(directive)
    }
}

impl From<Origin> for By {
    fn from(line: Origin) -> Self {
        Self::Line(line)
    }
}

impl Verdict {
    /// The decision of a directive.
    pub fn by(directive: impl Into<By>, reason: impl Into<Box<str>>) -> Self {
        Self {
            reason: Some(reason.into()),
            by: Some(directive.into()),
        }
    }

    /// A cause outside the configuration.
    pub fn because(reason: impl Into<Box<str>>) -> Self {
        Self {
            reason: Some(reason.into()),
            by: None,
        }
    }
}

/// The end of a session, as its line shows it.
#[derive(Debug)]
pub(in crate::session) struct Conclusion {
    pub decided: Decided,
    pub ended_by: EndedBy,
}

/// The event that decides about the result.
#[derive(Debug)]
pub(in crate::session) enum Decided {
    /// The end itself.
    End(SessionResult, Verdict),
    /// The attempts before it. The reason is that of a session without one.
    Attempts(Option<Box<str>>),
}

impl Conclusion {
    /// The gateway decides and ends the session.
    pub fn gateway(result: SessionResult, verdict: Verdict) -> Self {
        Self {
            decided: Decided::End(result, verdict),
            ended_by: EndedBy::Gateway,
        }
    }

    /// The cause in words.
    pub fn reason(&mut self) -> Option<&mut Box<str>> {
        match &mut self.decided {
            Decided::End(_, verdict) => verdict.reason.as_mut(),
            Decided::Attempts(reason) => reason.as_mut(),
        }
    }

    /// The attempts decide.
    pub fn attempts(reason: Option<String>, ended_by: EndedBy) -> Self {
        Self {
            decided: Decided::Attempts(reason.map(Into::into)),
            ended_by,
        }
    }
}
