//! What the limits know about a session, and how one of them ends it.

use super::verdict::Verdict;
use crate::config::Stage;
use crate::limit::ConnLease;
use crate::log::mail_log::SessionResult;
use crate::proto::LastReply;

/// What the limits know about a session.
#[derive(Debug, Default)]
pub(in crate::session) struct LimitState {
    /// The last stage whose rules were checked.
    pub reached: Option<Stage>,
    /// The zones that count the session.
    pub leases: Vec<ConnLease>,
}

/// A client that a rule refuses. Its line is in the log.
#[derive(Clone, Debug)]
pub(in crate::session) struct Barred {
    pub result: SessionResult,
    pub verdict: Verdict,
    /// `None`: the connection is closed without one.
    pub reply: Option<LastReply>,
}
