//! `resolver`: name servers for the lookups of running sessions.

use std::time::Duration;

use super::time::seconds;
use super::url::{Rules, parse};
use super::{Call, Refusal, Value, sentence};
use crate::base::Address;
use crate::config::schema::row::Arity;

/// Name servers, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resolver {
    /// `off`
    #[default]
    Off,
    /// Asked in turn.
    Servers {
        /// Their addresses; port 53 unless given.
        addresses: Vec<Address>,
        /// `valid=`: how long answers hold, instead of their own time to live.
        valid: Option<Duration>,
        /// Whether A records are asked for.
        ipv4: bool,
        /// Whether AAAA records are asked for.
        ipv6: bool,
    },
}

/// `address ... [valid=time] [ipv4=on|off] [ipv6=on|off] | off`
#[derive(Debug)]
pub struct Resolvers;

impl Value for Resolvers {
    type Plain = Resolver;
    const SYNTAX: &'static str = "address ... [valid=time] [ipv4=on|off] [ipv6=on|off] | off";
    const ABOUT: &'static str = "A name server is specified by its address or host name, optionally with a port (default 53). `valid=time` overrides how \
        long an answer is cached, which is otherwise its TTL. `ipv4=off` and `ipv6=off` disable lookups of addresses of that kind.";
    const ARITY: Arity = Arity::SOME;

    fn read(call: &mut Call<'_>, _: Option<Resolver>) -> Result<Resolver, Refusal> {
        if call.first() == b"off" {
            return Ok(Resolver::Off);
        }
        let (mut addresses, mut valid, mut ipv4, mut ipv6) = (Vec::new(), None, true, true);
        for word in call.args {
            let bad = || Refusal::Says(sentence(&[b"invalid parameter: ", word]));
            if let Some(text) = word.strip_prefix(b"valid=") {
                valid = Some(Duration::from_secs(seconds(text).ok_or_else(bad)?));
            } else if let Some(text) = word.strip_prefix(b"ipv4=") {
                ipv4 = switch(text).ok_or_else(bad)?;
            } else if let Some(text) = word.strip_prefix(b"ipv6=") {
                ipv6 = switch(text).ok_or_else(bad)?;
            } else {
                let url = parse(
                    call.world,
                    word,
                    Rules {
                        port: 53,
                        ..Rules::default()
                    },
                )
                .map_err(|reason| {
                    Refusal::Says(sentence(&[
                        reason.as_bytes(),
                        b" in resolver \"",
                        word,
                        b"\"",
                    ]))
                })?;
                addresses.extend(url.addresses);
            }
        }
        if !ipv4 && !ipv6 {
            return Err(Refusal::says(
                "\"ipv4\" and \"ipv6\" cannot both be \"off\"",
            ));
        }
        if addresses.is_empty() {
            return Err(Refusal::says("no name servers defined"));
        }
        Ok(Resolver::Servers {
            addresses,
            valid,
            ipv4,
            ipv6,
        })
    }
}

fn switch(word: &[u8]) -> Option<bool> {
    match word {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}
