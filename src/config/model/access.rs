//! `allow` and `deny`.

use std::net::IpAddr;

use super::{Cidr, Origin};

/// One line of `allow` or `deny`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRule {
    pub action: AccessAction,
    /// The clients that it is about; `None` for all.
    pub network: Option<Cidr>,
    /// Its line.
    pub origin: Origin,
    /// Its place among the rules of a configuration.
    pub place: usize,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessAction {
    Allow,
    Deny,
}

impl AccessRule {
    /// The rule that denies a client: the first one that is about it decides. A client on a Unix socket has no address.
    pub fn denying(rules: &[Self], client: Option<IpAddr>) -> Option<&Self> {
        let is_about = |rule: &&Self| rule.network.is_none_or(|network| network.contains(client));
        let first = rules.iter().find(is_about);
        first.filter(|rule| rule.action == AccessAction::Deny)
    }
}
