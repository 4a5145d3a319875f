//! The directive `health_check` of `upstream {}`.

use std::time::Duration;

use super::number::number;
use super::text::Bytes;
use super::time::milliseconds;
use crate::config::model::HealthCheck;
use crate::config::schema::{Arguments, Arity, Parsed, ValueKind, refuse};

/// `health_check [interval=time] [jitter=time] [fails=number] [passes=number] [port=number] [match=name]`
#[derive(Debug)]
pub struct HealthChecks;

impl ValueKind for HealthChecks {
    type Value = HealthCheck<Bytes>;
    const SYNTAX: &'static str =
        "[interval=time] [jitter=time] [fails=number] [passes=number] [port=number] [match=name]";
    const ABOUT: &'static str = "`interval` is the time between two checks of a server (default 5s); each is delayed by chance by up to \
        `jitter` (default 0). A server is unhealthy after `fails` failed checks in a row (default 1), and healthy again after `passes` \
        successful ones (default 1). With `port`, the checks connect to this port instead of the server's own. `match` names a `match` block.";
    const ARITY: Arity = Arity::between(0, 6);

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Self::Value> {
        let mut check = HealthCheck::default();
        for word in args.words {
            let bad = || refuse!("invalid parameter \"", word, "\"");
            let after = |prefix: &str| word.strip_prefix(prefix.as_bytes());
            let time = |text: &[u8]| milliseconds(text).map(Duration::from_millis);
            let count = |text: &[u8]| {
                let number = number(text).and_then(|number| u32::try_from(number).ok());
                number.filter(|number| *number > 0)
            };
            if let Some(text) = after("interval=") {
                let interval = time(text).filter(|interval| !interval.is_zero());
                check.interval = interval.ok_or_else(bad)?;
            } else if let Some(text) = after("jitter=") {
                check.jitter = time(text).ok_or_else(bad)?;
            } else if let Some(text) = after("fails=") {
                check.fails = count(text).ok_or_else(bad)?;
            } else if let Some(text) = after("passes=") {
                check.passes = count(text).ok_or_else(bad)?;
            } else if let Some(text) = after("port=") {
                let port = count(text).and_then(|number| u16::try_from(number).ok());
                check.port = Some(port.ok_or_else(bad)?);
            } else if let Some(name) = after("match=") {
                check.matching = Some(name.into());
                if name.is_empty() {
                    return Err(bad());
                }
            } else {
                return Err(bad());
            }
        }
        Ok(check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::row::read_default;

    #[test]
    fn parameters() {
        let check = read_default::<HealthChecks>(
            "fails=3 interval=1m500ms port=26 passes=2 jitter=1 match=m",
        );
        let expected = HealthCheck {
            interval: Duration::from_millis(60_500),
            jitter: Duration::from_secs(1),
            fails: 3,
            passes: 2,
            port: Some(26),
            matching: Some(b"m".as_slice().into()),
        };
        assert_eq!(check.ok(), Some(expected));
        let plain = read_default::<HealthChecks>("").ok();
        assert_eq!(plain, Some(HealthCheck::default()));
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        for word in [
            "interval=0",
            "interval=",
            "interval=5x",
            "jitter=-1",
            "fails=0",
            "passes=0",
            "passes=4294967296",
            "port=0",
            "port=65536",
            "match=",
            "uri=/",
            "mandatory",
        ] {
            assert!(read_default::<HealthChecks>(word).is_err(), "{word}");
        }
    }
}
