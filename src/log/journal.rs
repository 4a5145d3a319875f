//! Standard error as a stream of systemd's journal, which takes the priority of a line from its beginning (sd-daemon(3)).

use std::io::Write;
use std::{env, io};

use nix::sys::stat::fstat;

use crate::base::Level;
use crate::config::LineFormat;

/// Whether standard error is a stream of the journal: `JOURNAL_STREAM` has the device and the inode of its socket (systemd.exec(5)).
pub(super) fn is_stderr() -> bool {
    let stream = env::var("JOURNAL_STREAM").unwrap_or_default();
    let Some((device, inode)) = stream.split_once(':') else {
        return false;
    };
    fstat(io::stderr())
        .is_ok_and(|stat| device.parse() == Ok(stat.st_dev) && inode.parse() == Ok(stat.st_ino))
}

/// The line with its priority, and without the time stamp of the text form: the journal has its own.
pub(super) fn line(level: Level, format: LineFormat, line: &[u8]) -> Vec<u8> {
    let line = match format {
        LineFormat::Text => line.get(STAMP..).unwrap_or(line),
        LineFormat::Json => line,
    };
    let mut bytes = Vec::with_capacity(line.len() + PRIORITY);
    // Writing to a vector does not fail.
    let _ = write!(bytes, "<{}>", level.severity());
    bytes.extend_from_slice(line);
    bytes
}

/// The length of `YYYY/MM/DD HH:MM:SS `.
const STAMP: usize = 20;
/// The length of `<N>`.
const PRIORITY: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_with_its_priority() {
        let text = line(
            Level::Error,
            LineFormat::Text,
            b"2026/11/30 01:02:03 [error] 1#2: x\n",
        );
        assert_eq!(text, b"<3>[error] 1#2: x\n");
        let json = line(Level::Emerg, LineFormat::Json, b"{}\n");
        assert_eq!(json, b"<0>{}\n");
    }
}
