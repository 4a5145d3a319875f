//! Spans of time: groups of digits and a unit, in falling order.

use std::time::Duration;

use super::{Call, Refusal, Value};

/// A time to the millisecond: units `w d h m s ms`, seconds without one.
#[derive(Debug)]
pub struct Msec;

impl Value for Msec {
    type Plain = Duration;
    const SYNTAX: &'static str = "time";
    const ABOUT: &'static str = "The time is a number with a unit, or several, the largest unit first: `1h30m`. The units are `ms`, `s`, \
        `m`, `h`, `d` and `w`. A number without a unit is in seconds.";

    fn read(call: &mut Call<'_>, _: Option<Duration>) -> Result<Duration, Refusal> {
        milliseconds(call.first())
            .map(Duration::from_millis)
            .ok_or(Refusal::Directive("invalid value"))
    }
}

/// A time in whole seconds: units `y M w d h m s`.
#[derive(Debug)]
pub struct Sec;

impl Value for Sec {
    type Plain = Duration;
    const SYNTAX: &'static str = "time";
    const ABOUT: &'static str = "The time is a number with a unit, or several, the largest unit first: `1h30m`. The units are `s`, `m`, \
        `h`, `d`, `w`, `M` (30 days) and `y` (365 days). A number without a unit is in seconds.";

    fn read(call: &mut Call<'_>, _: Option<Duration>) -> Result<Duration, Refusal> {
        seconds(call.first())
            .map(Duration::from_secs)
            .ok_or(Refusal::Directive("invalid value"))
    }
}

/// Milliseconds (`ngx_parse_time` with `is_sec` 0).
#[must_use]
pub fn milliseconds(text: &[u8]) -> Option<u64> {
    parse(text, false)
}

/// Seconds (`ngx_parse_time` with `is_sec` 1).
#[must_use]
pub fn seconds(text: &[u8]) -> Option<u64> {
    parse(text, true)
}

/// How far down the units a text has got; a later group must have a smaller unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
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
    let mut step = if whole_seconds {
        Step::Start
    } else {
        Step::Month
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
            b'y' => (Step::Year, 60 * 60 * 24 * 365),
            b'M' => (Step::Month, 60 * 60 * 24 * 30),
            b'w' => (Step::Week, 60 * 60 * 24 * 7),
            b'd' => (Step::Day, 60 * 60 * 24),
            b'h' => (Step::Hour, 60 * 60),
            b'm' if rest.first() == Some(&b's') && !whole_seconds => {
                rest = &rest[1..];
                (Step::Millisecond, 1)
            }
            b'm' if rest.first() == Some(&b's') => return None,
            b'm' => (Step::Minute, 60),
            b's' => (Step::Second, 1),
            b' ' => (Step::Last, 1),
            _ => return None,
        };
        // A blank ends a number of seconds, or none; what follows it is one more.
        let in_order = if *byte == b' ' {
            step < Step::Second
        } else {
            step < next
        };
        if !in_order {
            return None;
        }
        step = next;
        let scale = if next == Step::Millisecond || whole_seconds {
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
