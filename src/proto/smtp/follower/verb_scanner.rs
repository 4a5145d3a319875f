//! Looks for guarded verbs in bytes that servers may or may not read as commands.

/// The column from which on a server may split a line. RFC 5321 (section 4.5.3.1.4) limits command lines to 512 octets.
pub(super) const LONG: usize = 500;

/// The verbs in upper case. XEXCH50 is one of them because a number of octets follows it, as with BDAT.
const VERBS: [&[u8]; 6] = [
    b"XCLIENT",
    b"XFORWARD",
    b"XPROXYFROM",
    b"STARTTLS",
    b"X-ANONYMOUSTLS",
    b"XEXCH50",
];
/// The length of the longest verb.
const LONGEST: usize = 14;

/// A scanner for bytes that arrive in pieces. Lines end at every CR and at every LF.
#[derive(Clone, Copy, Debug)]
pub(super) struct VerbScanner {
    /// Octets of this line so far.
    column: usize,
    /// The last octets of the current word in upper case. Octets that are neither graphic nor white space are left out.
    word: [u8; LONGEST],
    /// Octets of the current word.
    length: usize,
    /// The current word is the first of its line.
    first: bool,
    /// The server may have read a BDAT that the follower did not, so that the next command begins in the middle of a line.
    anywhere: bool,
}

/// What the scanned bytes are to the follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// A whole command line. The follower has read it if it is BDAT.
    Command,
    Content,
}

impl VerbScanner {
    /// Starts at the beginning of a line.
    pub(super) fn new() -> Self {
        VerbScanner {
            column: 0,
            word: [0; LONGEST],
            length: 0,
            first: true,
            anywhere: false,
        }
    }

    /// The index of the octet that completes a guarded verb.
    pub(super) fn find(&mut self, bytes: &[u8], region: Region) -> Option<usize> {
        let known = region == Region::Command && self.column == 0;
        let mut at = 0;
        while at < bytes.len() {
            if !self.is_needed() {
                // No verb can begin before the line ends or becomes long.
                let window = &bytes[at..bytes.len().min(at + LONG - self.column)];
                let skipped = memchr::memchr2(b'\r', b'\n', window).unwrap_or(window.len());
                self.column += skipped;
                at += skipped;
                if at == bytes.len() {
                    return None;
                }
            }
            if self.takes(bytes[at], known) {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// Whether the next octet can be part of a verb.
    fn is_needed(&self) -> bool {
        self.anywhere || self.column >= LONG || (self.first && self.length < LONGEST)
    }

    /// Examines one octet. Returns whether it completes a guarded verb. `known`: the follower has read this line as a command.
    fn takes(&mut self, byte: u8, known: bool) -> bool {
        if matches!(byte, b'\r' | b'\n') {
            *self = VerbScanner {
                anywhere: self.anywhere,
                ..VerbScanner::new()
            };
            return false;
        }
        self.column += 1;
        if is_blank(&byte) {
            let known = known && self.column <= LONG;
            self.anywhere |= self.may_be(b"BDAT") && !known;
            self.first &= self.length == 0;
            self.length = 0;
            return false;
        }
        if !byte.is_ascii_graphic() {
            return false;
        }
        self.word.rotate_left(1);
        self.word[LONGEST - 1] = byte.to_ascii_uppercase();
        self.length += 1;
        if self.length == 1 && !matches!(self.word[LONGEST - 1], b'B' | b'S' | b'X') {
            // No verb begins so. This skips most lines.
            self.first = false;
        }
        VERBS.iter().any(|verb| self.may_be(verb))
    }

    /// Whether the last octets are this verb, at a place where a command may begin.
    fn may_be(&self, verb: &[u8]) -> bool {
        let begins = self.first && self.length == verb.len();
        let cut = self.length >= verb.len() && (self.anywhere || self.column > LONG);
        (begins || cut) && self.word.ends_with(verb)
    }

    /// Whether a command may begin in the middle of a line.
    pub(super) fn is_anywhere(&self) -> bool {
        self.anywhere
    }
}

/// White space within a line, as in C's `isspace`. Postfix and Sendmail skip it before a verb.
pub(super) fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_at_the_beginning_of_lines() {
        let deep = |n: usize, text: &str| format!("{}{text}", "a".repeat(n));
        for (text, want) in [
            ("XCLIENT ADDR=1", Some(6)),
            ("a\nxclient", Some(8)),
            ("a\rXForward", Some(9)),
            (" \tXCLIENT", Some(8)),
            ("\0XCL\0IENT", Some(8)),
            ("x\r\n\r\nSTARTTLS\r\n", Some(12)),
            ("X-ANONYMOUSTLS", Some(13)),
            ("xProxyFrom SID=1", Some(9)),
            ("the XCLIENT command", None),
            ("aXCLIENT", None),
            ("X CLIENT", None),
            ("XCLIEN\nT", None),
            ("bdat 5\r\nabcdeXCLIENT", Some(19)),
            ("BDAT 5\r\nab\n\n XCLIENT", Some(19)),
            ("the BDAT 5\r\nabcdeXCLIENT", None),
            (&deep(600, "BDAT 5\r\nabcdeXCLIENT"), Some(619)),
            (&deep(400, "XCLIENT"), None),
            (&deep(490, "XCLIENT"), None),
            (&deep(500, "XCLIENT"), Some(506)),
            (&deep(10_000, "XCLIENT"), Some(10_006)),
            (&deep(600, " XCLIENT"), Some(607)),
            (&deep(600, "\naXCLIENT"), None),
        ] {
            assert_eq!(
                VerbScanner::new().find(text.as_bytes(), Region::Content),
                want,
                "{text:?}"
            );
            // One by one: the same.
            let mut watch = VerbScanner::new();
            let found = text
                .bytes()
                .position(|byte| watch.find(&[byte], Region::Content).is_some());
            assert_eq!(found, want, "{text:?}");
        }
    }
}
