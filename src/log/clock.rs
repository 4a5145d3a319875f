//! Time stamps of log lines, in local time. Each thread formats once a second.

use std::cell::Cell;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `YYYY/MM/DD HH:MM:SS`
pub(super) type Stamp = [u8; 19];

thread_local! {
    static LAST: Cell<(i64, Stamp)> = const { Cell::new((i64::MIN, *b"1970/01/01 00:00:00")) };
}

/// A time, most often the current one.
pub(super) fn stamp(time: SystemTime) -> Stamp {
    let second = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64);
    LAST.with(|last| {
        let (at, stamp) = last.get();
        if at == second {
            return stamp;
        }
        let stamp = format(second, TimeZone::system());
        last.set((second, stamp));
        stamp
    })
}

fn format(second: i64, zone: TimeZone) -> Stamp {
    let mut stamp = *b"1970/01/01 00:00:00";
    if let Ok(time) = Timestamp::from_second(second) {
        let time = time.to_zoned(zone);
        // After the year 9999 the end is cut off.
        let _ = write!(
            &mut stamp[..],
            "{:04}/{:02}/{:02} {:02}:{:02}:{:02}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        );
    }
    stamp
}

/// A time with milliseconds and the offset of the time zone (ISO 8601): `YYYY-MM-DDTHH:MM:SS.mmm+00:00`.
pub(super) fn iso8601(time: SystemTime) -> String {
    Timestamp::try_from(time)
        .unwrap_or_default()
        .to_zoned(TimeZone::system())
        .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
        .to_string()
}

/// The current time for a syslog header (RFC 3164): `Mmm dd HH:MM:SS`.
pub(super) fn syslog_stamp() -> String {
    Timestamp::now()
        .to_zoned(TimeZone::system())
        .strftime("%b %e %H:%M:%S")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_nginx_does() {
        assert_eq!(
            &format(1_700_000_000, TimeZone::UTC),
            b"2023/11/14 22:13:20"
        );
    }

    #[test]
    fn the_stamp_is_the_current_time() {
        let second = || Timestamp::now().as_second();
        let (before, stamp, after) = (second(), stamp(SystemTime::now()), second());
        let zone = TimeZone::system();
        assert!((before..=after).any(|second| format(second, zone.clone()) == stamp));
    }
}
