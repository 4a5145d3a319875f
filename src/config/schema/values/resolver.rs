//! `resolver`: name servers for the lookups of running sessions.

use std::time::Duration;

use super::time::seconds;
use super::url::{Rules, parse};
use crate::config::model::Resolver;
use crate::config::schema::{Arguments, Arity, Parsed, ValueError, ValueKind};
use crate::config::syntax::message;

/// `address ... [valid=time] [ipv4=on|off] [ipv6=on|off] | off`
#[derive(Debug)]
pub struct Resolvers;

impl ValueKind for Resolvers {
    type Value = Resolver;
    const SYNTAX: &'static str = "address ... [valid=time] [ipv4=on|off] [ipv6=on|off] | off";
    const ABOUT: &'static str = "A name server is specified by its address or host name, optionally with a port (default 53). `valid=time` overrides how \
        long an answer is cached, which is otherwise its TTL. `ipv4=off` and `ipv6=off` disable lookups of addresses of that kind.";
    const ARITY: Arity = Arity::SOME;

    fn read(args: &mut Arguments<'_>, _: Option<Resolver>) -> Parsed<Resolver> {
        if args.first() == b"off" {
            return Ok(Resolver::Off);
        }
        let (mut addresses, mut valid, mut ipv4, mut ipv6) = (Vec::new(), None, true, true);
        let rules = Rules {
            port: 53,
            ..Rules::default()
        };
        for word in args.words {
            let bad = || ValueError::says(message!("invalid parameter: ", word));
            if let Some(text) = word.strip_prefix(b"valid=") {
                valid = Some(Duration::from_secs(seconds(text).ok_or_else(bad)?));
            } else if let Some(text) = word.strip_prefix(b"ipv4=") {
                ipv4 = on_or_off(text).ok_or_else(bad)?;
            } else if let Some(text) = word.strip_prefix(b"ipv6=") {
                ipv6 = on_or_off(text).ok_or_else(bad)?;
            } else {
                let url = parse(args.names, word, rules);
                let url = url.map_err(|reason| {
                    ValueError::says(message!(reason, " in resolver \"", word, "\""))
                })?;
                addresses.extend(url.addresses);
            }
        }
        if !ipv4 && !ipv6 {
            return Err(ValueError::says(
                "\"ipv4\" and \"ipv6\" cannot both be \"off\"",
            ));
        }
        if addresses.is_empty() {
            return Err(ValueError::says("no name servers defined"));
        }
        Ok(Resolver::Servers {
            addresses,
            valid,
            ipv4,
            ipv6,
        })
    }
}

fn on_or_off(word: &[u8]) -> Option<bool> {
    match word {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}
