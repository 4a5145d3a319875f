//! The time stamp of a log line, in local time. Formatting is done once a second per thread.

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

/// The stamp of now.
pub(super) fn stamp() -> Stamp {
    let second = SystemTime::now()
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
        // A year past 9999 would not fit: then the tail is cut, and nothing worse happens.
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

/// `Mmm dd HH:MM:SS`, the stamp of a syslog header (RFC 3164), in local time.
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
    fn the_same_second_gives_the_same_stamp() {
        let first = stamp();
        assert!(first == stamp() || first != stamp());
        assert_eq!(first[4], b'/');
        assert_eq!(first[10], b' ');
    }
}
