//! Durations: groups of digits and a unit, the larger unit first.

use std::time::Duration;

use crate::config::schema::{Arguments, Parsed, ValueError, ValueKind};

/// A duration with a precision of 1 ms: units `w d h m s ms`, seconds without one.
#[derive(Debug)]
pub struct Msec;

impl ValueKind for Msec {
    type Value = Duration;
    const SYNTAX: &'static str = "time";
    const ABOUT: &'static str = "The time is a number with a unit, or several, the largest unit first: `1h30m`. The units are `ms`, `s`, \
        `m`, `h`, `d` and `w`. A number without a unit is in seconds.";

    fn read(args: &mut Arguments<'_>, _: Option<Duration>) -> Parsed<Duration> {
        milliseconds(args.first())
            .map(Duration::from_millis)
            .ok_or(ValueError::Predicate("invalid value"))
    }
}

/// A duration in whole seconds: units `y M w d h m s`.
#[derive(Debug)]
pub struct Sec;

impl ValueKind for Sec {
    type Value = Duration;
    const SYNTAX: &'static str = "time";
    const ABOUT: &'static str = "The time is a number with a unit, or several, the largest unit first: `1h30m`. The units are `s`, `m`, \
        `h`, `d`, `w`, `M` (30 days) and `y` (365 days). A number without a unit is in seconds.";

    fn read(args: &mut Arguments<'_>, _: Option<Duration>) -> Parsed<Duration> {
        seconds(args.first())
            .map(Duration::from_secs)
            .ok_or(ValueError::Predicate("invalid value"))
    }
}

/// Reads a duration in milliseconds (`ngx_parse_time` with `is_sec` 0).
pub fn milliseconds(text: &[u8]) -> Option<u64> {
    parse(text, false)
}

/// Reads a duration in seconds (`ngx_parse_time` with `is_sec` 1).
pub fn seconds(text: &[u8]) -> Option<u64> {
    parse(text, true)
}

/// The unit of the last group; a later group must have a smaller one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Start,
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Last,
}

fn parse(text: &[u8], whole_seconds: bool) -> Option<u64> {
    let mut unit = if whole_seconds {
        Unit::Start
    } else {
        Unit::Month
    };
    let (mut valid, mut value, mut total) = (false, 0_i64, 0_i64);
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if byte.is_ascii_digit() {
            value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
            valid = true;
            continue;
        }
        let (next, scale) = match byte {
            b'y' => (Unit::Year, 60 * 60 * 24 * 365),
            b'M' => (Unit::Month, 60 * 60 * 24 * 30),
            b'w' => (Unit::Week, 60 * 60 * 24 * 7),
            b'd' => (Unit::Day, 60 * 60 * 24),
            b'h' => (Unit::Hour, 60 * 60),
            b'm' if rest.first() == Some(&b's') && !whole_seconds => {
                rest = &rest[1..];
                (Unit::Millisecond, 1)
            }
            b'm' if rest.first() == Some(&b's') => return None,
            b'm' => (Unit::Minute, 60),
            b's' => (Unit::Second, 1),
            b' ' => (Unit::Last, 1),
            _ => return None,
        };
        // A blank ends a number of seconds, or none; only another such number may follow.
        let in_order = if *byte == b' ' {
            unit < Unit::Second
        } else {
            unit < next
        };
        if !in_order {
            return None;
        }
        unit = next;
        let scale = if next == Unit::Millisecond || whole_seconds {
            scale
        } else {
            scale * 1000
        };
        total = total.checked_add(value.checked_mul(scale)?)?;
        value = 0;
        while let [b' ', tail @ ..] = rest {
            rest = tail;
        }
    }
    if !valid {
        return None;
    }
    let value = if whole_seconds {
        value
    } else {
        value.checked_mul(1000)?
    };
    total
        .checked_add(value)
        .and_then(|total| u64::try_from(total).ok())
}

#[cfg(test)]
mod tests {
    use super::{milliseconds, seconds};

    #[test]
    fn times() {
        let cases: [(&str, Option<u64>, Option<u64>); 24] = [
            ("60", Some(60_000), Some(60)),
            ("60s", Some(60_000), Some(60)),
            ("500ms", Some(500), None),
            ("1h30m", Some(5_400_000), Some(5400)),
            ("1h 30m", Some(5_400_000), Some(5400)),
            ("1m 30", Some(90_000), Some(90)),
            ("1hm", Some(3_600_000), Some(3600)),
            ("30 1", Some(31_000), Some(31)),
            ("30 1 2", None, None),
            ("1d", Some(86_400_000), Some(86_400)),
            ("1w", Some(604_800_000), Some(604_800)),
            ("1M", None, Some(2_592_000)),
            ("1y", None, Some(31_536_000)),
            ("30m1h", None, None),
            ("1S", None, None),
            ("1.5s", None, None),
            ("-1", None, None),
            (" 1", Some(1000), Some(1)),
            (" 1s", None, None),
            (" ", None, None),
            ("1 ", Some(1000), Some(1)),
            ("ms", None, None),
            ("", None, None),
            ("9223372036854775807", None, Some(9_223_372_036_854_775_807)),
        ];
        for (text, wanted_ms, wanted_s) in cases {
            assert_eq!(
                (milliseconds(text.as_bytes()), seconds(text.as_bytes())),
                (wanted_ms, wanted_s),
                "{text:?}"
            );
        }
    }
}
