//! The directives of `upstream {}`.

use std::time::Duration;

use super::number::number;
use super::peers::upstream_refused;
use super::size::parse_size;
use super::time::seconds;
use super::url::{NOT_FOUND, Rules, parse};
use crate::base::Address;
use crate::config::model::{Admission, Balancing, ResolvedName, UpstreamServer};
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueKind, refuse};

/// The smallest zone that nginx accepts, in bytes: eight pages.
const SMALLEST_ZONE: i64 = 8 * 4096;

/// `server` lines.
#[derive(Debug)]
pub struct UpstreamServers;

impl ValueKind for UpstreamServers {
    type Value = Vec<UpstreamServer>;
    const SYNTAX: &'static str = "address [weight=number] [max_conns=number] [max_fails=number] [fail_timeout=time] \
        [slow_start=time] [backup] [down] [drain] [resolve]";
    const ABOUT: &'static str = "The address is `host[:port]` or `unix:path`; without a port it has that of the protocol. \
        `weight` is the share of the server (default 1). `max_conns` limits its sessions (default 0: no limit). After `max_fails` \
        failures (default 1, 0 for any number) within `fail_timeout` (default 10s) it gets no sessions for `fail_timeout`. A \
        failure is an error, a timeout or a closed connection before the server has decided about a login, or a refusal of the \
        session; refusals of the client itself are none: those of a login or a mail, and those after the server has learned \
        who the client is, by a PROXY header, XCLIENT or ID. With \
        `slow_start`, a server that is back reaches its share in this time. A `backup` gets sessions when no other server is \
        available. `down` takes a server out of use; `drain` does so for new sessions. With `resolve`, the name is looked up \
        again when its TTL ends, and need not resolve when the configuration is read; if a look-up fails, the addresses stay.";
    const ARITY: Arity = Arity::SOME;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(
        args: &mut Arguments<'_>,
        before: Option<Vec<UpstreamServer>>,
    ) -> Parsed<Vec<UpstreamServer>> {
        let mut servers = before.unwrap_or_default();
        let name = args.first();
        let mut server = UpstreamServer {
            name: name.into(),
            ..UpstreamServer::default()
        };
        let mut resolves = false;
        for word in args.rest() {
            let bad = || refuse!("invalid parameter \"", word, "\"");
            let after = |prefix: &str| word.strip_prefix(prefix.as_bytes());
            let count = |text: &[u8]| number(text).and_then(|number| u32::try_from(number).ok());
            let time = |text: &[u8]| seconds(text).map(Duration::from_secs);
            if let Some(text) = after("weight=") {
                server.weight = count(text).filter(|weight| *weight > 0).ok_or_else(bad)?;
            } else if let Some(text) = after("max_conns=") {
                server.max_conns = count(text).ok_or_else(bad)?;
            } else if let Some(text) = after("max_fails=") {
                server.max_fails = count(text).ok_or_else(bad)?;
            } else if let Some(text) = after("fail_timeout=") {
                server.fail_timeout = time(text).ok_or_else(bad)?;
            } else if let Some(text) = after("slow_start=") {
                server.slow_start = time(text).ok_or_else(bad)?;
            } else {
                match &**word {
                    b"backup" => server.backup = true,
                    b"down" => server.admission = Admission::Down,
                    b"drain" => server.admission = Admission::Drain,
                    b"resolve" => resolves = true,
                    _ => return Err(bad()),
                }
            }
        }
        match parse(args.names, name, Rules::default()) {
            Ok(url) => {
                server.resolve = (resolves && url.named).then(|| ResolvedName {
                    host: String::from_utf8_lossy(&url.host).into(),
                    port: url.addresses.first().map_or(0, Address::port),
                });
                (server.host, server.addresses) = (url.host, url.addresses);
            }
            Err(NOT_FOUND) if resolves => {
                let mut parts = name.split(|byte| *byte == b':');
                let host = parts.next().unwrap_or_default();
                let port = parts.next().and_then(number);
                server.host = host.into();
                server.resolve = Some(ResolvedName {
                    host: String::from_utf8_lossy(host).into(),
                    port: port.and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
                });
            }
            Err(reason) => return Err(upstream_refused(reason, name)),
        }
        servers.push(server);
        Ok(servers)
    }
}

/// `least_conn`
#[derive(Debug)]
pub struct LeastConnMethod;

impl ValueKind for LeastConnMethod {
    type Value = Balancing;
    const SYNTAX: &'static str = "";
    const ARITY: Arity = Arity::exactly(0);
    const REPEATED: Repeated = Repeated::Replaces;

    fn read(_: &mut Arguments<'_>, _: Option<Balancing>) -> Parsed<Balancing> {
        Ok(Balancing::LeastConn)
    }
}

/// `random [two [least_conn]]`
#[derive(Debug)]
pub struct RandomMethod;

impl ValueKind for RandomMethod {
    type Value = Balancing;
    const SYNTAX: &'static str = "[two [least_conn]]";
    const ARITY: Arity = Arity::between(0, 2);
    const REPEATED: Repeated = Repeated::Replaces;

    fn read(args: &mut Arguments<'_>, _: Option<Balancing>) -> Parsed<Balancing> {
        match args.words {
            [] => Ok(Balancing::Random),
            [first, rest @ ..] => match (&**first, rest.first().map(|word| &**word)) {
                (b"two", None | Some(b"least_conn")) => Ok(Balancing::RandomTwo),
                (b"two", Some(word)) => Err(refuse!("invalid parameter \"", word, "\"")),
                (word, _) => Err(refuse!("invalid parameter \"", word, "\"")),
            },
        }
    }
}

/// `hash key [consistent]`
#[derive(Debug)]
pub struct HashMethod;

impl ValueKind for HashMethod {
    type Value = Balancing;
    const SYNTAX: &'static str = "key [consistent]";
    const ARITY: Arity = Arity::between(1, 2);
    const REPEATED: Repeated = Repeated::Replaces;

    fn read(args: &mut Arguments<'_>, _: Option<Balancing>) -> Parsed<Balancing> {
        let key = args.variables.template(args.first(), args.span);
        let key = key.map_err(|error| refuse!(error.of_value()))?;
        match args.rest().first().map(|word| &**word) {
            None => Ok(Balancing::Hash(key)),
            Some(b"consistent") => Ok(Balancing::ConsistentHash(key)),
            Some(word) => Err(refuse!("invalid parameter \"", word, "\"")),
        }
    }
}

/// `zone name [size]`
#[derive(Debug)]
pub struct UpstreamZone;

impl ValueKind for UpstreamZone {
    type Value = Box<[u8]>;
    const SYNTAX: &'static str = "name [size]";
    const ARITY: Arity = Arity::between(1, 2);

    fn read(args: &mut Arguments<'_>, _: Option<Box<[u8]>>) -> Parsed<Box<[u8]>> {
        let name = args.first();
        if name.is_empty() {
            return Err(refuse!("invalid zone name \"", name, "\""));
        }
        if let Some(word) = args.rest().first() {
            match parse_size(word) {
                None => return Err(refuse!("invalid zone size \"", word, "\"")),
                Some(size) if size < SMALLEST_ZONE => {
                    return Err(refuse!("zone \"", name, "\" is too small"));
                }
                Some(_) => {}
            }
        }
        Ok(name.into())
    }
}
