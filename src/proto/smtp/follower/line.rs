//! Classifies a command line of the client.
//!
//! Mail servers differ in what they skip before a verb, in what ends a line and in how they split long lines. A line passes only if
//! all of them read one and the same command.

use super::outstanding::Request;
use super::step::Refusal;
use super::verb_scanner::{LONG, Region, VerbScanner, is_blank};
use crate::proto::smtp::bdat::{self, Chunk};

/// Whether a backend may split this command of the gateway's own, which has words of a client in it, so that a part of it is a
/// guarded command.
pub fn hides_command(command: &[u8]) -> bool {
    Line::new(command).hides_command()
}

/// The longest line that passes, in bytes with its end. It is the limit of RFC 4954, section 4, for a SASL dialogue.
pub const MAX_LINE: usize = 12_288;

/// The guarded verbs. Verbs that begin with one of them are guarded too.
const GUARDED: [(&[u8], Refusal); 8] = [
    (b"XCLIENT", Refusal::ProxyCommand),
    (b"XFORWARD", Refusal::ProxyCommand),
    (b"XPROXYFROM", Refusal::ProxyCommand),
    (b"STARTTLS", Refusal::StartTls),
    (b"X-ANONYMOUSTLS", Refusal::StartTls),
    (b"TURN", Refusal::NotImplemented),
    (b"ATRN", Refusal::NotImplemented),
    (b"XEXCH50", Refusal::NotImplemented),
];

/// The length of the first line of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// With its LF.
    Whole(usize),
    /// The line has no end yet.
    Open,
    /// Longer than [`MAX_LINE`].
    TooLong,
}

/// Measures the first line.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    let window = &bytes[..bytes.len().min(MAX_LINE)];
    match memchr::memchr(b'\n', window) {
        Some(at) => Extent::Whole(at + 1),
        None if window.len() == MAX_LINE => Extent::TooLong,
        None => Extent::Open,
    }
}

/// The octets that end a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Crlf,
    /// A bare LF. To a strict backend the line is not over.
    Lf,
    /// LF after more than one CR.
    CrCrlf,
}

/// A line with its end.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The line without its end.
    pub(super) content: &'a [u8],
    pub(super) ending: Ending,
}

/// What to do with a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Class {
    Pass(Request),
    Chunk {
        octets: u64,
        last: bool,
    },
    /// A BDAT whose size servers may read in different ways.
    InvalidBdat,
    Refuse(Refusal),
}

impl<'a> Line<'a> {
    /// Splits off the line end.
    pub(super) fn new(line: &'a [u8]) -> Self {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let Some(content) = line.strip_suffix(b"\r") else {
            return Line {
                content: line,
                ending: Ending::Lf,
            };
        };
        let end = content
            .iter()
            .rposition(|&b| b != b'\r')
            .map_or(0, |i| i + 1);
        let ending = if end == content.len() {
            Ending::Crlf
        } else {
            Ending::CrCrlf
        };
        Line {
            content: &content[..end],
            ending,
        }
    }

    /// Whether the line has a NUL or a bare CR, which end a line or a string in some servers.
    pub(super) fn is_broken(&self) -> bool {
        memchr::memchr2(b'\r', 0, self.content).is_some()
    }

    /// Whether a server may split the line.
    pub(super) fn is_long(&self) -> bool {
        self.content.len() > LONG
    }

    /// Whether a guarded verb or BDAT stands where a server may split the line.
    pub(super) fn hides_command(&self) -> bool {
        let mut scanner = VerbScanner::new();
        let found = self.is_long() && scanner.find(self.content, Region::Command).is_some();
        found || scanner.is_anywhere()
    }

    /// Classifies the line. An empty line does not pass because some servers answer it and others ignore it.
    pub(super) fn classify(&self) -> Class {
        if self.is_broken() {
            return Class::Refuse(Refusal::Invalid);
        }
        let text = trim_blanks(self.content);
        let verb = &text[..text.iter().position(is_blank).unwrap_or(text.len())];
        if verb.is_empty() || !verb.iter().all(u8::is_ascii_graphic) {
            return Class::Refuse(Refusal::Invalid);
        }
        if let Some((_, refusal)) = GUARDED.iter().find(|(word, _)| begins_with(verb, word)) {
            return Class::Refuse(*refusal);
        }
        if begins_with(verb, b"BDAT") {
            return self.chunk(verb);
        }
        if self.hides_command() {
            return Class::Refuse(Refusal::TooLong);
        }
        Class::Pass(request(verb))
    }

    /// Accepts BDAT only in a form that all servers read in the same way.
    fn chunk(&self, verb: &[u8]) -> Class {
        if verb.len() != b"BDAT".len() {
            return Class::Refuse(Refusal::Invalid);
        }
        match bdat::parse(self.content) {
            Some(Chunk { octets, last }) if self.ending == Ending::Crlf => {
                Class::Chunk { octets, last }
            }
            _ => Class::InvalidBdat,
        }
    }
}

fn request(verb: &[u8]) -> Request {
    let is = |word: &[u8]| verb.eq_ignore_ascii_case(word);
    match () {
        () if is(b"RCPT") => Request::Rcpt,
        () if is(b"MAIL") => Request::Mail,
        () if is(b"DATA") => Request::Data,
        () if is(b"RSET") => Request::Reset,
        () if is(b"EHLO") || is(b"HELO") => Request::Hello,
        () if is(b"AUTH") || is(b"X-EXPS") => Request::Auth,
        () if is(b"QUIT") => Request::Quit,
        () => Request::Other,
    }
}

fn trim_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !is_blank(b)).unwrap_or(text.len());
    &text[start..]
}

