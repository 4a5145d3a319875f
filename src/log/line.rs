//! A log line under construction: a buffer of fixed size that truncates as nginx does.

use std::fmt::{self, Write};

use nix::unistd::{getpid, gettid};

use super::clock;
use super::context::Suffix;
use super::event::Event;
use crate::base::{OneLine, SessionId};

/// nginx's NGX_MAX_ERROR_STR: the longest line, line feed included, in bytes.
const LONGEST: usize = 2048;
/// The bytes of `, session: 7qk2m9xa-1f` at most.
const SESSION: usize = ", session: ".len() + SessionId::LONGEST;

pub(super) struct Line {
    bytes: [u8; LONGEST],
    length: usize,
    /// The bytes that text may fill.
    room: usize,
    connection: Option<u64>,
}

impl Line {
    /// `date [level] pid#tid: *connection message while …, client: …, session: …`, cut at 2048 bytes.
    pub(super) fn of(event: &Event<'_>) -> Finished {
        let mut line = Self::begin(event);
        line.push(event.message);
        if let Some(context) = event.context {
            line.push(format_args!("{}", Suffix(context)));
        }
        line.finish()
    }

    fn begin(event: &Event<'_>) -> Self {
        let Event {
            time,
            level,
            connection,
            ..
        } = *event;
        let reserved = connection.map_or(0, |_| SESSION);
        let mut line = Self {
            bytes: [0; LONGEST],
            length: 0,
            room: LONGEST - 1 - reserved,
            connection,
        };
        line.append(&clock::stamp(time));
        // Not cached: the process identifier changes when the process becomes a daemon.
        line.push(format_args!(" [{level}] {}#{}: ", getpid(), gettid()));
        if let Some(number) = connection {
            line.push(format_args!("*{number} "));
        }
        line
    }

    /// Appends text and drops the part that does not fit.
    fn push(&mut self, text: fmt::Arguments<'_>) {
        // An error means that the line is full: formatting stops early.
        let _ = self.write_fmt(text);
    }

    /// Ends the line with `, session: …` if it has a connection, also where text was cut, and a line feed.
    fn finish(mut self) -> Finished {
        self.room = LONGEST - 1;
        if let Some(number) = self.connection {
            let id = SessionId::of_connection(number);
            self.push(format_args!(", session: {id}"));
        }
        self.bytes[self.length] = b'\n';
        self.length += 1;
        Finished(self)
    }

    /// Appends the text that fits, and leaves room for the end of the line. Returns whether all of it fitted.
    fn append(&mut self, bytes: &[u8]) -> bool {
        let room = self.room - self.length;
        let taken = bytes.len().min(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&bytes[..taken]);
        self.length += taken;
        taken == bytes.len()
    }
}

impl Write for Line {
    /// Control bytes are escaped: whatever the text is, a record is one line.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.contains(char::is_control) {
            let text = OneLine(text.as_bytes()).to_string();
            return self.write_str(&text);
        }
        if self.append(text.as_bytes()) {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// A line of at most 2048 bytes that ends with a line feed.
pub(super) struct Finished(Line);

impl AsRef<[u8]> for Finished {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes[..self.0.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Level;

    fn text(level: Level, connection: Option<u64>, message: fmt::Arguments<'_>) -> String {
        let line = Line::of(&Event::new(level, connection, message));
        String::from_utf8_lossy(line.as_ref()).into_owned()
    }

    #[test]
    fn has_nginx_prefix() {
        let text = text(Level::Info, Some(7), format_args!("client {}", 1));
        let (stamp, rest) = text.split_at(19);
        assert_eq!(stamp.len(), 19);
        assert_eq!(
            rest,
            format!(
                " [info] {}#{}: *7 client 1, session: {}\n",
                getpid(),
                gettid(),
                SessionId::of_connection(7)
            )
        );
    }

    #[test]
    fn has_no_number_without_a_connection() {
        let text = text(Level::Emerg, None, format_args!("x"));
        assert!(text.ends_with(": x\n"));
    }

    #[test]
    fn is_one_line() {
        let text = text(
            Level::Debug,
            None,
            format_args!("; edns\n{}\r\nz", '\u{85}'),
        );
        assert!(text.ends_with(": ; edns\\x0A\\xC2\\x85\\x0D\\x0Az\n"));
    }

    #[test]
    fn is_truncated_at_2048_bytes() {
        let text = text(Level::Error, None, format_args!("{}lost", "a".repeat(3000)));
        assert_eq!(text.len(), 2048);
        assert!(text.ends_with("aaa\n"));
    }

    #[test]
    fn a_truncated_line_keeps_its_session() {
        for connection in [0, 7, u64::MAX] {
            let message = format_args!("{}lost", "a".repeat(3000));
            let text = text(Level::Error, Some(connection), message);
            assert!(text.len() <= 2048, "{}", text.len());
            let id = SessionId::of_connection(connection);
            assert!(text.ends_with(&format!("aaa, session: {id}\n")), "{text}");
        }
    }
}
