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

/// `YYYY-MM-DDTHH:MM:SS.mmm+hh:mm`
pub(super) type Iso = [u8; 29];

/// A time in milliseconds, as in ISO 8601.
pub(super) fn iso(time: SystemTime) -> Iso {
    thread_local! {
        static LAST: Cell<(i64, Iso)> = const { Cell::new((i64::MIN, [0; 29])) };
    }
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let second = since.as_secs() as i64;
    LAST.with(|last| {
        let (at, mut iso) = last.get();
        if at != second {
            iso = format_iso(second, TimeZone::system());
            last.set((second, iso));
        }
        for (at, divisor) in [(20, 100), (21, 10), (22, 1)] {
            iso[at] = b'0' + (since.subsec_millis() / divisor % 10) as u8;
        }
        iso
    })
}

fn format_iso(second: i64, zone: TimeZone) -> Iso {
    let mut iso = *b"1970-01-01T00:00:00.000+00:00";
    if let Ok(time) = Timestamp::from_second(second) {
        let time = time.to_zoned(zone);
        // After the year 9999 the end is cut off.
        let _ = write!(
            &mut iso[..],
            "{}",
            time.strftime("%Y-%m-%dT%H:%M:%S.000%:z")
        );
    }
    iso
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
    fn formats_as_iso_8601() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        assert_eq!(
            format_iso(1_700_000_000, zone).escape_ascii().to_string(),
            "2023-11-14T17:13:20.000-05:00"
        );
        for millis in [1_700_000_000_007, 1_700_000_000_999, 1_700_000_001_120] {
            let shown = iso(UNIX_EPOCH + std::time::Duration::from_millis(millis));
            let shown: Timestamp = shown.escape_ascii().to_string().parse().expect("a time");
            assert_eq!(shown.as_millisecond(), millis as i64);
        }
    }

    #[test]
    fn the_stamp_is_the_current_time() {
        let second = || Timestamp::now().as_second();
        let (before, stamp, after) = (second(), stamp(SystemTime::now()), second());
        let zone = TimeZone::system();
        assert!((before..=after).any(|second| format(second, zone.clone()) == stamp));
    }
}
