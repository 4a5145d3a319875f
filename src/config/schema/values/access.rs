//! `allow` and `deny`.

use super::cidr::parse_network;
use crate::config::model::{AccessAction, AccessRule, Cidr, Origin};
use crate::config::schema::{Arguments, Parsed, Repeated, ValueKind, refuse};
use crate::config::syntax::message;

/// The lines of `allow` or `deny`.
#[derive(Debug)]
pub struct AccessRules;

impl ValueKind for AccessRules {
    type Value = Vec<AccessRule>;
    const SYNTAX: &'static str = "address | CIDR | unix: | all";
    const ABOUT: &'static str = "The value is an address, a network such as `192.0.2.0/24` or `2001:db8::/32`, `unix:` for all UNIX-domain \
        sockets, or `all`.";
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<AccessRule>>) -> Parsed<Vec<AccessRule>> {
        let mut rules = before.unwrap_or_default();
        let word = args.first();
        let network = match word {
            b"all" => None,
            b"unix:" => Some(Cidr::Unix),
            _ => {
                let bad = || refuse!("invalid parameter \"", word, "\"");
                let (network, is_clean) = parse_network(word).ok_or_else(bad)?;
                if !is_clean {
                    args.warn(message!("low address bits of ", word, " are meaningless"));
                }
                Some(network)
            }
        };
        rules.push(AccessRule {
            action: match args.name {
                "allow" => AccessAction::Allow,
                _ => AccessAction::Deny,
            },
            network,
            origin: Origin::of(args.span),
            place: 0,
        });
        Ok(rules)
    }
}