/// Whether `text` begins with `word`, ignoring ASCII case.
pub(super) fn begins_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classify(line: &[u8]) -> Class {
        Line::new(line).classify()
    }

    #[test]
    fn commands() {
        for (line, want) in [
            (&b"NOOP\r\n"[..], Request::Other),
            (b"noop\n", Request::Other),
            (b"DATA\r\r\n", Request::Data),
            (b" \tdata\r\n", Request::Data),
            (b"DATAX\r\n", Request::Other),
            (b"mail\tFROM:<>\r\n", Request::Mail),
            (b"Rcpt TO:<a@b>\r\n", Request::Rcpt),
            (b"EHLO x\r\n", Request::Hello),
            (b"AUTH PLAIN AGEAYg==\r\n", Request::Auth),
            (b"x-exps LOGIN\r\n", Request::Auth),
            (b"quit\r\n", Request::Quit),
            (b"RSET\r\n", Request::Reset),
            (b"XCLIEN T\r\n", Request::Other),
            (b"Subject: XCLIENT\r\n", Request::Other),
            (b"VRFY j\xc3\xbcrgen\r\n", Request::Other),
        ] {
            assert_eq!(classify(line), Class::Pass(want), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn refusals() {
        let long = [&b"NOOP "[..], &b"a".repeat(600), b"XCLIENT ADDR=1\r\n"].concat();
        let chunk = [&b"NOOP "[..], &b"a".repeat(600), b"BDAT 5\r\n"].concat();
        for (line, want) in [
            (&b"XCLIENT ADDR=192.0.2.1\r\n"[..], Refusal::ProxyCommand),
            (b"xClIeNt\n", Refusal::ProxyCommand),
            (b"XCLIENT\tADDR=1\r\n", Refusal::ProxyCommand),
            (b"XCLIENT=1\r\n", Refusal::ProxyCommand),
            (b" \t\x0b\x0cXCLIENT ADDR=1\r\n", Refusal::ProxyCommand),
            (b"XFORWARD NAME=x\r\n", Refusal::ProxyCommand),
            (b"XPROXYFROM SID=1\r\n", Refusal::ProxyCommand),
            (b"STARTTLS\r\n", Refusal::StartTls),
            (b"X-AnonymousTLS\r\n", Refusal::StartTls),
            (b"TURN\r\n", Refusal::NotImplemented),
            (b"XEXCH50 5 2\r\n", Refusal::NotImplemented),
            (b"\r\n", Refusal::Invalid),
            (b"\n", Refusal::Invalid),
            (b"  \r\n", Refusal::Invalid),
            (b"\x01XCLIENT ADDR=1\r\n", Refusal::Invalid),
            (b"X\x01CLIENT ADDR=1\r\n", Refusal::Invalid),
            (b"XCLIENT\x00 ADDR=1\r\n", Refusal::Invalid),
            (b"NOOP\0\r\n", Refusal::Invalid),
            (b"NOOP\rXCLIENT ADDR=1\r\n", Refusal::Invalid),
            (b"\r XCLIENT\r\n", Refusal::Invalid),
            ("XCLıENT ADDR=1\r\n".as_bytes(), Refusal::Invalid),
            (b"\xa0XCLIENT ADDR=1\r\n", Refusal::Invalid),
            (b"\x16\x03\x01\x02\n", Refusal::Invalid),
            (b"BDATX 5\r\n", Refusal::Invalid),
            (&long, Refusal::TooLong),
            (&chunk, Refusal::TooLong),
        ] {
            assert_eq!(
                classify(line),
                Class::Refuse(want),
                "{}",
                line.escape_ascii()
            );
        }
    }

    #[test]
    fn chunks() {
        for (line, octets, last) in [
            (&b"BDAT 0 LAST\r\n"[..], 0, true),
            (b"bdat 86\r\n", 86, false),
            (b"BDAT 2147483647 last\r\n", 2_147_483_647, true),
        ] {
            assert_eq!(classify(line), Class::Chunk { octets, last });
        }
        for line in [
            &b"BDAT\r\n"[..],
            b"BDAT \r\n",
            b"BDAT x\r\n",
            b"BDAT 12x LAST\r\n",
            b"BDAT -1 LAST\r\n",
            b"BDAT +5\r\n",
            b"BDAT 010\r\n",
            b"BDAT 0x10\r\n",
            b"BDAT 2147483648\r\n",
            b"BDAT 4294967301\r\n",
            b"BDAT 18446744073709551621\r\n",
            b"BDAT 99999999999999999999999999 LAST\r\n",
            b"BDAT  5\r\n",
            b"BDAT\t5\r\n",
            b" BDAT 5\r\n",
            b"BDAT 5 \r\n",
            b"BDAT 5 LASTLY\r\n",
            b"BDAT 5 LAST x\r\n",
            b"BDAT 5\n",
            b"BDAT 5\r\r\n",
        ] {
            assert_eq!(
                classify(line),
                Class::InvalidBdat,
                "{}",
                line.escape_ascii()
            );
        }
    }

    #[test]
    fn extents() {
        assert_eq!(extent(b"NOOP\r\nNOOP"), Extent::Whole(6));
        assert_eq!(extent(b"NOOP\r"), Extent::Open);
        let mut long = vec![b'a'; MAX_LINE - 1];
        assert_eq!(extent(&long), Extent::Open);
        long.push(b'\n');
        assert_eq!(extent(&long), Extent::Whole(MAX_LINE));
        long[MAX_LINE - 1] = b'a';
        assert_eq!(extent(&long), Extent::TooLong);
    }
}
