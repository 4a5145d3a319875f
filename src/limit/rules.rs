//! The limits of a server, each rule with its zone.

use std::sync::Arc;

use super::{AuthZone, ConnZone, SessionZone, Zone};
use crate::config::{self, AuthRule, ConnRule, LimitZone, SessionRule, Stage, UsesZone};

/// The limits of a server.
#[derive(Debug)]
pub struct Limits {
    /// As configured.
    pub config: Arc<config::Limits>,
    /// `limit_conn`
    pub conn: Box<[Zoned<ConnRule, ConnZone>]>,
    /// `limit_session`
    pub session: Box<[Zoned<SessionRule, SessionZone>]>,
    /// `limit_auth`
    pub auth: Box<[Zoned<AuthRule, AuthZone>]>,
}

/// A rule and its zone.
#[derive(Debug)]
pub struct Zoned<R, Z> {
    pub rule: R,
    pub zone: Arc<Z>,
    /// When the key of the zone is known.
    pub stage: Stage,
}

impl Limits {
    /// The zones that are used, with their configurations.
    pub fn zones(&self) -> impl Iterator<Item = (&LimitZone, Arc<dyn Zone>)> {
        let conn = self.conn.iter().map(Zoned::zone);
        let session = self.session.iter().map(Zoned::zone);
        let auth = self.auth.iter().map(Zoned::zone);
        conn.chain(session).chain(auth)
    }
}

impl<R: UsesZone, Z: Zone + 'static> Zoned<R, Z> {
    fn zone(&self) -> (&LimitZone, Arc<dyn Zone>) {
        let zone = Arc::clone(&self.zone);
        (self.rule.zone(), zone)
    }
}

impl<R: Clone + UsesZone, Z> Zoned<R, Z> {
    /// All rules of one kind, with the zones that `zone` makes.
    pub(super) fn all(rules: &[R], zone: impl Fn(&LimitZone) -> Arc<Z>) -> Box<[Self]> {
        let rules = rules.iter().map(|rule| Self {
            zone: zone(rule.zone()),
            stage: rule.zone().key.stage(),
            rule: rule.clone(),
        });
        rules.collect()
    }
}
