//! The counters of one `listen` address.

use std::sync::Arc;

use super::counter::Counter;
use super::tls::TlsCounts;
use crate::base::Protocol;
use crate::log::mail_log::SessionResult;

/// The methods of logins, as logs name them. The last one stands for those that are not in the list.
pub const METHODS: [&str; 10] = [
    "plain",
    "cram-md5",
    "apop",
    "external",
    "xoauth2",
    "oauthbearer",
    "scram-sha-1",
    "scram-sha-256",
    "none",
    "other",
];
const RESULTS: usize = SessionResult::ALL.len();

/// A `listen` address and its protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerKey {
    /// The address as log lines show it.
    pub address: Arc<str>,
    /// What its clients speak.
    pub protocol: Protocol,
}

/// What is counted about the sessions of one address.
#[derive(Debug)]
pub struct ServerCounts {
    /// The address.
    pub key: ServerKey,
    /// Sessions that have begun.
    pub begun: Counter,
    /// Sessions that have ended.
    pub ended: Counter,
    /// Bytes from clients, inside TLS.
    pub received: Counter,
    /// Bytes to clients, inside TLS.
    pub sent: Counter,
    /// TLS with clients.
    pub tls: TlsCounts,
    /// Ended sessions by result.
    results: [Counter; RESULTS],
    /// Decided login attempts by method and result.
    logins: [[Counter; RESULTS]; METHODS.len()],
}

impl ServerCounts {
    pub(super) fn new(key: ServerKey) -> Self {
        Self {
            key,
            begun: Counter::default(),
            ended: Counter::default(),
            received: Counter::default(),
            sent: Counter::default(),
            tls: TlsCounts::default(),
            results: Default::default(),
            logins: Default::default(),
        }
    }

    /// The open sessions.
    pub fn open(&self) -> u64 {
        // The end first: a session that begins and ends in between counts as open, never as less than none.
        let ended = self.ended.value();
        self.begun.value().saturating_sub(ended)
    }

    /// Ended sessions by result, in the order of [`SessionResult::ALL`].
    pub fn results(&self) -> impl Iterator<Item = (SessionResult, u64)> {
        with_results(&self.results)
    }

    /// Decided login attempts by method and result, without those that never happened.
    pub fn logins(&self) -> impl Iterator<Item = (&'static str, SessionResult, u64)> {
        let methods = METHODS.into_iter().zip(&self.logins);
        let all = methods.flat_map(|(method, counts)| {
            with_results(counts).map(move |(result, count)| (method, result, count))
        });
        all.filter(|(_, _, count)| *count > 0)
    }

    pub(super) fn note_end(&self, result: SessionResult) {
        self.results[index(result)].increment();
        self.ended.increment();
    }

    /// Counts a decision about an attempt with the method of this index.
    pub(super) fn note_login(&self, method: usize, result: SessionResult) {
        if let Some(counts) = self.logins.get(method) {
            counts[index(result)].increment();
        }
    }
}

fn with_results(counts: &[Counter; RESULTS]) -> impl Iterator<Item = (SessionResult, u64)> {
    let counts = counts.iter().map(Counter::value);
    SessionResult::ALL.into_iter().zip(counts)
}

/// The place of a result: [`SessionResult::ALL`] has the order of the variants.
fn index(result: SessionResult) -> usize {
    result as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_has_its_place() {
        let counts = ServerCounts::new(ServerKey {
            address: "a".into(),
            protocol: Protocol::Imap,
        });
        for (times, result) in (1..).zip(SessionResult::ALL) {
            for _ in 0..times {
                counts.begun.increment();
                counts.note_end(result);
            }
        }
        let expected = SessionResult::ALL.into_iter().zip(1..);
        assert!(counts.results().eq(expected));
        assert_eq!(counts.open(), 0);
        counts.note_login(8, SessionResult::Login);
        counts.note_login(METHODS.len(), SessionResult::Login);
        let logins: Vec<_> = counts.logins().collect();
        assert_eq!(logins, [("none", SessionResult::Login, 1)]);
    }
}
